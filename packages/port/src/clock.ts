/** Ends a timer that has not run yet; does nothing afterwards. */
export type Cancel = () => void;

/** The only source of time in cellmux. Handed in everywhere, so that tests run in virtual time. */
export interface Clock {
  /** Milliseconds from an arbitrary start; never goes back. */
  now(): number;
  /** Runs `task` once, `delayMs` from now, unless it is cancelled. */
  after(delayMs: number, task: () => void): Cancel;
}

/** A timer that is this late was kept waiting by something that held the event loop. */
const LATE_MS = 20;

/**
 * Real time, monotonic. Its timers keep the process alive. Where something has held the event loop, what has arrived
 * meanwhile is read before a timer runs: an answer that is there is not late because nobody looked.
 */
export const systemClock: Clock = {
  now: () => performance.now(),
  after: (delayMs, task) => {
    const dueMs = performance.now() + delayMs;
    let cancel: Cancel;
    const timer = setTimeout(() => {
      // Node runs timers before it looks at files and sockets, and immediates after that; a browser has no immediates.
      if (performance.now() - dueMs < LATE_MS || typeof setImmediate !== 'function') {
        task();
        return;
      }
      const immediate = setImmediate(task);
      cancel = () => {
        clearImmediate(immediate);
      };
    }, delayMs);
    cancel = () => {
      clearTimeout(timer);
    };
    return () => {
      cancel();
    };
  },
};
