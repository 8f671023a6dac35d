import { latin1Octets, latin1Text } from './latin1.ts';
import { DATA_END_TAIL_LIMIT_BYTES } from './limits.ts';

/** What the scanner holds back at the end of what has arrived. */
export type HeldState =
  /** Nothing: all was data. */
  | 'nothing'
  /** The beginning of a result line that could end data mode, or a whole one with a begun line behind it. */
  | 'part'
  /** A whole one, with nothing but whole unsolicited lines behind it: the end, if nothing else follows. */
  | 'whole';

/** Options of {@link DataEndScanner}. */
export interface DataEndScannerOptions {
  readonly s3?: number;
  readonly s4?: number;
  /** Whether a line behind the result is one that a module sends by itself. */
  readonly isUrc?: (line: string) => boolean;
}

interface EndPattern {
  readonly text: string;
  readonly octets: Uint8Array;
}

const EMPTY = new Uint8Array(0);

/**
 * Looks for the result line that ends data mode, `\r\nNO CARRIER\r\n` or behind an escape `\r\nOK\r\n`, in a stream of
 * data that may contain the same octets. What could be that line is held back only while it stands at the very end of
 * what has arrived, alone or followed by unsolicited lines; as soon as anything else follows, it was data and comes out
 * as such. Whether a held whole line really is the end is for the owner to say, who knows the time and the circuits:
 * {@link end} or {@link release}.
 */
export class DataEndScanner {
  readonly #s3: number;
  readonly #s4: number;
  readonly #isUrc: (line: string) => boolean;
  #patterns: readonly EndPattern[] = [];
  #ignoredTail: Uint8Array = EMPTY;
  #held: Uint8Array = EMPTY;
  #state: HeldState = 'nothing';

  constructor(options: DataEndScannerOptions = {}) {
    this.#s3 = options.s3 ?? 13;
    this.#s4 = options.s4 ?? 10;
    this.#isUrc = options.isUrc ?? (() => false);
    this.watch(['NO CARRIER']);
  }

  /**
   * Whether a later text of {@link watch} may stand behind an earlier one as an unsolicited line: NO CARRIER of a socket
   * behind the OK of an escape. Where the earlier one came too soon to be the answer, the later one is the end.
   */
  resultMayFollow = true;

  /**
   * The texts that can end data mode from now on, the answer to an escape before others. `ignoredTail`: octets that may stand right behind one without being
   * data, such as an escape sequence that the module echoes because it was already in command mode. What is held and
   * can no longer be an end comes out with the next {@link push} or {@link release}.
   */
  watch(texts: readonly string[], ignoredTail: Uint8Array = EMPTY): void {
    const frame = String.fromCharCode(this.#s3, this.#s4);
    this.#patterns = texts.map((text) => ({ text, octets: latin1Octets(`${frame}${text}${frame}`) }));
    this.#ignoredTail = ignoredTail;
    if (this.#held.length > 0) this.#state = this.#judge(this.#held, 0);
  }

  /** What {@link heldBytes} could be. */
  get state(): HeldState {
    return this.#state === 'nothing' && this.#held.length > 0 ? 'part' : this.#state;
  }

  /** Octets held back. */
  get heldBytes(): number {
    return this.#held.length;
  }

  /** A whole result line is held, whatever stands behind it. */
  get holdsResult(): boolean {
    return this.#patterns.some(({ octets }) => startsWith(this.#held, octets, 0));
  }

  /** Takes what arrived and gives what is certainly data, empty for none; without a copy where nothing was held. */
  push(chunk: Uint8Array): Uint8Array {
    const window = this.#held.length === 0 ? chunk : joined(this.#held, chunk);
    // A candidate reaches to the end of what has arrived and is no longer than the limit: only there it can begin.
    let at = window.indexOf(this.#s3, Math.max(0, window.length - DATA_END_TAIL_LIMIT_BYTES));
    while (at >= 0) {
      this.#state = this.#judge(window, at);
      if (this.#state !== 'nothing') {
        this.#held = window.slice(at);
        return window.subarray(0, at);
      }
      at = window.indexOf(this.#s3, at + 1);
    }
    this.#held = EMPTY;
    this.#state = 'nothing';
    return window;
  }

  /** What is held was data: gives it, and holds nothing. */
  release(): Uint8Array {
    const held = this.#held;
    this.#held = EMPTY;
    this.#state = 'nothing';
    return held;
  }

  /**
   * The held whole line is the end: its text, and the octets behind it, which belong to command mode. Undefined, with
   * nothing changed, when no whole line is held.
   */
  end(): { readonly text: string; readonly rest: Uint8Array } | undefined {
    if (this.#state !== 'whole') return undefined;
    const pattern = this.#patterns.find(({ octets }) => startsWith(this.#held, octets, 0))!;
    const held = this.release();
    let from = pattern.octets.length;
    if (this.#ignoredTail.length > 0 && startsWith(held, this.#ignoredTail, from)) from += this.#ignoredTail.length;
    return { text: pattern.text, rest: held.slice(from) };
  }

  /** Whether the window from `at` to its end is an end, could become one, or is neither. */
  #judge(window: Uint8Array, at: number): HeldState {
    for (let index = 0; index < this.#patterns.length; index++) {
      const { octets } = this.#patterns[index]!;
      const length = Math.min(octets.length, window.length - at);
      let same = 0;
      while (same < length && window[at + same] === octets[same]) same++;
      if (same < length) continue;
      if (length < octets.length) return 'part';
      const tail = this.#judgeTail(window, at + length, index);
      if (tail !== 'nothing') return tail;
    }
    return 'nothing';
  }

  /** Behind the whole line: the ignored tail or none, then `\r\n`, an unsolicited line, `\r\n`, and so on. */
  #judgeTail(window: Uint8Array, from: number, result: number): HeldState {
    let at = from;
    const ignored = this.#ignoredTail;
    if (ignored.length > 0 && at < window.length && window[at] === ignored[0]) {
      let same = 0;
      while (same < ignored.length && at + same < window.length && window[at + same] === ignored[same]) same++;
      if (at + same === window.length) return same === ignored.length ? 'whole' : 'part';
      if (same === ignored.length) at += same;
    }
    while (at < window.length) {
      if (window[at] !== this.#s3) return 'nothing';
      if (at + 1 === window.length) return 'part';
      if (window[at + 1] !== this.#s4) return 'nothing';
      const textFrom = at + 2;
      let end = textFrom;
      while (end < window.length && window[end]! >= 0x20 && window[end] !== this.#s3) end++;
      if (end === window.length) return 'part';
      if (window[end] !== this.#s3) return 'nothing';
      const line = latin1Text(window, textFrom, end);
      const again = this.#patterns.findIndex(({ text }) => text === line);
      // A second such line is the end rather than the first: a module sends one, data may hold any number.
      if (again >= 0 ? again <= result || !this.resultMayFollow : !this.#isUrc(line)) return 'nothing';
      if (end + 1 === window.length) return 'part';
      if (window[end + 1] !== this.#s4) return 'nothing';
      at = end + 2;
    }
    return 'whole';
  }
}

function startsWith(window: Uint8Array, octets: Uint8Array, at: number): boolean {
  if (window.length < at + octets.length) return false;
  for (let index = 0; index < octets.length; index++) {
    if (window[at + index] !== octets[index]) return false;
  }
  return true;
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}
