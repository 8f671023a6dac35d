import type { ModuleSocket } from '../module-socket.ts';
import { CONN_ID, socketOf, tableOf, type Context, type Declaration } from './arguments.ts';

/**
 * #SS and #SI: where the connIds stand (guide §3.2.2.4, §4.2.5). #ST and #SLASTCLOSURE came with later modules: they are
 * there when the option `newerCommands` says so.
 */
export const statusCommands: readonly Declaration[] = [
  listed('#SS', (socket) => socket.status()),
  listed('#SI', ({ connection: { sent, received, buffer, unacknowledgedBytes } }) =>
    [sent, received, buffer.length, unacknowledgedBytes].join(','),
  ),
  newer(
    listed('#ST', ({ kind, direction }) => (kind === undefined ? '0,0' : `${kind === 'tcp' ? 1 : 2},${direction}`)),
  ),
  newer(listed('#SLASTCLOSURE', ({ lastClosure }) => String(lastClosure))),
];

/** A command that older modules do not know. */
function newer(declaration: Declaration): Declaration {
  const { execute, set } = declaration;
  return {
    ...declaration,
    execute: (context, text) => (isNewer(context) ? (execute?.(context, text) ?? 'ERROR') : 'ERROR'),
    set: (context, args) => (isNewer(context) ? (set?.(context, args) ?? 'ERROR') : 'ERROR'),
    test: (context) => (isNewer(context) ? 'OK' : 'ERROR'),
  };
}

function isNewer(context: Context): boolean {
  return tableOf(context).options.newerCommands;
}

/** A command that prints a line for one connId, or for all. */
function listed(name: string, line: (socket: ModuleSocket) => string): Declaration {
  return {
    name,
    parameters: [CONN_ID],
    execute: (context) => {
      for (const socket of tableOf(context).sockets) context.info(`${name}: ${socket.connId},${line(socket)}`);
      return 'OK';
    },
    set: (context, args) => {
      const socket = socketOf(context, args);
      context.info(`${name}: ${socket.connId},${line(socket)}`);
      return 'OK';
    },
    test: '',
  };
}
