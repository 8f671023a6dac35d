import type { CommandContext, CommandResult } from '@cellmux/at';
import type { He863Module } from '../he863-module.ts';
import type { PortSession } from '../module-services.ts';
import { NOT_ALLOWED, type Declaration } from './declaration.ts';

/** `*99#`, `*99***1#`, with what stands between the stars ignored (3GPP TS 27.007 §10.2.1.1). */
const PACKET_CALL = /^[PT]?\*99(?:\*[^*#]*(?:\*[^*#]*(?:\*(\d{1,2}))?)?)?#$/i;

/** Dial, hang up, answer, go online again (V.250 §6.3; guide §2.2, §2.3). */
export function callCommands(module: He863Module): Declaration[] {
  return [
    { name: 'D', execute: (context, text) => dial(context, module, text) },
    {
      name: 'H',
      execute: (context, text): CommandResult => {
        if (Number(text) !== 0) return 'ERROR';
        module.calls.of(context.session)?.hangUp('H');
        return 'OK';
      },
    },
    {
      name: 'O',
      execute: async (context, text): Promise<CommandResult> => {
        if (Number(text) !== 0) return 'ERROR';
        const call = module.calls.of(context.session);
        if (call === undefined) return 'NO CARRIER';
        return call.run(await context.connect(undefined, { forwardEscape: false }));
      },
    },
    { name: 'A', execute: (): CommandResult => 'NO CARRIER' },
    { name: 'P', execute: (): CommandResult => 'OK' },
    { name: 'T', execute: (): CommandResult => 'OK' },
  ];
}

async function dial(context: CommandContext<PortSession>, module: He863Module, text: string): Promise<CommandResult> {
  const match = PACKET_CALL.exec(text);
  // Nobody answers a voice or circuit-switched call here.
  if (match === null) return 'NO CARRIER';
  const cid = Number(match[1] ?? '1');
  if (module.checked.pppContexts === 'first' && cid !== 1) return NOT_ALLOWED;
  if (module.contexts.get(cid) === undefined) return NOT_ALLOWED;
  if (module.faults.refusesDial()) return 'NO CARRIER';
  if (module.calls.current !== undefined || !module.sockets.pppMayStart(cid)) return NOT_ALLOWED;
  const obstacle = module.network.obstacle();
  if (obstacle !== undefined) return { cme: obstacle };
  // CONNECT comes before the context is up (guide §2.2): PPP is what activates it.
  const call = module.calls.start(cid, context.session);
  return call.run(await context.connect(undefined, { forwardEscape: false }));
}
