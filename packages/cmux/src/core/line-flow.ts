import type { LinkContext } from './link-context.ts';

/**
 * How long an XOFF holds without an XON behind it, in ms: a damaged octet looks like one, and its sender, which knows of
 * none, would never send the other.
 */
export const STOP_LIMIT_MS = 2000;

const XON = 0x11;

/**
 * Flow control of the line itself by XON and XOFF (3GPP TS 27.010 §5.2.7.2), for lines whose driver leaves it to us. What
 * it stops is everything, since it is the line that can take no more.
 */
export class LineFlow {
  readonly #context: LinkContext;
  #untilMs = Infinity;

  constructor(context: LinkContext) {
    this.#context = context;
  }

  get isStopped(): boolean {
    return this.#context.transmitter.isLineStopped;
  }

  get nextDeadlineMs(): number {
    return this.#untilMs;
  }

  /** XON or XOFF arrived, with bit 8 either way. */
  take(octet: number): void {
    const { nowMs, counters, transmitter } = this.#context;
    if ((octet & 0x7f) === XON) {
      this.#goOn();
      return;
    }
    if (!transmitter.isLineStopped) counters.lineStops++;
    transmitter.isLineStopped = true;
    this.#untilMs = nowMs + STOP_LIMIT_MS;
    this.#context.isTouched = true;
  }

  handleTimeout(nowMs: number): void {
    if (this.#untilMs <= nowMs) this.#goOn();
  }

  /** The link ends. */
  end(): void {
    this.#untilMs = Infinity;
  }

  #goOn(): void {
    if (!this.isStopped) return;
    this.#context.transmitter.isLineStopped = false;
    this.#untilMs = Infinity;
    this.#context.restartTimers();
  }
}
