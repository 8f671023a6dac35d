/** How many octets may be handed to the line now. */
export interface Allowance {
  /** At most so many. */
  readonly limit: number;
  /** No further frame once there are so many. */
  readonly enough: number;
  /** Nothing is queued below: one frame may go however long it is. */
  readonly atLeastOne: boolean;
  /** When to ask again, in ms from now, should nothing have been allowed; Infinity: when the line has taken something. */
  readonly againInMs: number;
}

/** Octets handed to a line of unknown speed before it has taken those before. */
const WINDOW_OCTETS = 32 * 1024;

/** The part of the time that is left when the next frame is handed down. */
const REFILL = 0.25;

/** A wait that is shorter may be lost in the rounding of the clock, and then never ends. */
const LEAST_WAIT_MS = 0.01;

/**
 * Keeps the queue below short, so that an urgent frame waits no longer than `lineTimeMs` for the wire. A driver that
 * takes 4 KiB at once would make it wait 350 ms at 115200 Bd: so octets count as queued for as long as the wire needs for
 * them, whether the driver has taken them or not. Without a known speed only what the line has not taken counts.
 */
export class LineBudget {
  readonly #lineTimeMs: number;
  readonly #octetMs: number | undefined;
  #busyUntilMs = 0;
  #inFlight = 0;

  constructor(lineTimeMs: number, baudRate: number | undefined) {
    this.#lineTimeMs = lineTimeMs;
    this.#octetMs = baudRate === undefined ? undefined : 10_000 / baudRate;
  }

  allowance(nowMs: number): Allowance {
    if (this.#octetMs === undefined) {
      const limit = WINDOW_OCTETS - this.#inFlight;
      return { limit, enough: WINDOW_OCTETS, atLeastOne: this.#inFlight === 0, againInMs: Infinity };
    }
    const queuedMs = this.queuedMs(nowMs);
    const refillMs = this.#lineTimeMs * REFILL;
    if (queuedMs > refillMs) {
      const surplusMs = this.#busyUntilMs - nowMs - refillMs;
      const inTimeMs = surplusMs > 0 ? Math.max(LEAST_WAIT_MS, surplusMs) : Infinity;
      return { limit: 0, enough: 0, atLeastOne: false, againInMs: inTimeMs };
    }
    return {
      limit: Math.floor((this.#lineTimeMs - queuedMs) / this.#octetMs),
      enough: Math.ceil((refillMs - queuedMs) / this.#octetMs),
      atLeastOne: queuedMs <= 0.5,
      againInMs: Math.max(0.5, queuedMs),
    };
  }

  /** Line time that is queued below. */
  queuedMs(nowMs: number): number {
    return Math.max(0, this.#busyUntilMs - nowMs, this.#inFlight * (this.#octetMs ?? 0));
  }

  handed(octets: number, nowMs: number): void {
    this.#inFlight += octets;
    if (this.#octetMs !== undefined) this.#busyUntilMs = Math.max(nowMs, this.#busyUntilMs) + octets * this.#octetMs;
  }

  taken(octets: number): void {
    this.#inFlight -= octets;
  }
}
