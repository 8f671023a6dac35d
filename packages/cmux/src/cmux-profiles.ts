import type { FramingOption } from './core/link-options.ts';

/** What is particular about a kind of module: data, no code. */
export interface CmuxProfile {
  /** For messages. */
  readonly name: string;
  readonly option: FramingOption;
  /** N1 to ask for, in octets. */
  readonly n1: number;
  /** N1 that the module has where AT+CMUX says none. */
  readonly defaultN1: number;
  /** Asks `AT+CMUX=?` first, and heeds the answer. */
  readonly askRanges: boolean;
  /** From OK to the first frame in ms: some modules lock up when it comes sooner. */
  readonly settleMs: number;
  /** How long the module may take to answer a command, in ms. */
  readonly commandTimeoutMs: number;
  /** DLCIs 1 to this one exist. */
  readonly dlciCount: number;
  /** Sent before AT+CMUX, each awaited; an ERROR to one is ignored. */
  readonly before: readonly string[];
}

/** Any module that keeps to the standard. */
export const GENERIC: CmuxProfile = {
  name: 'generic',
  option: 'basic',
  n1: 31,
  defaultN1: 31,
  askRanges: true,
  settleMs: 100,
  commandTimeoutMs: 3000,
  dlciCount: 61,
  before: [],
};

/**
 * Telit HE863: basic option, three virtual ports, frames of up to 127 octets. Telit modules want at least 400 ms between
 * OK and the first frame (seen on ME910G1).
 */
export const HE863: CmuxProfile = {
  name: 'Telit HE863',
  option: 'basic',
  n1: 127,
  defaultN1: 127,
  askRanges: false,
  settleMs: 400,
  commandTimeoutMs: 3000,
  dlciCount: 3,
  before: [],
};
