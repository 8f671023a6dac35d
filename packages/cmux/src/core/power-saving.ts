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
  /** The peer woke this end, and may still send flags for which it wants an answer. */
  #answersFlags = false;

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
    if (this.#state === 'awake') {
      if (!this.#answersFlags) return;
      if (hasFrame) this.#answersFlags = false;
      else this.#sendFlags();
      return;
    }
    if (this.#state === 'asleep' && !hasFrame) {
      this.#answersFlags = true;
      this.#sendFlags();
    }
    this.#awake();
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
    const { transmitter, control, dlcs, nowMs } = this.#context;
    this.#state = 'awake';
    this.#flagsAtMs = this.#untilMs = Infinity;
    transmitter.isHeld = false;
    // Frames waited, and their timers with them.
    control.restartTimers(nowMs);
    for (const dlc of dlcs) {
      if (dlc === undefined) continue;
      if (dlc.t1AtMs !== Infinity) dlc.t1AtMs = nowMs + dlc.parameters.t1Ms;
      if (dlc.recovery !== undefined && dlc.recovery.t1AtMs !== Infinity)
        dlc.recovery.t1AtMs = nowMs + dlc.parameters.t1Ms;
    }
    this.#context.isTouched = true;
    this.#context.emit({ type: 'power', state: 'awake' });
  }

  #sendFlags(): void {
    const flag = this.#context.options.option === 'basic' ? FLAG_BASIC : FLAG_ADVANCED;
    this.#context.transmitter.raw(new Uint8Array(FLAGS).fill(flag));
  }
}
