import type { Cancel, Clock } from '@cellmux/port';
import { DataEndScanner } from '../core/data-end-scanner.ts';
import type { AtProfile } from './at-profile.ts';

const NOTHING = new Uint8Array(0);
/** How much later than DCD the result of an escape may come. */
const RESULT_BEHIND_DCD_MS = 1000;

/** What is known of circuit 109 (DCD) during a call. */
type Carrier =
  /** It does not follow the carrier, or nobody knows. */
  | 'unknown'
  /** Off before the call and on now: while it is, nothing in the data is the end. */
  | 'on'
  /** It went off during the call. */
  | 'off';

/** An escape that has been asked for and not been answered. */
export interface ExpectedEscape {
  readonly by: '+++' | 'dtr';
  /** Before this time an OK or NO CARRIER cannot be the answer to it. */
  readonly notBeforeMs: number;
}

/** The end of data mode. */
export interface FoundEnd {
  /** The result line, empty when there was none. */
  readonly text: string;
  /** What came behind it. */
  readonly rest: Uint8Array;
  /** When the result line was there. */
  readonly arrivedMs: number;
}

/** What {@link CallEndWatch} is made of. */
export interface CallEndWatchOptions {
  readonly clock: Clock;
  readonly profile: AtProfile;
  readonly isUrc: (line: string) => boolean;
  /** DCD was off before the call, so that it tells the carrier once it is on. */
  readonly carrierWasOff: boolean;
  /** Certainly data. */
  readonly onData: (bytes: Uint8Array) => void;
  /** Data mode has ended, with this result line or without one. */
  readonly onEnd: (found: FoundEnd) => void;
}

/**
 * Decides where data mode ends: what the octets look like is the scanner's, what time and DCD say is here.
 *
 * | DCD | `\r\nNO CARRIER\r\n` at the end of what arrived | nothing of the kind |
 * | --- | --- | --- |
 * | follows the carrier, on | held for `dataEndQuietMs`, then data | data |
 * | went off | the end when nothing follows for `dataBehindCarrierMs` | the end, without a text, `dataEndQuietMs` after the last octet |
 * | says nothing | the end when nothing follows for `dataEndQuietMs` | data |
 *
 * While an escape is being answered its result ends data mode after the quiet time whatever DCD says, but not before the
 * module can have seen the whole escape.
 */
export class CallEndWatch {
  readonly #options: CallEndWatchOptions;
  readonly #scanner: DataEndScanner;
  #carrier: Carrier = 'unknown';
  #dcd = false;
  #expected: ExpectedEscape | undefined;
  #timer: Cancel | undefined;
  #arrivedMs = 0;
  #stopped = false;

  constructor(options: CallEndWatchOptions) {
    this.#options = options;
    const { s3, s4 } = options.profile;
    this.#scanner = new DataEndScanner({ s3, s4, isUrc: options.isUrc });
  }

  /** A whole result line is held back and not decided upon. */
  get isUndecided(): boolean {
    return this.#scanner.holdsResult;
  }

  /** The carrier is gone, and the end of what arrives is waited for. */
  get isCarrierOff(): boolean {
    return this.#carrier === 'off';
  }

  receive(bytes: Uint8Array): void {
    const wasHeld = this.#scanner.holdsResult;
    const firstMs = wasHeld ? this.#arrivedMs : this.#options.clock.now();
    this.#scanner.resultMayFollow = this.#expected === undefined || firstMs >= this.#expected.notBeforeMs;
    const data = this.#scanner.push(bytes);
    // Where data comes out, what was held before was part of it.
    if (!wasHeld || data.length > 0) this.#arrivedMs = this.#options.clock.now();
    if (data.length > 0) this.#options.onData(data);
    this.#decide();
  }

  /** DCD as it is now. */
  carrier(dcd: boolean): void {
    if (dcd && this.#options.carrierWasOff) this.#carrier = 'on';
    else if (dcd && this.#carrier === 'off') this.#carrier = 'unknown';
    else if (!dcd && this.#dcd) this.#carrier = 'off';
    this.#dcd = dcd;
    this.#decide();
  }

  /** An escape has been asked for: its results end data mode, too. Undefined: it is not waited for any more. */
  expect(escape: ExpectedEscape | undefined, sequence: Uint8Array = NOTHING): void {
    this.#expected = escape;
    if (escape === undefined) this.#scanner.watch(['NO CARRIER']);
    else this.#scanner.watch(['OK', 'NO CARRIER'], sequence);
    this.#decide();
  }

  /** Decides nothing any more and gives what is held. */
  stop(): Uint8Array {
    this.#stopped = true;
    this.#timer?.();
    return this.#scanner.release();
  }

  #decide(): void {
    this.#timer?.();
    this.#timer = undefined;
    if (this.#stopped) return;
    const { clock, profile } = this.#options;
    const { state } = this.#scanner;
    if (this.#carrier === 'off') {
      if (state === 'whole') {
        this.#timer = clock.after(profile.dataBehindCarrierMs, () => {
          this.#end();
        });
        return;
      }
      const resultMs = this.#expected === undefined ? 0 : RESULT_BEHIND_DCD_MS;
      this.#timer = clock.after(Math.max(profile.dataEndQuietMs, resultMs), () => {
        this.#endWithoutText();
      });
      return;
    }
    if (state === 'nothing') return;
    if (!this.#scanner.holdsResult) {
      this.#timer = clock.after(profile.dataEndHoldMs, () => {
        this.#release();
      });
      return;
    }
    const now = clock.now();
    const notBeforeMs = Math.max(now, this.#expected?.notBeforeMs ?? now) + profile.dataEndQuietMs;
    this.#timer = clock.after(notBeforeMs - now, () => {
      const trusted = this.#carrier === 'unknown' || this.#expected !== undefined;
      if (trusted && this.#scanner.state === 'whole') this.#end();
      else this.#release();
    });
  }

  #release(): void {
    this.#timer = undefined;
    const held = this.#scanner.release();
    if (held.length > 0) this.#options.onData(held);
  }

  #end(): void {
    const found = this.#scanner.end();
    if (found === undefined) return;
    this.#stopped = true;
    this.#options.onEnd({ ...found, arrivedMs: this.#arrivedMs });
  }

  #endWithoutText(): void {
    this.#release();
    this.#stopped = true;
    this.#options.onEnd({ text: '', rest: NOTHING, arrivedMs: this.#options.clock.now() });
  }
}
