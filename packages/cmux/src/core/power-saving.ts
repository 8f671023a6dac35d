import type { LinkContext } from './link-context.ts';
import { FLAG_ADVANCED, FLAG_BASIC } from './limits.ts';

/** Flags in one go, and how often they are sent while the peer does not answer them. */
const FLAGS = 5;
const FLAGS_EVERY_MS = 20;

/**
 * Power saving, 3GPP TS 27.010 §5.4.6.3.2 and §5.4.7. While asleep nothing is sent; what is to be sent waits, and first
 * wakes the peer with flags until something comes back. Some modules never answer flags: after a while frames go out all
 * the same.
 */
export class PowerSaving {
  readonly #context: LinkContext;
  readonly #wakeMs: number;
  #state: 'awake' | 'asleep' | 'waking' = 'awake';
  #flagsAtMs = Infinity;
  #untilMs = Infinity;
  /**
   * The peer woke this end, and until then may still send flags for which it wants an answer: not at once again, and not
   * for ever, or two ends that noise has woken would answer each other's answers.
   */
  #answersUntilMs = -Infinity;
  #answeredAtMs = -Infinity;

  constructor(context: LinkContext, wakeMs: number) {
    this.#context = context;
    this.#wakeMs = wakeMs;
  }

  get state(): 'awake' | 'asleep' | 'waking' {
    return this.#state;
  }

  get isAwake(): boolean {
    return this.#state === 'awake';
  }

  get nextDeadlineMs(): number {
    return Math.min(this.#flagsAtMs, this.#untilMs);
  }

  /** PSC was answered, by whichever end: from now on the lines are idle. */
  sleep(): void {
    if (this.#state !== 'awake') return;
    this.#state = 'asleep';
    this.#context.transmitter.isHeld = true;
    this.#context.emit({ type: 'power', state: 'asleep' });
  }

  /** There is something to send. */
  wake(nowMs: number): void {
    if (this.#state !== 'asleep') return;
    this.#state = 'waking';
    this.#untilMs = nowMs + this.#wakeMs;
    this.#sendFlags();
    this.#flagsAtMs = nowMs + FLAGS_EVERY_MS;
    this.#context.isTouched = true;
  }

  /** Octets arrived; `hasFrame` where a frame was among them. */
  heard(hasFrame: boolean): void {
    const { nowMs } = this.#context;
    if (this.#state === 'awake') {
      if (hasFrame) this.#answersUntilMs = -Infinity;
      else if (nowMs < this.#answersUntilMs && nowMs >= this.#answeredAtMs + FLAGS_EVERY_MS) this.#answerFlags(nowMs);
      return;
    }
    if (this.#state === 'asleep' && !hasFrame) {
      this.#answersUntilMs = nowMs + this.#wakeMs;
      this.#answerFlags(nowMs);
    }
    this.#awake();
  }

  #answerFlags(nowMs: number): void {
    this.#answeredAtMs = nowMs;
    this.#sendFlags();
  }

  handleTimeout(nowMs: number): void {
    if (this.#state !== 'waking') return;
    if (this.#untilMs <= nowMs) {
      this.#awake();
      return;
    }
    if (this.#flagsAtMs > nowMs) return;
    this.#sendFlags();
    this.#flagsAtMs = nowMs + FLAGS_EVERY_MS;
  }

  /** The link ends. */
  end(): void {
    this.#state = 'awake';
    this.#flagsAtMs = this.#untilMs = Infinity;
  }

  #awake(): void {
    this.#state = 'awake';
    this.#flagsAtMs = this.#untilMs = Infinity;
    this.#context.transmitter.isHeld = false;
    this.#context.restartTimers();
    this.#context.emit({ type: 'power', state: 'awake' });
  }

  #sendFlags(): void {
    const flag = this.#context.options.option === 'basic' ? FLAG_BASIC : FLAG_ADVANCED;
    this.#context.transmitter.raw(new Uint8Array(FLAGS).fill(flag));
  }
}
