import type { CommandContext, CommandResult } from '@cellmux/at';
import type { He863Module } from '../he863-module.ts';
import type { PortSession } from '../module-services.ts';
import { integer, NOT_ALLOWED, string, type Declaration } from './declaration.ts';

const CIDS = 5;

/** Contexts of the packet domain (3GPP TS 27.007 §10.1; guide §2.1). */
export function packetDomainCommands(module: He863Module): Declaration[] {
  return [defineContext(module), attach(module), activate(module), addresses(module), eventReporting()];
}

function defineContext(module: He863Module): Declaration {
  return {
    name: '+CGDCONT',
    parameters: [
      integer('cid', 1, CIDS),
      { ...string('PDP_type', 4, 'IP'), allowed: ['IP', 'PPP'] },
      string('APN', 100, ''),
      string('PDP_addr', 15, ''),
      integer('d_comp', 0, 1, 0),
      integer('h_comp', 0, 3, 0),
    ],
    set: (context, args): CommandResult => {
      const [cid, type, apn, address, dComp, hComp] = args as [number, string, string, string, number, number];
      if (context.given === 1) module.contexts.undefine(cid);
      else module.contexts.define({ cid, type, apn, address, dComp, hComp });
      return 'OK';
    },
    read: (context): CommandResult => {
      for (const { cid, type, apn, address, dComp, hComp } of module.contexts.all()) {
        context.info(`+CGDCONT: ${cid},"${type}","${apn}","${address}",${dComp},${hComp}`);
      }
      return 'OK';
    },
    test: (context): CommandResult => {
      for (const type of ['IP', 'PPP']) context.info(`+CGDCONT: (1-${CIDS}),"${type}",,,(0,1),(0-3)`);
      return 'OK';
    },
  };
}

function attach(module: He863Module): Declaration {
  return {
    name: '+CGATT',
    parameters: [integer('state', 0, 1)],
    set: (_context, [state]): CommandResult => {
      const obstacle = module.sim.error;
      if (obstacle !== undefined) return { cme: obstacle };
      if (state === 0) module.detach();
      else module.network.attached = true;
      return 'OK';
    },
    read: (context): CommandResult => {
      context.info(`+CGATT: ${module.network.isAttached ? 1 : 0}`);
      return 'OK';
    },
  };
}

/** Contexts that this command activates are not those of IP Easy (guide §2.2). */
function activate(module: He863Module): Declaration {
  return {
    name: '+CGACT',
    parameters: [integer('state', 0, 1), ...Array.from({ length: CIDS }, () => integer('cid', 1, CIDS, 0))],
    set: async (context, [state, ...all]): Promise<CommandResult> => {
      const named = (all as number[]).filter((cid) => cid !== 0);
      const cids = named.length > 0 ? named : module.contexts.all().map(({ cid }) => cid);
      for (const cid of cids) {
        const error = state === 1 ? await start(context, module, cid) : stop(module, cid);
        if (error !== undefined) return error;
      }
      return 'OK';
    },
    read: (context): CommandResult => {
      for (const { cid } of module.contexts.all()) context.info(`+CGACT: ${cid},${module.isActive(cid) ? 1 : 0}`);
      return 'OK';
    },
    test: '(0,1)',
  };
}

async function start(
  context: CommandContext<PortSession>,
  module: He863Module,
  cid: number,
): Promise<CommandResult | undefined> {
  if (module.isActive(cid)) return undefined;
  if (module.contexts.get(cid) === undefined) return NOT_ALLOWED;
  const granted = await module.network.activate(cid, { signal: context.signal });
  if ('cme' in granted) return granted;
  module.plainContexts.set(cid, granted.address);
  return undefined;
}

function stop(module: He863Module, cid: number): CommandResult | undefined {
  if (module.contexts.get(cid) === undefined) return NOT_ALLOWED;
  module.dropContext(cid);
  return undefined;
}

function addresses(module: He863Module): Declaration {
  const print = (context: CommandContext<PortSession>, cids: readonly number[]): CommandResult => {
    for (const cid of cids) {
      if (module.contexts.get(cid) !== undefined) context.info(`+CGPADDR: ${cid},"${module.addressOf(cid) ?? ''}"`);
    }
    return 'OK';
  };
  return {
    name: '+CGPADDR',
    parameters: Array.from({ length: CIDS }, () => integer('cid', 1, CIDS, 0)),
    set: (context, args): CommandResult => {
      const cids = (args as number[]).filter((cid) => cid !== 0);
      return print(context, cids.length > 0 ? cids : [1, 2, 3, 4, 5]);
    },
    execute: (context): CommandResult => print(context, [1, 2, 3, 4, 5]),
    test: (context): CommandResult => {
      const defined = module.contexts.all().map(({ cid }) => cid);
      if (defined.length > 0) context.info(`+CGPADDR: (${defined.join(',')})`);
      return 'OK';
    },
  };
}

/** `+CGEV` when the network takes a context (3GPP TS 27.007 §10.1.19); nothing is buffered. */
function eventReporting(): Declaration {
  return {
    name: '+CGEREP',
    parameters: [integer('mode', 0, 2, 0), integer('bfr', 0, 1, 0)],
    set: (context, [mode]): CommandResult => {
      context.session.server.settings.set('+CGEREP', mode as number);
      return 'OK';
    },
    read: (context): CommandResult => {
      context.info(`+CGEREP: ${context.session.server.settings.get('+CGEREP')},0`);
      return 'OK';
    },
  };
}
