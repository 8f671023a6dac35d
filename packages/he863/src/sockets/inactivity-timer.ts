import type { Cancel, Clock } from '@cellmux/port';

/** `<maxTo>` of #SCFG: ends a connection on which nothing has moved for so long (IP Easy guide §3.2.1.2). */
export class InactivityTimer {
  readonly #clock: Clock;
  readonly #onIdle: () => void;
  #limitMs = 0;
  #lastMs = 0;
  #cancel: Cancel | undefined;

  constructor(clock: Clock, onIdle: () => void) {
    this.#clock = clock;
    this.#onIdle = onIdle;
  }

  /** Starts to watch; 0 is for ever. */
  start(limitMs: number): void {
    this.stop();
    this.#limitMs = limitMs;
    this.touch();
    if (limitMs > 0) this.#arm(limitMs);
  }

  /** Something moved. Costs no timer: one that is due looks at the time of the last move. */
  touch(): void {
    this.#lastMs = this.#clock.now();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #arm(delayMs: number): void {
    this.#cancel = this.#clock.after(delayMs, () => {
      this.#cancel = undefined;
      const leftMs = this.#lastMs + this.#limitMs - this.#clock.now();
      if (leftMs > 0) this.#arm(leftMs);
      else this.#onIdle();
    });
  }
}
