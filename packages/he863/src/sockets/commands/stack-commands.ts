import type { Base64Mode } from '../machine/payload-codec.ts';
import { SOCKET_ERRORS } from '../machine/socket-transitions.ts';
import { CONN_ID, integer, numberAt, socketOf, string, tableOf, textAt, type Declaration } from './arguments.ts';

const MAXIMUM_DATA = 'sockets.tcpmaxdat';
const AUTHENTICATION = 'sockets.sgactauth';
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
  stored(
    '#TCPMAXDAT',
    MAXIMUM_DATA,
    // The guide prints "1496..1420", an empty range that its own example of 1000 is outside of.
    [
      [0, 0],
      [496, 1420],
    ],
    0,
  ),
  // 0 none, 1 PAP, 2 CHAP, 3 either.
  stored('#SGACTAUTH', AUTHENTICATION, [[0, 3]], 1),
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

/** A number that lies in NVM and does no more here: the machine's own network decides. */
function stored(
  name: string,
  key: string,
  ranges: readonly (readonly [number, number])[],
  factory: number,
): Declaration {
  return {
    name,
    parameters: [{ kind: 'integer', name: 'value', ranges }],
    set: (context, args) => {
      tableOf(context).module.nvm.set(key, numberAt(args, 0));
      return 'OK';
    },
    read: (context) => {
      const value = tableOf(context).module.nvm.get(key);
      context.info(`${name}: ${typeof value === 'number' ? value : factory}`);
      return 'OK';
    },
  };
}
