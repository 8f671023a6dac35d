import { checkInteger, checkOneOf } from '@cellmux/port';
import { STANDARD_URCS, type UrcPattern } from '../core/urc-table.ts';

/** A command whose answer is known beforehand, sent to find out where in its answers a module is. */
export interface Probe {
  readonly line: string;
  /** Its information line. */
  readonly answer: string;
}

/** What a module wants to be spoken to like, as data. */
export interface AtProfile {
  readonly name: string;
  /** The longest command line it takes, from `AT` up to the line termination character, without that; 8 to 4096. */
  readonly maximumLineLength: number;
  /** Quiet time it wants between a final result and the next command; 0 to 60000. */
  readonly resultGapMs: number;
  /** Line termination character (V.250 §6.2.1); 0 to 127. */
  readonly s3: number;
  /** Response formatting character (V.250 §6.2.2); 0 to 127. */
  readonly s4: number;
  /** Guard time of the escape sequence in units of 20 ms: register S12; 0 to 255. */
  readonly s12: number;
  /** What the guard time is multiplied with, so that a late clock or a slow line does not shorten it. */
  readonly guardFactor: number;
  /** How data mode is left: the escape sequence, or circuit 108/2 (DTR) where `&D1` or `&D2` is set. */
  readonly escape: '+++' | 'dtr';
  /** For how long nothing may follow NO CARRIER for it to end data mode, on a port whose DCD says nothing; 0 to 60000. */
  readonly dataEndQuietMs: number;
  /**
   * How much later than DCD the last octets of a call may come, since MSC overtakes data in a multiplexer: for so long
   * nothing may follow NO CARRIER once DCD is off; 0 to 60000.
   */
  readonly dataBehindCarrierMs: number;
  /** For how long the beginning of `\r\nNO CARRIER\r\n` is held back at the end of what has arrived; 0 to 60000. */
  readonly dataEndHoldMs: number;
  /** For how long one probe is waited for when the client has lost step with the module; 1 to 60000. */
  readonly probeMs: number;
  /** Sent in turn; each answer differs from the others. */
  readonly probes: readonly Probe[];
  readonly urcs: readonly UrcPattern[];
}

/** Values that suit any V.250 module; the limit of the line is that of 27.007 modules with a 400-character buffer. */
export const GENERIC_AT_PROFILE: AtProfile = {
  name: 'generic',
  maximumLineLength: 400,
  resultGapMs: 20,
  s3: 13,
  s4: 10,
  s12: 50,
  guardFactor: 1.1,
  escape: '+++',
  dataEndQuietMs: 200,
  // The wait begins anew with each octet: between two frames of a DLC one of each of two other DLCs comes at most, 23 ms at
  // 115200 Bd with N1 = 127. Each call pays it at its end.
  dataBehindCarrierMs: 40,
  dataEndHoldMs: 20,
  probeMs: 1000,
  probes: [
    { line: 'ATS3?', answer: '013' },
    { line: 'ATS4?', answer: '010' },
    { line: 'ATS5?', answer: '008' },
  ],
  urcs: STANDARD_URCS,
};

/** Telit HE863: a command line of 80 characters, and 20 ms behind a final result. */
export const HE863_AT_PROFILE: AtProfile = { ...GENERIC_AT_PROFILE, name: 'HE863', maximumLineLength: 80 };

/**
 * Checks the figures of a profile.
 *
 * @throws CellmuxError `ERR_OPTION_RANGE`.
 */
export function checkProfile(profile: AtProfile): AtProfile {
  checkInteger('maximumLineLength', profile.maximumLineLength, 8, 4096);
  checkInteger('s3', profile.s3, 0, 127);
  checkInteger('s4', profile.s4, 0, 127);
  checkInteger('s12', profile.s12, 0, 255);
  checkInteger('resultGapMs', profile.resultGapMs, 0, 60_000);
  checkInteger('dataEndQuietMs', profile.dataEndQuietMs, 0, 60_000);
  checkInteger('dataBehindCarrierMs', profile.dataBehindCarrierMs, 0, 60_000);
  checkInteger('dataEndHoldMs', profile.dataEndHoldMs, 0, 60_000);
  checkInteger('probeMs', profile.probeMs, 1, 60_000);
  checkOneOf('escape', profile.escape, ['+++', 'dtr']);
  return profile;
}
