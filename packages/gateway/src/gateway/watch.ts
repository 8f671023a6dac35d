import type { Cancel, Clock } from '@cellmux/port';

/** What a {@link Watch} is made of. */
export interface WatchParts {
  readonly clock: Clock;
  /** From the end of one look to the next, ms; 0: never. */
  readonly pollMs: number;
  readonly look: () => Promise<void>;
}

/** Looks after something again and again, one look at a time. */
export class Watch {
  readonly #parts: WatchParts;
  #cancel: Cancel = () => undefined;
  #isOn = false;

  constructor(parts: WatchParts) {
    this.#parts = parts;
  }

  start(): void {
    if (this.#parts.pollMs === 0) return;
    this.#isOn = true;
    this.#lookNow();
  }

  /** Looks no more. A look that is under way goes on: whoever takes down what it looks at ends it. */
  stop(): void {
    this.#isOn = false;
    this.#cancel();
  }

  #lookNow(): void {
    void this.#parts
      .look()
      .catch(() => {
        // What it looks at tells its own troubles.
      })
      .then(() => {
        if (!this.#isOn) return;
        this.#cancel = this.#parts.clock.after(this.#parts.pollMs, () => {
          this.#lookNow();
        });
      });
  }
}
