import { SOCKET_ERRORS } from '../machine/socket-transitions.ts';
import { CONN_ID, integer, numberAt, socketOf, string, tableOf, textAt, type Declaration } from './arguments.ts';

/** The longest host name of #SD. */
const HOST_LENGTH = 255;

/** 0, or 255: what happens when the peer closes. */
const closureType = {
  kind: 'integer',
  name: 'closureType',
  ranges: [
    [0, 0],
    [255, 255],
  ],
  default: 0,
} as const;

/** #SD, #SO, #SH, #SL, #SLUDP, #SA: connections come and go (guide §3.2.1.4 to §3.2.2.3, §4.2.1). */
export const connectionCommands: readonly Declaration[] = [
  {
    name: '#SD',
    parameters: [
      CONN_ID,
      integer('txProt', 0, 1),
      integer('rPort', 1, 65_535),
      string('IPaddr', HOST_LENGTH),
      closureType,
      integer('lPort', 0, 65_535, 0),
      integer('connMode', 0, 1, 0),
    ],
    set: (context, args) =>
      socketOf(context, args).dial(context, {
        transport: numberAt(args, 1) === 0 ? 'tcp' : 'udp',
        port: numberAt(args, 2),
        host: textAt(args, 3),
        closureType: numberAt(args, 4),
        localPort: numberAt(args, 5),
        online: numberAt(args, 6) === 0,
      }),
  },
  {
    name: '#SO',
    parameters: [CONN_ID],
    set: (context, args) => socketOf(context, args).resume(context),
  },
  {
    name: '#SH',
    parameters: [CONN_ID],
    set: (context, args) => socketOf(context, args).shutdown(),
  },
  {
    name: '#SL',
    // Port 0 stands for one that was left out, which is fine for closing.
    parameters: [CONN_ID, integer('listenState', 0, 1), integer('listenPort', 0, 65_535, 0), closureType],
    set: (context, args) => {
      const socket = socketOf(context, args);
      if (numberAt(args, 1) === 0) return socket.unlisten();
      if (numberAt(args, 2) === 0) return { cme: SOCKET_ERRORS.operationNotAllowed };
      return socket.listen(context, { transport: 'tcp', port: numberAt(args, 2), closureType: numberAt(args, 3) });
    },
    read: (context) => {
      for (const { connId, listening } of tableOf(context).sockets) {
        if (listening?.transport === 'tcp') context.info(`#SL: ${connId},${listening.port},${listening.closureType}`);
      }
      return 'OK';
    },
  },
  {
    name: '#SLUDP',
    parameters: [CONN_ID, integer('listenState', 0, 1), integer('listenPort', 0, 65_535, 0)],
    set: (context, args) => {
      const socket = socketOf(context, args);
      if (numberAt(args, 1) === 0) return socket.unlisten();
      if (numberAt(args, 2) === 0) return { cme: SOCKET_ERRORS.operationNotAllowed };
      return socket.listen(context, { transport: 'udp', port: numberAt(args, 2), closureType: 0 });
    },
    read: (context) => {
      for (const { connId, listening } of tableOf(context).sockets) {
        if (listening?.transport === 'udp') context.info(`#SLUDP: ${connId},${listening.port}`);
      }
      return 'OK';
    },
  },
  {
    name: '#SA',
    parameters: [CONN_ID, integer('connMode', 0, 1, 0)],
    set: (context, args) => socketOf(context, args).accept(context, numberAt(args, 1) === 0),
  },
];
