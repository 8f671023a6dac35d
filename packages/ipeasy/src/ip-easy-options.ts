import { checkInteger, checkOneOf, systemClock, type Clock } from '@cellmux/port';
import { RECEIVE_LIMIT_BYTES, SEND_LIMIT_BYTES } from './core/limits.ts';

/** Settings that every connId gets (`#SCFG`, `#SCFGEXT`); the module keeps them in its NVM. */
export interface SocketSettings {
  /** Context that connIds are bound to unless a call says otherwise, 1..5; default 1. */
  readonly cid: number;
  /** pktSz: online data is sent in packets of so many octets, 0 (the module chooses) or 1..1500; default 1420. */
  readonly packetBytes: number;
  /** maxTo: the module closes a connection that was silent for so long, 0 (never) or 1..65535 s; default 0. */
  readonly inactivityS: number;
  /** connTo: how long to try to connect, 1000..120000 ms in steps of 100; default 60000. */
  readonly connectTimeoutMs: number;
  /** txTo: a smaller online packet is sent after so long, 0 (never) or 100..25500 ms in steps of 100; default 100. */
  readonly sendDelayMs: number;
  /** TCP keep-alive, 0 (off) or 1..240 minutes; default 0. */
  readonly keepAliveMinutes: number;
  /** `hex`: data in command mode crosses the AT port as hex digits; halves the speed. Default `text`. */
  readonly dataMode: 'text' | 'hex';
}

/** Options of `IpEasy`. */
export interface IpEasyOptions {
  readonly clock?: Clock;
  /** See {@link SocketSettings}. */
  readonly sockets?: Partial<SocketSettings>;
  /** When all six connIds are taken: queue, or reject with `ERR_IPEASY_NO_FREE_SOCKET`; default `wait`. */
  readonly whenFull?: 'wait' | 'fail';
  /** AT ports that may be online at the same time, 0..3; default 3. Early firmware allows one. */
  readonly maxOnlinePorts?: number;
  /** Octets asked of one #SRECV, 1..1500; default 1500. */
  readonly receiveBytes?: number;
  /** The most octets of one send command, 1..1500; default and upper bound: what the module's test command says, else 1020. */
  readonly sendBytes?: number;
  /** See `IpEasySocketOptions.halfCloseMs`, 0..600000 or Infinity; default 5000. */
  readonly halfCloseMs?: number;
  /** Octets that a socket keeps for its reader, 1..2^24; default 16384. */
  readonly highWaterMarkBytes?: number;
  /** Whether `#SS` is asked once per connection for its addresses; default true. */
  readonly askAddresses?: boolean;
  /**
   * Open sockets of which nothing was heard for so long are asked after with `#SS`, in case an indication was lost on the
   * line; 1000..3600000 ms or Infinity; default 10000.
   */
  readonly watchMs?: number;
  /** Time for an ordinary command, 100..600000 ms; default 10000. */
  readonly timeoutMs?: number;
}

/** All options with their defaults. */
export interface ResolvedOptions extends Required<Omit<IpEasyOptions, 'sockets' | 'sendBytes'>> {
  readonly sockets: SocketSettings;
  readonly sendBytes: number | undefined;
}

/** @throws CellmuxError `ERR_OPTION_RANGE` */
export function resolveOptions(options: IpEasyOptions): ResolvedOptions {
  const sockets: SocketSettings = {
    cid: 1,
    // One packet of the usual MSS of mobile networks.
    packetBytes: 1420,
    // The module's own default of 90 s would end every quiet connection.
    inactivityS: 0,
    connectTimeoutMs: 60_000,
    // The module's own default of 5 s delays every short write online.
    sendDelayMs: 100,
    keepAliveMinutes: 0,
    dataMode: 'text',
    ...options.sockets,
  };
  checkInteger('sockets.cid', sockets.cid, 1, 5);
  checkInteger('sockets.packetBytes', sockets.packetBytes, 0, 1500);
  checkInteger('sockets.inactivityS', sockets.inactivityS, 0, 65_535);
  checkInteger('sockets.connectTimeoutMs', sockets.connectTimeoutMs, 1000, 120_000);
  checkInteger('sockets.sendDelayMs', sockets.sendDelayMs, 0, 25_500);
  checkInteger('sockets.keepAliveMinutes', sockets.keepAliveMinutes, 0, 240);
  checkOneOf('sockets.dataMode', sockets.dataMode, ['text', 'hex']);
  const halfCloseMs = options.halfCloseMs ?? 5000;
  if (halfCloseMs !== Infinity) checkInteger('halfCloseMs', halfCloseMs, 0, 600_000);
  const watchMs = options.watchMs ?? 10_000;
  if (watchMs !== Infinity) checkInteger('watchMs', watchMs, 1000, 3_600_000);
  return {
    clock: options.clock ?? systemClock,
    sockets,
    whenFull: checkOneOf('whenFull', options.whenFull ?? 'wait', ['wait', 'fail']),
    maxOnlinePorts: checkInteger('maxOnlinePorts', options.maxOnlinePorts ?? 3, 0, 3),
    receiveBytes: checkInteger('receiveBytes', options.receiveBytes ?? RECEIVE_LIMIT_BYTES, 1, RECEIVE_LIMIT_BYTES),
    sendBytes:
      options.sendBytes === undefined ? undefined : checkInteger('sendBytes', options.sendBytes, 1, SEND_LIMIT_BYTES),
    halfCloseMs,
    highWaterMarkBytes: checkInteger('highWaterMarkBytes', options.highWaterMarkBytes ?? 16_384, 1, 2 ** 24),
    askAddresses: options.askAddresses ?? true,
    watchMs,
    timeoutMs: checkInteger('timeoutMs', options.timeoutMs ?? 10_000, 100, 600_000),
  };
}
