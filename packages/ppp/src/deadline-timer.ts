import type { Cancel, Clock } from '@cellmux/port';

/** One timer for a deadline that moves. */
export class DeadlineTimer {
  readonly #clock: Clock;
  readonly #due: (nowMs: number) => void;
  #cancel: Cancel | undefined;
  #deadlineMs: number | undefined;

  /** @param due called when the deadline has come, with the time, which is never before it. */
  constructor(clock: Clock, due: (nowMs: number) => void) {
    this.#clock = clock;
    this.#due = due;
  }

  /** Moves the deadline; undefined for none. */
  set(deadlineMs: number | undefined): void {
    if (deadlineMs === this.#deadlineMs) return;
    this.#cancel?.();
    this.#deadlineMs = deadlineMs;
    if (deadlineMs === undefined) return;
    this.#cancel = this.#clock.after(Math.max(0, deadlineMs - this.#clock.now()), () => {
      this.#deadlineMs = undefined;
      // A timer may run a little early against the clock; what is due by its own reckoning is due.
      this.#due(Math.max(this.#clock.now(), deadlineMs));
    });
  }
}
