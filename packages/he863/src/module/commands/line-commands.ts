import type { CommandResult } from '@cellmux/at';
import type { NonVolatileMemory, PortSession } from '../module-services.ts';
import { integer, NOT_ALLOWED, type Declaration } from './declaration.ts';

/** +IFC's pair for each value of &K. */
const FLOW_OF_K: Readonly<Record<number, readonly [byDte: number, byDce: number]>> = {
  0: [0, 0],
  1: [0, 2],
  2: [0, 1],
  3: [2, 2],
  4: [1, 1],
  5: [1, 1],
  6: [2, 2],
};

const RATES = [0, 300, 1200, 2400, 4800, 9600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600];

/** The line itself: flow control, rate, character format (V.250 §6.2). Each port has its own flow control. */
export function lineCommands(nvm: NonVolatileMemory): Declaration[] {
  return [flowControl(), rate(nvm), characterFormat(nvm), serviceClass()];
}

function flowControl(): Declaration {
  return {
    name: '+IFC',
    parameters: [integer('by_te', 0, 2), integer('by_ta', 0, 2, 2)],
    set: (context, [byDte, byDce]): CommandResult => {
      const pair = Object.entries(FLOW_OF_K).find(([, [dte, dce]]) => dte === byDte && dce === byDce);
      if (pair === undefined) return NOT_ALLOWED;
      context.session.server.settings.set('&K', Number(pair[0]));
      return 'OK';
    },
    read: (context): CommandResult => {
      const [byDte, byDce] = flow(context.session);
      context.info(`+IFC: ${byDte},${byDce}`);
      return 'OK';
    },
  };
}

function flow(session: PortSession): readonly [number, number] {
  return FLOW_OF_K[session.server.settings.get('&K')] ?? [2, 2];
}

function rate(nvm: NonVolatileMemory): Declaration {
  return {
    name: '+IPR',
    parameters: [{ kind: 'integer', name: 'rate', ranges: RATES.map((value) => [value, value]) }],
    set: (_context, [value]): CommandResult => {
      nvm.set('ipr', value as number);
      return 'OK';
    },
    read: (context): CommandResult => {
      const value = nvm.get('ipr');
      context.info(`+IPR: ${typeof value === 'number' ? value : 0}`);
      return 'OK';
    },
    test: `(),(${RATES.join(',')})`,
  };
}

function characterFormat(nvm: NonVolatileMemory): Declaration {
  return {
    name: '+ICF',
    parameters: [integer('format', 0, 5), integer('parity', 0, 1, 0)],
    set: (_context, [format, parity]): CommandResult => {
      nvm.set('icf', [format as number, parity as number]);
      return 'OK';
    },
    read: (context): CommandResult => {
      const stored = nvm.get('icf');
      context.info(`+ICF: ${Array.isArray(stored) ? stored.join(',') : '3,0'}`);
      return 'OK';
    },
  };
}

function serviceClass(): Declaration {
  return {
    name: '+FCLASS',
    parameters: [integer('n', 0, 0)],
    set: (): CommandResult => 'OK',
    read: (context): CommandResult => {
      context.info('0');
      return 'OK';
    },
    test: '0',
  };
}
