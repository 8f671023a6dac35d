import { portClosedError, type AbortOptions, type Clock, type Port } from '@cellmux/port';
import { EscapeAvoidance } from '../core/escape-avoidance.ts';
import { delay } from './delay.ts';

/** A last `+` that waits, so that data does not become an escape sequence. */
interface HeldPlus {
  /** More data follows: it need not wait any longer. */
  readonly release: () => void;
  /** It has been handed to the line. */
  readonly passed: Promise<void>;
}

/**
 * Sends the data of a call: in order, never as an escape sequence by accident, and never into command mode: what the
 * line has not taken when the call ends is taken back and its senders are told.
 */
export class CallSender {
  readonly #name: string;
  readonly #line: Port;
  readonly #clock: Clock;
  readonly #guardMs: number;
  readonly #avoidance: EscapeAvoidance;
  readonly #ended: AbortSignal;
  readonly #inFlight = new Set<Promise<void>>();
  #held: HeldPlus | undefined;
  #lastSentMs = -Infinity;

  /**
   * @param guardMs the quiet time that certainly is a guard time to the module.
   * @param ended aborts when the call ends.
   */
  constructor(name: string, line: Port, clock: Clock, guardMs: number, ended: AbortSignal) {
    this.#name = name;
    this.#line = line;
    this.#clock = clock;
    this.#guardMs = guardMs;
    // A line may bring nearer what was sent apart, and the other way round: half of a guard time might become one.
    this.#avoidance = new EscapeAvoidance(guardMs / 2);
    this.#ended = ended;
  }

  /** When the last octet was handed over. */
  get lastSentMs(): number {
    return this.#lastSentMs;
  }

  /** Octets are waiting that the line has not taken. */
  get isBusy(): boolean {
    return this.#inFlight.size > 0;
  }

  send(bytes: Uint8Array, { signal }: AbortOptions = {}): Promise<void> {
    const wouldEscape = this.#avoidance.sends(bytes, this.#clock.now());
    const held = this.#held;
    held?.release();
    const sent = wouldEscape
      ? this.#sendApart(bytes, signal, held)
      : held === undefined
        ? this.#sendNow(bytes, signal)
        : held.passed.then(() => this.#sendNow(bytes, signal));
    this.#inFlight.add(sent);
    const settled = (): void => {
      this.#inFlight.delete(sent);
      this.#lastSentMs = this.#clock.now();
    };
    sent.then(settled, settled);
    return sent;
  }

  /** Settles when all that was given to {@link send} has been taken or refused. */
  async idle(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.allSettled([...this.#inFlight]);
  }

  async #sendNow(bytes: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    const signals = signal === undefined ? this.#ended : AbortSignal.any([signal, this.#ended]);
    try {
      await this.#line.send(bytes, { signal: signals });
    } catch (error) {
      if (this.#ended.aborted && signal?.aborted !== true) throw portClosedError(this.#name, bytes.length, error);
      throw error;
    }
  }

  /** Sends all but the last octet, and that when a guard time has passed or more data follows. */
  async #sendApart(bytes: Uint8Array, signal: AbortSignal | undefined, before: HeldPlus | undefined): Promise<void> {
    const follows = new AbortController();
    let passed: () => void = () => undefined;
    this.#held = {
      release: () => {
        follows.abort();
      },
      passed: new Promise((resolve) => (passed = resolve)),
    };
    const mine = this.#held;
    try {
      await before?.passed;
      if (bytes.length > 1) await this.#sendNow(bytes.subarray(0, -1), signal);
      await delay(this.#clock, this.#guardMs, follows.signal, signal, this.#ended);
      if (signal?.aborted === true) throw signal.reason;
      const last = this.#sendNow(bytes.subarray(-1), signal);
      passed();
      await last;
    } finally {
      passed();
      if (this.#held === mine) this.#held = undefined;
    }
  }
}
