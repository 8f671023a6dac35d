import type { DataCall } from '@cellmux/at';
import type { Clock } from '@cellmux/port';

const PLUS = 0x2b;
/** S12 as it is set when a module starts: 50 times 20 ms. */
const GUARD_MS = 1000;
/** What is kept clear of it, for clocks and lines that are late. */
const GUARD_FACTOR = 1.1;
/** As many `+` at the end as decide. */
const KEPT = 3;

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
    if (!escapes(this.#after(bytes))) {
      await this.#sendNow(bytes);
      return;
    }
    // A pause goes where neither what is before it nor what is behind it is an escape sequence.
    const behind = [1, 2].find((count) => count <= bytes.length && !escapes(this.#after(bytes.subarray(0, -count))));
    const before = behind === undefined ? 0 : bytes.length - behind;
    await this.#sendNow(bytes.subarray(0, before));
    await this.#pause();
    // Longer than the gap that the sequence allows: what is before can have no part in one.
    this.#pluses = [];
    await this.send(bytes.subarray(before));
  }

  /** The `+` at the end of everything, once these octets have been sent. */
  #after(bytes: Uint8Array): boolean[] {
    if (bytes.length === 0) return this.#pluses;
    // Half of the guard time already counts: what left here evenly may arrive there in bursts.
    const pauseBefore = this.#clock.now() - this.#lastSentMs >= GUARD_MS / 2;
    let first = bytes.length;
    while (first > 0 && bytes[first - 1] === PLUS && bytes.length - first < KEPT) first--;
    const own = Array.from({ length: bytes.length - first }, (_, index) => first + index === 0 && pauseBefore);
    return first === 0 ? [...this.#pluses, ...own].slice(-KEPT) : own;
  }

  async #sendNow(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    this.#pluses = this.#after(bytes);
    await this.#call.send(bytes);
    this.#lastSentMs = this.#clock.now();
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.after(GUARD_MS * GUARD_FACTOR, resolve);
    });
  }
}

/** Whether a pause behind these `+` makes the last three an escape sequence. */
function escapes(pluses: readonly boolean[]): boolean {
  return pluses.at(-3) === true;
}
