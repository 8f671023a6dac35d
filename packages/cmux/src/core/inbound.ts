import { decodeSignals, type ModemStatus } from './modem-status.ts';
import { FRAGMENT, FRAME_LIMIT_OCTETS } from './outbound.ts';
import type { ConvergenceLayer } from './parameter-negotiation.ts';

/** What an information field brought. */
export interface Arrived {
  /** A whole user frame, or some octets of the stream: where in `bytes`. Undefined where there is none. */
  readonly bytes: Uint8Array | undefined;
  readonly start: number;
  readonly end: number;
  readonly signals: ModemStatus | undefined;
}

const NOTHING: Arrived = { bytes: undefined, start: 0, end: 0, signals: undefined };

/** What is counted here. */
export interface InboundCounters {
  /** User frames that were given up: a fragment was missing, or they were too long. */
  framesBroken: number;
}

/** Undoes what {@link Outbound} does, for convergence layers 2 to 4 (3GPP TS 27.010 §5.5). */
export class Inbound {
  readonly #counters: InboundCounters;
  #convergence: ConvergenceLayer = 1;
  /** The frame so far: one array that grows, since each fragment may be a single octet. */
  #frame: Uint8Array = new Uint8Array(0);
  #octets = 0;
  #isInFrame = false;

  constructor(counters: InboundCounters) {
    this.#counters = counters;
  }

  configure(convergence: ConvergenceLayer): void {
    this.#convergence = convergence;
    this.restart();
  }

  /** Forgets a frame that is half here. */
  restart(): void {
    this.#frame = new Uint8Array(0);
    this.#octets = 0;
    this.#isInFrame = false;
  }

  take(bytes: Uint8Array, start: number, end: number): Arrived {
    switch (this.#convergence) {
      case 2:
        return takeWithSignals(bytes, start, end);
      case 4:
        return this.#takeFragment(bytes, start, end);
      default:
        return { bytes, start, end, signals: undefined };
    }
  }

  #takeFragment(bytes: Uint8Array, start: number, end: number): Arrived {
    const header = bytes[start];
    if (end === start || header === undefined) return NOTHING;
    const isFirst = (header & FRAGMENT.first) !== 0;
    const isLast = (header & FRAGMENT.last) !== 0;
    // A new frame begins while another is open, or goes on while none is: the frame that this belonged to is broken.
    if (isFirst === this.#isInFrame) this.#counters.framesBroken++;
    if (isFirst) {
      this.#octets = 0;
      this.#isInFrame = true;
    } else if (!this.#isInFrame) {
      return NOTHING;
    }
    const octets = this.#octets + end - start - 1;
    if (octets > FRAME_LIMIT_OCTETS) {
      this.#counters.framesBroken++;
      this.restart();
      return NOTHING;
    }
    this.#makeRoom(octets);
    this.#frame.set(bytes.subarray(start + 1, end), this.#octets);
    this.#octets = octets;
    if (!isLast) return NOTHING;
    const whole = this.#frame.subarray(0, octets);
    this.restart();
    return { bytes: whole, start: 0, end: octets, signals: undefined };
  }

  #makeRoom(octets: number): void {
    if (octets <= this.#frame.length) return;
    const larger = new Uint8Array(Math.max(256, octets * 2));
    larger.set(this.#frame.subarray(0, this.#octets));
    this.#frame = larger;
  }
}

function takeWithSignals(bytes: Uint8Array, start: number, end: number): Arrived {
  const signals = bytes[start];
  if (end === start || signals === undefined) return NOTHING;
  const hasBreak = (signals & 1) === 0 && start + 1 < end;
  const status = decodeSignals(signals, hasBreak ? bytes[start + 1] : undefined);
  return { bytes, start: start + (hasBreak ? 2 : 1), end, signals: status };
}
