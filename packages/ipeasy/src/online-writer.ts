import type { DataCall } from '@cellmux/at';
import type { Clock } from '@cellmux/port';

const PLUS = 0x2b;
/** S12 as it is set when a module starts: 50 times 20 ms. */
const GUARD_MS = 1000;
/** What is kept clear of it, for clocks and lines that are late. */
const GUARD_FACTOR = 1.1;

/**
 * Sends data into a call so that it never looks like the escape sequence: three `+` on their own between two pauses of
 * the guard time. Where data would, a pause goes before the third one, which makes it data again.
 */
export class OnlineWriter {
  readonly #call: DataCall;
  readonly #clock: Clock;
  #lastSentMs = -Infinity;
  /** Of the `+` that were sent last, without anything behind them: whether there may have been a pause before each. */
  #pluses: boolean[] = [];

  constructor(call: DataCall, clock: Clock) {
    this.#call = call;
    this.#clock = clock;
  }

  /** Resolves when the line has taken the octets. One call at a time. */
  async send(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    // Half of the guard time already counts: what left here evenly may arrive there in bursts.
    const pluses = this.#after(bytes, this.#clock.now() - this.#lastSentMs >= GUARD_MS / 2);
    if (pluses.length < 3 || pluses[pluses.length - 3] !== true) {
      this.#pluses = pluses;
      await this.#sendNow(bytes);
      return;
    }
    if (bytes.length > 1) await this.#sendNow(bytes.subarray(0, -1));
    await this.#pause();
    this.#pluses = [true];
    await this.#sendNow(bytes.subarray(-1));
  }

  #after(bytes: Uint8Array, pauseBefore: boolean): boolean[] {
    let first = bytes.length;
    while (first > 0 && bytes[first - 1] === PLUS && bytes.length - first < 4) first--;
    const own = Array.from({ length: bytes.length - first }, (_, index) => first + index === 0 && pauseBefore);
    return first === 0 ? [...this.#pluses, ...own].slice(-3) : own;
  }

  async #sendNow(bytes: Uint8Array): Promise<void> {
    await this.#call.send(bytes);
    this.#lastSentMs = this.#clock.now();
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.after(GUARD_MS * GUARD_FACTOR, resolve);
    });
  }
}
