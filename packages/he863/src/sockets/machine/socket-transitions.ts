/**
 * What a connection identifier (connId) of the multisocket commands goes through (IP Easy guide §3.2.1 to §3.2.2.4,
 * §4.2). `opening` is a running #SD: #SS shows it as closed on this generation of modules.
 */
export type SocketState = 'closed' | 'opening' | 'online' | 'suspended' | 'pending' | 'listening' | 'incoming';

/** `<Status>` of #SS (guide §3.2.2.4). */
export const SOCKET_STATUS = {
  closed: 0,
  opening: 0,
  online: 1,
  suspended: 2,
  pending: 3,
  listening: 4,
  incoming: 5,
} as const satisfies Record<SocketState, number>;

/** What happens to a connId: commands of the host first, then what the network does. */
export const SOCKET_EVENTS = [
  'dial',
  'openedOnline',
  'openedCommand',
  'openFailed',
  'escape',
  'hangUp',
  'resume',
  'shutdown',
  'listen',
  'unlisten',
  'accept',
  'acceptCommand',
  'receive',
  'send',
  'peerConnects',
  'peerLeaves',
  'abandoned',
  'data',
  'drained',
  'peerFin',
  'peerReset',
  'delivered',
  'inactive',
  'contextLost',
] as const;
export type SocketEvent = (typeof SOCKET_EVENTS)[number];

/** What the shell has to do, in order. */
export type SocketEffect =
  /** Close the connection in order: what was sent still arrives. */
  | 'close'
  /** End the connection at once. */
  | 'abort'
  /** Forget what nobody has read. */
  | 'dropBuffer'
  | 'stopListening'
  /** Refuse the connection that waits for #SA. */
  | 'refusePeer'
  /** SRING as <srMode> says. */
  | 'announce'
  /** SRING: <connId> of a listener. */
  | 'ring'
  /** NO CARRIER: the end of the data phase, or an unsolicited line. */
  | 'noCarrier'
  /** #SL: ABORTED. */
  | 'listenerAborted'
  /** The peer is gone: close as soon as everything is delivered (`delivered`). */
  | 'closeWhenDelivered';

/** The answer to a command that the state refuses, or that ends without doing anything: a result or a +CME ERROR. */
export type SocketAnswer = 'OK' | 'NO CARRIER' | number;

/** One cell of the table. Without `answer` a command goes on; an event of the network has none. */
export interface SocketStep {
  readonly to: SocketState;
  readonly effects: readonly SocketEffect[];
  readonly answer?: SocketAnswer;
}

type Cell = readonly [to: SocketState | 'same', answer?: SocketAnswer, ...effects: SocketEffect[]];
type Row = Readonly<Partial<Record<SocketState, Cell>>>;

/** +CME ERROR codes of the table. */
export const SOCKET_ERRORS = {
  operationNotAllowed: 3,
  operationNotSupported: 4,
  wrongState: 551,
  wrongMode: 552,
  contextAlreadyActivated: 553,
  stackAlreadyActive: 554,
  activationFailed: 555,
  contextNotOpened: 556,
  cannotSetupSocket: 557,
  cannotResolve: 558,
  openTimeout: 559,
  cannotOpen: 560,
  remoteDisconnected: 561,
  connectionFailed: 562,
  txError: 563,
  alreadyListening: 564,
  cannotResume: 566,
} as const;

const notAllowed: Cell = ['same', SOCKET_ERRORS.operationNotAllowed];
const wrongState: Cell = ['same', SOCKET_ERRORS.wrongState];
const wrongMode: Cell = ['same', SOCKET_ERRORS.wrongMode];
const notResumable: Cell = ['same', SOCKET_ERRORS.cannotResume];

/**
 * The whole life of a connId, event by state; a cell that is missing changes nothing. An `answer` ends the command.
 * Whether the context is up (556), the port free (564) and a port may go online is asked before the table.
 */
const TABLE: Readonly<Record<SocketEvent, Row>> = {
  // Guide §3.2.1.4: #SD on a connId that is not closed is an error.
  dial: {
    closed: ['opening'],
    opening: wrongMode,
    online: wrongMode,
    suspended: wrongMode,
    pending: wrongMode,
    listening: wrongMode,
    incoming: wrongMode,
  },
  openedOnline: { opening: ['online'] },
  openedCommand: { opening: ['suspended'] },
  openFailed: { opening: ['closed', undefined, 'abort'] },
  // §3.2.1.4: +++ suspends, it does not close.
  escape: { online: ['suspended', 'OK'] },
  // &D2, or the carrier of the port is lost: the connection goes with the call.
  hangUp: { online: ['closed', 'NO CARRIER', 'close'] },
  // §3.2.1.5.
  resume: {
    closed: ['same', 'NO CARRIER'],
    opening: wrongMode,
    online: wrongMode,
    suspended: ['online'],
    pending: ['online'],
    listening: notResumable,
    incoming: notResumable,
  },
  // §3.2.1.6: OK on an idle connId too; §3.2.2.2: refusing a connection ends the listener.
  shutdown: {
    closed: ['same', 'OK'],
    opening: ['closed', 'OK', 'abort'],
    online: wrongMode,
    suspended: ['closed', 'OK', 'close'],
    pending: ['closed', 'OK', 'dropBuffer', 'close'],
    listening: ['closed', 'OK', 'stopListening'],
    incoming: ['closed', 'OK', 'refusePeer', 'stopListening', 'dropBuffer'],
  },
  // §3.2.2.2.
  listen: {
    closed: ['listening'],
    opening: wrongMode,
    online: wrongMode,
    suspended: wrongMode,
    pending: wrongMode,
    listening: ['same', SOCKET_ERRORS.alreadyListening],
    incoming: wrongMode,
  },
  unlisten: {
    closed: ['same', 'OK'],
    opening: wrongMode,
    online: wrongMode,
    suspended: wrongMode,
    pending: wrongMode,
    listening: ['closed', 'OK', 'stopListening'],
    incoming: ['closed', 'OK', 'refusePeer', 'stopListening', 'dropBuffer'],
  },
  // §3.2.2.3: only after the SRING of a listener. From here on the connId is that connection and listens no more.
  accept: {
    closed: wrongState,
    opening: wrongState,
    online: wrongState,
    suspended: wrongState,
    pending: wrongState,
    listening: wrongState,
    incoming: ['online', undefined, 'stopListening'],
  },
  acceptCommand: {
    closed: wrongState,
    opening: wrongState,
    online: wrongState,
    suspended: wrongState,
    pending: wrongState,
    listening: wrongState,
    incoming: ['suspended', 'OK', 'stopListening'],
  },
  // §4.2.4. An empty buffer is "activation failed", as measured on modules.
  receive: {
    closed: notAllowed,
    opening: notAllowed,
    online: wrongMode,
    suspended: ['same', SOCKET_ERRORS.activationFailed],
    pending: ['same'],
    listening: wrongState,
    incoming: wrongState,
  },
  // §4.2.3.
  send: {
    closed: notAllowed,
    opening: notAllowed,
    online: wrongMode,
    suspended: ['same'],
    pending: ['same'],
    listening: wrongState,
    incoming: wrongState,
  },
  peerConnects: { listening: ['incoming', undefined, 'ring'] },
  peerLeaves: { incoming: ['listening', undefined, 'dropBuffer'] },
  // No manual tells what becomes of a connection that ends before #SA; this is the second way.
  abandoned: { incoming: ['closed', undefined, 'refusePeer', 'stopListening', 'dropBuffer', 'noCarrier'] },
  data: { suspended: ['pending', undefined, 'announce'], pending: ['same', undefined, 'announce'] },
  drained: { pending: ['suspended'] },
  // §3.2.1.6: the remote host closes. A buffer that is not empty is read first, then the connId closes.
  peerFin: {
    opening: ['closed', undefined, 'abort'],
    online: ['same', undefined, 'closeWhenDelivered'],
    suspended: ['closed', undefined, 'close', 'noCarrier'],
    pending: ['same', undefined, 'closeWhenDelivered'],
    incoming: ['listening', undefined, 'refusePeer'],
  },
  peerReset: {
    opening: ['closed', undefined, 'abort'],
    online: ['same', undefined, 'closeWhenDelivered'],
    suspended: ['closed', undefined, 'abort', 'noCarrier'],
    pending: ['same', undefined, 'closeWhenDelivered'],
    incoming: ['listening', undefined, 'refusePeer', 'dropBuffer'],
  },
  delivered: {
    online: ['closed', 'NO CARRIER', 'close'],
    suspended: ['closed', undefined, 'close', 'noCarrier'],
    pending: ['closed', undefined, 'close', 'noCarrier'],
  },
  // §3.2.1.2 <maxTo>: a suspended socket is closed as well, and what it holds is lost.
  inactive: {
    online: ['closed', 'NO CARRIER', 'close'],
    suspended: ['closed', undefined, 'close', 'noCarrier'],
    pending: ['closed', undefined, 'dropBuffer', 'close', 'noCarrier'],
  },
  // §3.2.1.6 network deactivation.
  contextLost: {
    opening: ['closed', undefined, 'abort'],
    online: ['closed', 'NO CARRIER', 'abort'],
    suspended: ['closed', undefined, 'abort', 'noCarrier'],
    pending: ['closed', undefined, 'dropBuffer', 'abort', 'noCarrier'],
    listening: ['closed', undefined, 'stopListening', 'listenerAborted'],
    incoming: ['closed', undefined, 'refusePeer', 'stopListening', 'dropBuffer', 'listenerAborted'],
  },
};

/** What an event does to a connId in a state: total, and always the same. */
export function socketStep(state: SocketState, event: SocketEvent): SocketStep {
  const cell = TABLE[event][state];
  if (cell === undefined) return { to: state, effects: [] };
  const [to, answer, ...effects] = cell;
  const next = to === 'same' ? state : to;
  return answer === undefined ? { to: next, effects } : { to: next, effects, answer };
}
