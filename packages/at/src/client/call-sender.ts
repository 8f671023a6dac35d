import { hasCode, portClosedError, type AbortOptions, type Clock, type Port } from '@cellmux/port';
import { EscapeAvoidance } from '../core/escape-avoidance.ts';
import { aborted, delay } from './delay.ts';

/** Handed to the line at once. So much may go astray when a call ends, and so exact is the count of what was not sent. */
const PART_BYTES = 4096;

interface PendingSend {
  readonly bytes: Uint8Array;
  readonly signal: AbortSignal | undefined;
  /** The last octet would complete an escape sequence: it has to wait. */
  readonly endsApart: boolean;
  resolve: () => void;
  reject: (reason: unknown) => void;
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
  readonly #queue: PendingSend[] = [];
  #isPumping = false;
  /** Aborted when more data follows a last octet that waits. */
  #follows: AbortController | undefined;
  /** Aborted when the line may be used again. */
  #held: AbortController | undefined;
  #lastSettled: Promise<void> = Promise.resolve();
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
    ended.addEventListener('abort', () => {
      for (const pending of this.#queue.splice(1)) pending.reject(portClosedError(name, pending.bytes.length));
    });
  }

  /** When the last octets were handed over. */
  get lastSentMs(): number {
    return this.#lastSentMs;
  }

  /** Octets are waiting that the line has not taken. */
  get isBusy(): boolean {
    return this.#queue.length > 0;
  }

  /** Hands nothing more to the line, or goes on: the carrier is gone, and what left now would be lost. */
  hold(wanted: boolean): void {
    if (wanted) this.#held ??= new AbortController();
    else {
      this.#held?.abort();
      this.#held = undefined;
    }
  }

  send(bytes: Uint8Array, { signal }: AbortOptions = {}): Promise<void> {
    const endsApart = this.#avoidance.sends(bytes, this.#clock.now());
    this.#follows?.abort();
    const sent = new Promise<void>((resolve, reject) => {
      const pending: PendingSend = { bytes, signal, endsApart, resolve, reject };
      this.#queue.push(pending);
      if (signal !== undefined) this.#watchAbort(pending, signal);
      void this.#pump();
    });
    this.#lastSettled = sent.then(
      () => undefined,
      () => undefined,
    );
    return sent;
  }

  /** Settles when all that was given to {@link send} has been taken or refused. */
  async idle(): Promise<void> {
    while (this.isBusy) await this.#lastSettled;
  }

  #watchAbort(pending: PendingSend, signal: AbortSignal): void {
    const onAbort = (): void => {
      const index = this.#queue.indexOf(pending);
      // The one that is being sent looks at its signal itself.
      if (index < 1) return;
      this.#queue.splice(index, 1);
      pending.reject(signal.reason);
    };
    const { resolve, reject } = pending;
    const done = (): void => {
      signal.removeEventListener('abort', onAbort);
    };
    pending.resolve = () => {
      done();
      resolve();
    };
    pending.reject = (reason) => {
      done();
      reject(reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
  }

  async #pump(): Promise<void> {
    if (this.#isPumping) return;
    this.#isPumping = true;
    for (let pending = this.#queue[0]; pending !== undefined; pending = this.#queue[0]) {
      let error: unknown;
      let isSent = false;
      try {
        await this.#sendParts(pending);
        isSent = true;
      } catch (reason) {
        error = reason;
      }
      this.#lastSentMs = this.#clock.now();
      this.#queue.shift();
      if (isSent) pending.resolve();
      else pending.reject(error);
    }
    this.#isPumping = false;
  }

  async #sendParts({ bytes, signal, endsApart }: PendingSend): Promise<void> {
    const ended = this.#ended;
    const either = signal === undefined ? ended : AbortSignal.any([signal, ended]);
    const together = endsApart ? bytes.length - 1 : bytes.length;
    let at = 0;
    do {
      const isApart = at === together && endsApart;
      if (isApart) await this.#untilFollowed(either);
      if (this.#held !== undefined) {
        await aborted(this.#held.signal, either);
        if (ended.aborted) throw portClosedError(this.#name, bytes.length - at);
      }
      signal?.throwIfAborted();
      const to = isApart ? bytes.length : Math.min(at + PART_BYTES, together);
      try {
        if (to > at || bytes.length === 0) await this.#line.send(bytes.subarray(at, to), { signal: either });
      } catch (error) {
        signal?.throwIfAborted();
        const isClosed = hasCode(error, 'ERR_PORT_CLOSED');
        const unsent = isClosed ? Number(error.context['unsentBytes'] ?? 0) : 0;
        // Of a part that was taken back nobody knows how much had left.
        if (isClosed || ended.aborted) throw portClosedError(this.#name, bytes.length - to + unsent, error);
        throw error;
      }
      at = to;
    } while (at < bytes.length);
  }

  /** Waits for a guard time, or until more data follows. */
  async #untilFollowed(over: AbortSignal): Promise<void> {
    if (this.#queue.length > 1) return;
    const follows = new AbortController();
    this.#follows = follows;
    await delay(this.#clock, this.#guardMs, follows.signal, over);
    this.#follows = undefined;
  }
}
