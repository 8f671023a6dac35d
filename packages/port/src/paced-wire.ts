import type { Cancel, Clock } from './clock.ts';

/** Bits on the line for each octet: start, eight of data, stop. */
export const BITS_PER_OCTET = 10;
/** A sender that is late by less than this, because its process was busy, has not left the line idle. */
const CATCH_UP_LIMIT_MS = 250;
/** Senders answer a line that has become free within this time, or it was idle. */
const ANSWER_WITHIN_MS = 2;
/** Times closer than this are the same one: sums of fractions of a millisecond are not exact. */
const SAME_MS = 1e-6;
/** The most octets of a slice, however fast the line. */
const SLICE_LIMIT_OCTETS = 4096;

/** What a wire does to octets on their way. */
export interface Passage {
  /** The octets as they come out; empty when they are lost. */
  readonly octets: Uint8Array;
  /** How much later than the line alone would bring them. */
  readonly delayMs: number;
}

/** Options of {@link PacedWire}. */
export interface PacedWireOptions {
  readonly clock: Clock;
  /** Bits a second; Infinity does not pace. */
  readonly baudRate: number;
  /** How much line time travels as one piece. */
  readonly sliceMs: number;
  /** How much line time the transmitter's FIFO holds ahead. */
  readonly fifoMs: number;
  /** The most octets of a slice, whatever the rate; {@link SLICE_LIMIT_OCTETS} at most. */
  readonly sliceLimitOctets: number;
  /** The most octets under way, whatever the delay. */
  readonly inFlightLimitOctets: number;
  /** What becomes of octets that the transmitter takes, in order. It keeps no reference; the answer is copied. */
  readonly pass: (octets: Uint8Array) => Passage;
  /** True while the receiver's side holds the transmitter back. */
  readonly isHeld: () => boolean;
  /** Octets that the receiver can take now. */
  readonly roomOctets: () => number;
  /** Octets have arrived; given away. */
  readonly deliver: (octets: Uint8Array) => void;
}

interface Slice {
  /** Room for a whole slice where more may be appended, else just the octets. */
  octets: Uint8Array;
  used: number;
  arrivesAtMs: number;
}

/**
 * One direction of a serial line. Octets leave at the line's rate in slices of some milliseconds, reckoned from the
 * clock and not counted in ticks: a timer that comes late delivers all that is due by then, so the rate holds on
 * average, and there is one timer for a slice at most.
 */
export class PacedWire {
  readonly #options: PacedWireOptions;
  #msPerOctet = 0;
  #sliceOctets = SLICE_LIMIT_OCTETS;
  #lineFreeAtMs = -Infinity;
  /** Until when a sender counts as one that has never stopped. */
  #answerUntilMs = -Infinity;
  #inFlight: Slice[] = [];
  #inFlightOctets = 0;
  #lastArrivalMs = -Infinity;
  #waiting: { readonly octets: Uint8Array; readonly taken: (octets: number) => void } | undefined;
  #onEmpty: (() => void)[] = [];
  #cancelTimer: Cancel | undefined;
  #timerAtMs = Infinity;
  #busyMs = 0;
  #isFilling = false;
  #ended = false;

  constructor(options: PacedWireOptions) {
    this.#options = options;
    this.setBaudRate(options.baudRate);
  }

  /** Milliseconds that octets have occupied the line. */
  get busyMs(): number {
    return this.#busyMs;
  }

  setBaudRate(baudRate: number): void {
    this.#msPerOctet = (BITS_PER_OCTET * 1000) / baudRate;
    const wanted = this.#msPerOctet === 0 ? Infinity : Math.floor(this.#options.sliceMs / this.#msPerOctet);
    this.#sliceOctets = Math.max(1, Math.min(wanted, SLICE_LIMIT_OCTETS, this.#options.sliceLimitOctets));
  }

  /** Takes some of the octets as soon as the transmitter has room for them. */
  write(octets: Uint8Array): number | Promise<number> {
    const nowMs = this.#options.clock.now();
    if (this.#canTake(nowMs)) return this.#take(octets, nowMs);
    return new Promise((taken) => {
      this.#waiting = { octets, taken };
      this.#arm(nowMs);
    });
  }

  /** Looks again whether the receiver lets octets through. */
  goOn(): void {
    this.#run();
  }

  /** Loses what is under way. */
  lose(): number {
    const octets = this.#inFlightOctets;
    this.#inFlight = [];
    this.#inFlightOctets = 0;
    this.#run();
    return octets;
  }

  /** Resolves when nothing is under way. */
  async empty(): Promise<void> {
    if (this.#inFlight.length === 0 || this.#ended) return;
    await new Promise<void>((resolve) => this.#onEmpty.push(resolve));
  }

  end(): void {
    this.#ended = true;
    this.#cancelTimer?.();
    this.#waiting = undefined;
    this.#inFlight = [];
    this.#announceEmpty();
  }

  #canTake(nowMs: number): boolean {
    if (this.#options.isHeld() || !this.#hasRoom()) return false;
    // The FIFO is filled again when it has run down to its mark, and then by a whole slice: small sends need no timer
    // each.
    const aheadMs = this.#lineFreeAtMs - nowMs;
    if (aheadMs <= this.#options.fifoMs + SAME_MS) this.#isFilling = true;
    else if (aheadMs > this.#options.fifoMs + this.#options.sliceMs - SAME_MS) this.#isFilling = false;
    return this.#isFilling;
  }

  #take(octets: Uint8Array, nowMs: number): number {
    const count = Math.min(octets.length, this.#sliceOctets);
    const wasBusy = nowMs <= this.#answerUntilMs && nowMs - this.#lineFreeAtMs < CATCH_UP_LIMIT_MS;
    const startMs = wasBusy ? this.#lineFreeAtMs : Math.max(this.#lineFreeAtMs, nowMs);
    this.#lineFreeAtMs = startMs + count * this.#msPerOctet;
    this.#answerUntilMs = Math.max(this.#answerUntilMs, this.#lineFreeAtMs);
    this.#busyMs += count * this.#msPerOctet;
    const { octets: out, delayMs } = this.#options.pass(octets.subarray(0, count));
    // An octet never overtakes the one before it.
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, this.#lineFreeAtMs + delayMs);
    this.#put(out);
    this.#arm(nowMs);
    return count;
  }

  /** Copies octets to the slice at the end, if it is still behind another one and has room, or to a slice of their own. */
  #put(octets: Uint8Array): void {
    this.#inFlightOctets += octets.length;
    const last = this.#inFlight.at(-1);
    if (last !== undefined && this.#inFlight.length > 1 && last.used + octets.length <= this.#sliceOctets) {
      if (last.octets.length < this.#sliceOctets) {
        const whole = new Uint8Array(this.#sliceOctets);
        whole.set(last.octets.subarray(0, last.used));
        last.octets = whole;
      }
      last.octets.set(octets, last.used);
      last.used += octets.length;
      last.arrivesAtMs = this.#lastArrivalMs;
      return;
    }
    this.#inFlight.push({
      octets: new Uint8Array(octets),
      used: octets.length,
      arrivesAtMs: this.#lastArrivalMs,
    });
  }

  /** Sees to it that {@link #run} is called when the next slice arrives or the FIFO has room for a sender that waits. */
  #arm(nowMs: number): void {
    if (this.#ended) return;
    const first = this.#inFlight[0];
    // One for which the receiver has no room waits for goOn, not for a time.
    let atMs = first === undefined || first.used > this.#options.roomOctets() ? Infinity : first.arrivesAtMs;
    if (this.#waiting !== undefined && !this.#options.isHeld() && this.#hasRoom())
      atMs = Math.min(atMs, this.#lineFreeAtMs - this.#options.fifoMs);
    if (atMs >= this.#timerAtMs) return;
    this.#cancelTimer?.();
    this.#timerAtMs = atMs;
    const fire = (): void => {
      this.#timerAtMs = Infinity;
      this.#cancelTimer = undefined;
      this.#run(atMs);
    };
    if (atMs > nowMs) {
      this.#cancelTimer = this.#options.clock.after(atMs - nowMs, fire);
      return;
    }
    let cancelled = false;
    this.#cancelTimer = () => {
      cancelled = true;
    };
    queueMicrotask(() => {
      if (!cancelled) fire();
    });
  }

  #run(dueAtMs = Infinity): void {
    if (this.#ended) return;
    const nowMs = this.#options.clock.now();
    // Where this timer was to come while the line was still busy, it is not the sender who has left the line idle:
    // one that waited, or sends within a moment, goes on where the line stopped.
    if (dueAtMs <= this.#lineFreeAtMs + SAME_MS && nowMs > this.#lineFreeAtMs)
      this.#answerUntilMs = nowMs + ANSWER_WITHIN_MS;
    this.#deliverDue(nowMs);
    const waiting = this.#waiting;
    if (waiting !== undefined && this.#canTake(nowMs)) {
      this.#waiting = undefined;
      waiting.taken(this.#take(waiting.octets, nowMs));
    }
    this.#arm(nowMs);
    this.#announceEmpty();
  }

  #deliverDue(nowMs: number): void {
    for (let first = this.#inFlight[0]; first !== undefined; first = this.#inFlight[0]) {
      if (first.arrivesAtMs > nowMs + SAME_MS) return;
      if (first.used > this.#options.roomOctets()) return;
      this.#inFlight.shift();
      this.#inFlightOctets -= first.used;
      const { octets, used } = first;
      if (used > 0) this.#options.deliver(used === octets.length ? octets : octets.subarray(0, used));
    }
  }

  #hasRoom(): boolean {
    return this.#inFlight.length === 0 || this.#inFlightOctets < this.#options.inFlightLimitOctets;
  }

  #announceEmpty(): void {
    if (this.#inFlight.length > 0 || this.#onEmpty.length === 0) return;
    for (const resolve of this.#onEmpty.splice(0)) resolve();
  }
}
