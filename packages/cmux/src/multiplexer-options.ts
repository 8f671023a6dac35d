import { BACKLOG_LIMIT_BYTES, CellmuxError, checkInteger, checkOneOf, systemClock, type Clock } from '@cellmux/port';
import { DLCI_MAX, N1_MAX } from './core/limits.ts';
import type { FramingOption, LinkOptions, MultiplexerRole } from './core/link-options.ts';

/** Options of {@link Multiplexer}. */
export interface MultiplexerOptions {
  /** Which end this is; default `initiator`, the terminal's. */
  readonly role?: MultiplexerRole | undefined;
  /** Framing; default `basic`. */
  readonly option?: FramingOption | undefined;
  /** Longest information field in octets, 1 to 32768; default 31 in the basic, 64 in the advanced option (§5.7.2). */
  readonly n1?: number | undefined;
  /** The longest information field that PN may bring a DLC to, `n1` to 32768; default the larger of `n1` and 2048. */
  readonly n1Limit?: number | undefined;
  /** Acknowledgement timer in ms, 10 to 2550; default 100, and with a known speed the time of the frames before it. */
  readonly t1Ms?: number | undefined;
  /** Response timer of the control channel in ms, 20 to 2550, longer than T1; default 300 or three times T1. */
  readonly t2Ms?: number | undefined;
  /** Wake-up timer in ms, 1000 to 255000; default 10000. */
  readonly t3Ms?: number | undefined;
  /** Retransmissions, 0 to 100; default 3. */
  readonly n2?: number | undefined;
  /** Window of the error-recovery mode, 1 to 7; default 2. */
  readonly k?: number | undefined;
  /** The line's speed in Bd, where it is known: fits T1, and keeps the queue below short. */
  readonly baudRate?: number | undefined;
  /** The most line time queued below this multiplexer in ms, 1 to 10000; default 20. Needs `baudRate`. */
  readonly lineTimeMs?: number | undefined;
  /** Silence in ms after which the peer is asked whether it is there (Test), 0 to 3600000; default 0, which never asks. */
  readonly keepAliveMs?: number | undefined;
  /** How long a sleeping peer is sent flags before frames go out all the same, in ms, 0 to T3; default 1000. */
  readonly wakeMs?: number | undefined;
  /** Silence in ms after which a frame that never ended is searched for whole ones, 5 to 10000; default by speed and N1. */
  readonly interOctetMs?: number | undefined;
  /** The line uses XON/XOFF; needs the advanced option. Default false. */
  readonly softwareFlow?: boolean | undefined;
  /** Takes UI frames with an FCS over the header alone, as some stacks send them. Default false. */
  readonly headerOnlyUi?: boolean | undefined;
  /** The peer may open DLCIs 1 to this one; 0 to 61, default 61. */
  readonly dlciCount?: number | undefined;
  /**
   * Bytes kept for a DLC that nobody reads, 1024 and four times N1 to 2^30; default 64 KiB, or four times N1. At half of it
   * the peer is stopped.
   */
  readonly backlogLimitBytes?: number | undefined;
  /** How long `close()` of a DLC waits for queued bytes that do not move, in ms, 0 to 600000; default 2000. */
  readonly lingerMs?: number | undefined;
  /** Default the system's. */
  readonly clock?: Clock | undefined;
}

/** All options, checked and filled in. */
export interface CheckedOptions {
  readonly link: Omit<LinkOptions, 'accept' | 'signals'>;
  readonly dlciCount: number;
  readonly baudRate: number | undefined;
  readonly lineTimeMs: number;
  readonly backlogLimitBytes: number;
  readonly lingerMs: number;
  readonly clock: Clock;
}

/** Checks the options of a multiplexer; throws `ERR_OPTION_RANGE` naming option, value and range. */
export function checkOptions(options: MultiplexerOptions): CheckedOptions {
  const role = checkOneOf('role', options.role ?? 'initiator', ['initiator', 'responder']);
  const option = checkOneOf('option', options.option ?? 'basic', ['basic', 'advanced']);
  const n1 = checkInteger('n1', options.n1 ?? (option === 'basic' ? 31 : 64), 1, N1_MAX);
  const { baudRate } = options;
  if (baudRate !== undefined) checkInteger('baudRate', baudRate, 50, 100_000_000);
  const lineTimeMs = checkInteger('lineTimeMs', options.lineTimeMs ?? 20, 1, 10_000);
  // A frame before ours on the way there, one on the way back, and what is queued below.
  const octetMs = baudRate === undefined ? 0 : 10_000 / baudRate;
  const frameMs = (n1 + 7) * octetMs;
  const underWayMs = baudRate === undefined ? 0 : Math.ceil(2 * frameMs + lineTimeMs);
  const t1Ms = checkInteger('t1Ms', options.t1Ms ?? Math.min(2550, 100 + underWayMs), 10, 2550);
  const t2Ms = checkInteger('t2Ms', options.t2Ms ?? Math.min(2550, Math.max(300, 3 * t1Ms)), 20, 2550);
  if (t2Ms <= t1Ms && t1Ms < 2550) {
    throw new CellmuxError('ERR_OPTION_RANGE', `t2Ms must be greater than t1Ms (${t1Ms}), not ${t2Ms}`, {
      context: { option: 't2Ms', value: t2Ms, minimum: t1Ms + 1, maximum: 2550 },
    });
  }
  const t3Ms = checkInteger('t3Ms', options.t3Ms ?? 10_000, 1000, 255_000);
  const softwareFlow = checkBoolean('softwareFlow', options.softwareFlow ?? false);
  if (softwareFlow && option === 'basic') {
    throw new CellmuxError(
      'ERR_OPTION_RANGE',
      'softwareFlow needs the advanced option: basic frames may hold XON, XOFF',
      {
        context: { option: 'softwareFlow', value: true },
      },
    );
  }
  // At half of it the peer is stopped; a frame is under way then, and one more is begun before the peer has heard of it.
  const backlogFrom = Math.max(1024, 4 * n1);
  return {
    link: {
      role,
      option,
      n1,
      octetMs,
      n1Limit: checkInteger('n1Limit', options.n1Limit ?? Math.max(n1, 2048), n1, N1_MAX),
      t1Ms,
      t2Ms,
      t3Ms,
      n2: checkInteger('n2', options.n2 ?? 3, 0, 100),
      k: checkInteger('k', options.k ?? 2, 1, 7),
      keepAliveMs: checkInteger('keepAliveMs', options.keepAliveMs ?? 0, 0, 3_600_000),
      wakeMs: checkInteger('wakeMs', options.wakeMs ?? 1000, 0, t3Ms),
      interOctetMs: checkInteger(
        'interOctetMs',
        options.interOctetMs ?? Math.min(10_000, Math.max(50, Math.ceil(3 * frameMs))),
        5,
        10_000,
      ),
      softwareFlow,
      headerOnlyUi: checkBoolean('headerOnlyUi', options.headerOnlyUi ?? false),
    },
    dlciCount: checkInteger('dlciCount', options.dlciCount ?? DLCI_MAX, 0, DLCI_MAX),
    baudRate,
    lineTimeMs,
    backlogLimitBytes: checkInteger(
      'backlogLimitBytes',
      options.backlogLimitBytes ?? Math.max(BACKLOG_LIMIT_BYTES, backlogFrom),
      backlogFrom,
      2 ** 30,
    ),
    lingerMs: checkInteger('lingerMs', options.lingerMs ?? 2000, 0, 600_000),
    clock: options.clock ?? systemClock,
  };
}

function checkBoolean(option: string, value: boolean): boolean {
  if (typeof value === 'boolean') return value;
  throw new CellmuxError('ERR_OPTION_RANGE', `${option} must be true or false, not ${String(value)}`, {
    context: { option, value, allowed: [true, false] },
  });
}
