import { CONN_IDS } from '../machine/socket-settings.ts';
import { SOCKET_ERRORS } from '../machine/socket-transitions.ts';
import type { ModuleSocket } from '../module-socket.ts';
import { CONN_ID, integer, numberAt, socketOf, tableOf, type Declaration } from './arguments.ts';

/** #SCFG and #SCFGEXT: how a connId works (guide §3.2.1.2, §4.2.2). */
export const configurationCommands: readonly Declaration[] = [
  {
    name: '#SCFG',
    parameters: [
      CONN_ID,
      integer('cid', 1, 5),
      integer('pktSz', 0, 1500),
      integer('maxTo', 0, 65_535),
      integer('connTo', 10, 1200),
      integer('txTo', 0, 255),
    ],
    set: (context, args) => {
      const table = tableOf(context);
      const socket = socketOf(context, args);
      if (isLocked(socket, table.options.lockedConfiguration)) return { cme: SOCKET_ERRORS.operationNotAllowed };
      table.settings.configure(socket.connId, {
        cid: numberAt(args, 1),
        pktSz: numberAt(args, 2),
        maxTo: numberAt(args, 3),
        connTo: numberAt(args, 4),
        txTo: numberAt(args, 5),
      });
      return 'OK';
    },
    read: (context) => {
      for (const connId of CONN_IDS) {
        const { cid, pktSz, maxTo, connTo, txTo } = tableOf(context).settings.configuration(connId);
        context.info(`#SCFG: ${connId},${cid},${pktSz},${maxTo},${connTo},${txTo}`);
      }
      return 'OK';
    },
  },
  {
    name: '#SCFGEXT',
    parameters: [
      CONN_ID,
      integer('srMode', 0, 3),
      integer('recvDataMode', 0, 1),
      integer('keepalive', 0, 240),
      integer('ListenAutoRsp', 0, 1, 0),
      integer('sendDataMode', 0, 1, 0),
    ],
    set: (context, args) => {
      const table = tableOf(context);
      const socket = socketOf(context, args);
      if (isLocked(socket, table.options.lockedConfiguration)) return { cme: SOCKET_ERRORS.operationNotAllowed };
      const srMode = numberAt(args, 1);
      if (srMode > 2 && !table.options.viewWithSource) return { cme: SOCKET_ERRORS.operationNotSupported };
      table.settings.extend(socket.connId, {
        srMode,
        recvDataMode: numberAt(args, 2),
        keepalive: numberAt(args, 3),
        listenAutoRsp: numberAt(args, 4),
        sendDataMode: numberAt(args, 5),
      });
      return 'OK';
    },
    read: (context) => {
      for (const connId of CONN_IDS) {
        const values = tableOf(context).settings.extended(connId);
        const { srMode, recvDataMode, keepalive, listenAutoRsp, sendDataMode } = values;
        context.info(`#SCFGEXT: ${connId},${srMode},${recvDataMode},${keepalive},${listenAutoRsp},${sendDataMode}`);
      }
      return 'OK';
    },
    test: (context) => {
      const modes = tableOf(context).options.viewWithSource ? '0-3' : '0-2';
      context.info(`#SCFGEXT: (1-6),(${modes}),(0,1),(0-240),(0,1),(0,1)`);
      return 'OK';
    },
  },
];

function isLocked({ state }: ModuleSocket, locked: 'open' | 'online'): boolean {
  return locked === 'open' ? state !== 'closed' : state === 'online' || state === 'opening';
}
