import type { CommandResult, Handler, Argument } from '@cellmux/at';
import { fromHex, fromLatin1, latin1 } from '@cellmux/port';
import type { PortSession } from '../../module/module-services.ts';
import { MAXIMUM_TRANSFER_BYTES } from '../machine/socket-settings.ts';
import { SOCKET_ERRORS } from '../machine/socket-transitions.ts';
import { CONN_ID, integer, numberAt, socketOf, tableOf, type Declaration } from './arguments.ts';

type SetHandler = Handler<PortSession, [args: readonly Argument[]]>;

/** #SSEND: text up to Ctrl-Z (guide §4.2.3). */
const send: SetHandler = async (context, args) => {
  const socket = socketOf(context, args);
  const { options } = tableOf(context);
  const refused = socket.sendRefusal();
  if (refused !== undefined) return refused;
  const hex = socket.extended.sendDataMode === 1;
  const maximumBytes = hex && options.hexSendLimit === 'octets' ? 2 * options.sendLimitBytes : options.sendLimitBytes;
  const text = await context.prompt({ kind: 'ctrlZ', maximumBytes });
  if (text === undefined) return options.sendAborted;
  const bytes = hex ? fromHex(fromLatin1(text)) : text;
  if (bytes === undefined) return 'ERROR';
  return socket.send(bytes);
};

/** #SSENDEXT: a counted number of bytes, whatever they are. */
const sendCounted: SetHandler = async (context, args) => {
  const socket = socketOf(context, args);
  const refused = socket.sendRefusal();
  if (refused !== undefined) return refused;
  const bytes = await context.prompt({ kind: 'counted', bytes: numberAt(args, 1) });
  if (bytes === undefined) return tableOf(context).options.sendAborted;
  return socket.send(bytes);
};

/** #SRECV: the header, the bytes as they are or in hex, and the empty line before OK (guide §4.2.4). */
const receive: SetHandler = (context, args): CommandResult => {
  const socket = socketOf(context, args);
  const table = tableOf(context);
  const withSource = numberAt(args, 2) === 1;
  if (withSource && !table.options.udpInfo) return { cme: SOCKET_ERRORS.operationNotSupported };
  const { kind, connId } = socket;
  const datagram = kind === 'udp' && (withSource || table.options.udpReceive === 'datagram');
  const read = socket.receive(numberAt(args, 1), datagram);
  if ('refused' in read) return read.refused;
  const { bytes, left, source } = read;
  const fields = `${connId},${bytes.length}`;
  context.info(
    withSource && source !== undefined
      ? `#SRECV: ${source.address},${source.port},${fields},${left}`
      : `#SRECV: ${fields}`,
  );
  context.raw(socket.extended.recvDataMode === 0 ? bytes : latin1(table.present(bytes, 1)));
  context.raw(latin1('\r\n'));
  return 'OK';
};

const sendParameters = [CONN_ID];
const sendCountedParameters = [CONN_ID, integer('bytestosend', 1, MAXIMUM_TRANSFER_BYTES)];

/** #SSEND, #SSENDEXT and #SRECV, with the guide's spellings #SEND and #SENDEXT (guide §4.2.3, §4.2.4). */
export const dataCommands: readonly Declaration[] = [
  ...(['#SSEND', '#SEND'] as const).map((name): Declaration => ({
    name,
    parameters: sendParameters,
    set: spelled(send),
    test: '',
  })),
  ...(['#SSENDEXT', '#SENDEXT'] as const).map((name): Declaration => ({
    name,
    parameters: sendCountedParameters,
    set: spelled(sendCounted),
  })),
  {
    name: '#SRECV',
    parameters: [CONN_ID, integer('maxByte', 1, MAXIMUM_TRANSFER_BYTES), integer('UDPInfo', 0, 1, 0)],
    set: receive,
  },
];

/** A spelling that the module does not have is an unknown command. */
function spelled(handler: SetHandler): SetHandler {
  return (context, args) => {
    const { sendSpelling } = tableOf(context).options;
    const spelling = context.name.startsWith('#SS') ? 'ssend' : 'send';
    return sendSpelling === 'both' || sendSpelling === spelling ? handler(context, args) : 'ERROR';
  };
}
