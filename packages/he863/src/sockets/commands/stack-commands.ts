import type { Base64Mode } from '../machine/payload-codec.ts';
import { SOCKET_ERRORS } from '../machine/socket-transitions.ts';
import { CONN_ID, integer, numberAt, socketOf, string, tableOf, textAt, type Declaration } from './arguments.ts';

const ADDRESS_LENGTH = 15;

/** #FRWL, #TCPMAXDAT, #SGACTAUTH, #PADFWD, #PADCMD, #BASE64: what holds for the stack as a whole, and for data (guide §3.2.1.7, §3.2.2.1). */
export const stackCommands: readonly Declaration[] = [
  {
    name: '#FRWL',
    parameters: [
      integer('action', 0, 2),
      string('ip_address', ADDRESS_LENGTH, ''),
      string('net_mask', ADDRESS_LENGTH, ''),
    ],
    set: (context, args) => {
      const { firewall } = tableOf(context);
      const rule = { address: textAt(args, 1), mask: textAt(args, 2) };
      if (numberAt(args, 0) === 2) {
        firewall.clear();
        return 'OK';
      }
      const done = numberAt(args, 0) === 1 ? firewall.add(rule) : firewall.remove(rule);
      return done ? 'OK' : { cme: SOCKET_ERRORS.operationNotAllowed };
    },
    read: (context) => {
      for (const { address, mask } of tableOf(context).firewall.rules) context.info(`#FRWL: ${address},${mask}`);
      return 'OK';
    },
    test: '(0-2),,',
  },
  {
    // The machine's own network decides how large segments are: here the value is kept and does no more.
    name: '#TCPMAXDAT',
    parameters: [
      {
        kind: 'integer',
        name: 'size',
        // The guide prints "1496..1420", an empty range that its own example of 1000 is outside of.
        ranges: [
          [0, 0],
          [496, 1420],
        ],
      },
    ],
    set: (context, args) => {
      tableOf(context).maximumData = numberAt(args, 0);
      return 'OK';
    },
    read: (context) => {
      context.info(`#TCPMAXDAT: ${tableOf(context).maximumData}`);
      return 'OK';
    },
  },
  {
    name: '#SGACTAUTH',
    parameters: [integer('type', 0, 3)],
    set: (context, args) => {
      tableOf(context).contexts.authentication = numberAt(args, 0);
      return 'OK';
    },
    read: (context) => {
      context.info(`#SGACTAUTH: ${tableOf(context).contexts.authentication}`);
      return 'OK';
    },
  },
  {
    name: '#PADFWD',
    parameters: [integer('char', 0, 255), integer('mode', 0, 0, 0)],
    set: (context, args) => {
      tableOf(context).padding.character = numberAt(args, 0);
      return 'OK';
    },
    read: (context) => {
      context.info(`#PADFWD: ${tableOf(context).padding.character},0`);
      return 'OK';
    },
  },
  {
    name: '#PADCMD',
    parameters: [integer('mode', 0, 1)],
    set: (context, args) => {
      tableOf(context).padding.on = numberAt(args, 0) === 1;
      return 'OK';
    },
    read: (context) => {
      context.info(`#PADCMD: ${tableOf(context).padding.on ? 1 : 0}`);
      return 'OK';
    },
  },
  {
    name: '#BASE64',
    parameters: [CONN_ID, integer('enc', 0, 2), integer('dec', 0, 2)],
    set: (context, args) => {
      const { state, connection } = socketOf(context, args);
      if (state !== 'suspended' && state !== 'pending') return { cme: SOCKET_ERRORS.operationNotAllowed };
      connection.codec.set(numberAt(args, 1) as Base64Mode, numberAt(args, 2) as Base64Mode);
      return 'OK';
    },
    read: (context) => {
      for (const { connId, connection } of tableOf(context).sockets) {
        context.info(`#BASE64: ${connId},${connection.codec.enc},${connection.codec.dec}`);
      }
      return 'OK';
    },
  },
];
