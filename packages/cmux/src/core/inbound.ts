import { decodeSignals, type ModemStatus } from './modem-status.ts';
import { FRAGMENT } from './outbound.ts';
import type { ConvergenceLayer } from './parameter-negotiation.ts';

/** The longest user frame that layer 4 puts together; a longer one is given up. */
export const FRAME_LIMIT_OCTETS = 64 * 1024;

/** What an information field brought. */
export interface Arrived {
  /** A whole user frame, or some octets of the stream: where in `bytes`. Undefined where there is none. */
  readonly bytes: Uint8Array | undefined;
  readonly start: number;
  readonly end: number;
  readonly signals: ModemStatus | undefined;
}

const NOTHING: Arrived = { bytes: undefined, start: 0, end: 0, signals: undefined };

/** Undoes what {@link Outbound} does, for convergence layers 2 to 4 (3GPP TS 27.010 §5.5). */
export class Inbound {
  /** User frames that were given up: a fragment was missing, or they were too long. */
  framesBroken = 0;
  #convergence: ConvergenceLayer = 1;
  #parts: Uint8Array[] = [];
  #octets = 0;
  #isInFrame = false;

  configure(convergence: ConvergenceLayer): void {
    this.#convergence = convergence;
    this.restart();
  }

  /** Forgets a frame that is half here. */
  restart(): void {
    this.#parts = [];
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
    if (isFirst === this.#isInFrame) this.framesBroken++;
    if (isFirst) {
      this.#parts = [];
      this.#octets = 0;
      this.#isInFrame = true;
    } else if (!this.#isInFrame) {
      return NOTHING;
    }
    this.#octets += end - start - 1;
    if (this.#octets > FRAME_LIMIT_OCTETS) {
      this.framesBroken++;
      this.restart();
      return NOTHING;
    }
    this.#parts.push(bytes.slice(start + 1, end));
    if (!isLast) return NOTHING;
    const whole = new Uint8Array(this.#octets);
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.length;
    }
    this.restart();
    return { bytes: whole, start: 0, end: whole.length, signals: undefined };
  }
}

function takeWithSignals(bytes: Uint8Array, start: number, end: number): Arrived {
  const signals = bytes[start];
  if (end === start || signals === undefined) return NOTHING;
  const hasBreak = (signals & 1) === 0 && start + 1 < end;
  const status = decodeSignals(signals, hasBreak ? bytes[start + 1] : undefined);
  return { bytes, start: start + (hasBreak ? 2 : 1), end, signals: status };
}
