import { decimal, splitFields } from './split-fields.ts';

/** The state field of `#SS`, by number (IP Easy User Guide §3.2.2.4; 6 and 7 only on later modules). */
export const SOCKET_STATES = [
  'closed',
  'online',
  'suspended',
  'suspendedWithData',
  'listening',
  'incoming',
  'resolving',
  'connecting',
] as const;

/** What a connId is doing, in the words of the guide. A socket in command mode shows as suspended. */
export type SocketState = (typeof SOCKET_STATES)[number];

/** One line of `#SS`. */
export interface SocketStatus {
  /** 1..6. */
  readonly connId: number;
  readonly state: SocketState;
  readonly localAddress?: string;
  readonly localPort?: number;
  readonly remoteAddress?: string;
  readonly remotePort?: number;
}

/** One line of `#SI`: counters since the connId was opened last, kept after it closed. All in bytes. */
export interface SocketInfo {
  /** 1..6. */
  readonly connId: number;
  /** Given to the module for the network. */
  readonly sentBytes: number;
  /** Handed from the module to the host; what waits in the module is not in it. */
  readonly receivedBytes: number;
  /** Waiting in the module for `#SRECV` or online mode. */
  readonly waitingBytes: number;
  /** Sent and not yet acknowledged by the peer; 0 for UDP. */
  readonly unacknowledgedBytes: number;
}

/** A line `#SS: connId,state[,localIp,localPort[,remoteIp,remotePort]]`; undefined for any other line. */
export function parseSocketStatus(line: string): SocketStatus | undefined {
  const fields = splitFields(line, '#SS');
  if (fields === undefined) return undefined;
  const connId = decimal(fields[0]);
  const state = SOCKET_STATES[decimal(fields[1]) ?? -1];
  if (connId === undefined || state === undefined) return undefined;
  const localPort = decimal(fields[3]);
  const remotePort = decimal(fields[5]);
  return {
    connId,
    state,
    ...(fields[2] ? { localAddress: fields[2] } : {}),
    ...(localPort === undefined ? {} : { localPort }),
    ...(fields[4] ? { remoteAddress: fields[4] } : {}),
    ...(remotePort === undefined ? {} : { remotePort }),
  };
}

/** A line `#SI: connId,sent,received,buff_in,ack_waiting`; undefined for any other line. */
export function parseSocketInfo(line: string): SocketInfo | undefined {
  const fields = splitFields(line, '#SI');
  const [connId, sentBytes, receivedBytes, waitingBytes, unacknowledgedBytes] = (fields ?? []).map(decimal);
  if (connId === undefined || sentBytes === undefined || receivedBytes === undefined || waitingBytes === undefined)
    return undefined;
  return { connId, sentBytes, receivedBytes, waitingBytes, unacknowledgedBytes: unacknowledgedBytes ?? 0 };
}
