import type { ModuleSocket } from '../module-socket.ts';
import { CONN_ID, socketOf, tableOf, type Declaration } from './arguments.ts';

/** #SS and #SI: where the connIds stand (guide §3.2.2.4, §4.2.5). */
export const statusCommands: readonly Declaration[] = [
  listed('#SS', (socket) => socket.status()),
  listed('#SI', ({ sent, received, unreadBytes, unacknowledgedBytes }) =>
    [sent, received, unreadBytes, unacknowledgedBytes].join(','),
  ),
];

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
