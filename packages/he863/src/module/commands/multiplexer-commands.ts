import type { CommandResult } from '@cellmux/at';
import type { He863Module } from '../he863-module.ts';
import { multiplex } from '../multiplexed-line.ts';
import { integer, NOT_ALLOWED, type Declaration } from './declaration.ts';

/** The six parameters of 3GPP TS 27.007 §5.7 that this module fixes: port_speed, N1, T1, N2, T2, T3, k. */
const FIXED = ['port_speed', 'N1', 'T1', 'N2', 'T2', 'T3', 'k'].map((name) => integer(name, 0, 32_768, 0));

/** `+CMUX=0`: OK, and from then on the line speaks the multiplexer's protocol. */
export function multiplexerCommands(module: He863Module): Declaration[] {
  const fixed = module.checked.cmuxParameters === 'ignore' ? FIXED : [];
  return [
    {
      name: '+CMUX',
      parameters: [integer('mode', 0, 0), integer('subset', 0, 0, 0), ...fixed],
      set: (context): CommandResult => {
        const { session, signal } = context;
        if (session.dlci !== 0) return NOT_ALLOWED;
        if (module.faults.refusesMultiplexer()) return 'ERROR';
        return { takeOver: (line) => multiplex(line, module, session, signal) };
      },
      read: (context): CommandResult => {
        context.info('+CMUX: 0,0');
        return 'OK';
      },
      test: '(0),(0)',
    },
  ];
}
