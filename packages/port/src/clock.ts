/** Ends a timer that has not run yet; does nothing afterwards. */
export type Cancel = () => void;

/** The only source of time in cellmux. Handed in everywhere, so that tests run in virtual time. */
export interface Clock {
  /** Milliseconds from an arbitrary start; never goes back. */
  now(): number;
  /** Runs `task` once, `delayMs` from now, unless it is cancelled. */
  after(delayMs: number, task: () => void): Cancel;
}

/** Real time, monotonic. Its timers keep the process alive. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after: (delayMs, task) => {
    const timer = setTimeout(task, delayMs);
    return () => {
      clearTimeout(timer);
    };
  },
};
