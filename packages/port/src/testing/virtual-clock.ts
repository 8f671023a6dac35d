import type { Cancel, Clock } from '../clock.ts';

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly task: () => void;
}

/** How long real I/O may take before nothing is expected to settle a promise any more. */
const REAL_IO_MS = 500;

/** Time for tests: stands still until it is told to go on, and runs what falls due in order. */
export class VirtualClock implements Clock {
  #nowMs = 0;
  #order = 0;
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#nowMs;
  }

  /** Timers that have neither run nor been cancelled. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  after(delayMs: number, task: () => void): Cancel {
    const timer = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, task };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  /** Moves time on by `ms`. Between two timers, all promises that can settle do so first. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (;;) {
      await settle();
      const next = this.#next();
      if (next === undefined || next.atMs > endMs) break;
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.task();
    }
    this.#nowMs = endMs;
    await settle();
  }

  /**
   * Moves time on, timer by timer, until the promise settles, and gives its result.
   *
   * @throws Error when it is still pending after `limitMs` of virtual time (default ten minutes), or when no timer is
   * left that could settle it.
   */
  async run<T>(promise: Promise<T>, limitMs = 600_000): Promise<T> {
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    promise.then(mark, mark);
    const endMs = this.#nowMs + limitMs;
    for (;;) {
      await settle();
      if (settled) return promise;
      const next = this.#next();
      if (next === undefined) {
        // Real I/O of a test (a socket on loopback) may still settle it: it is given some time of the real clock.
        const untilMs = performance.now() + REAL_IO_MS;
        while (!settled && this.#timers.size === 0 && performance.now() < untilMs) await settle();
        if (settled) return promise;
        if (this.#timers.size === 0) throw new Error('virtual time: nothing is left that could settle the promise');
        continue;
      }
      if (next.atMs > endMs) throw new Error(`virtual time: still pending after ${limitMs} ms`);
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.task();
    }
  }

  #next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (first === undefined || timer.atMs < first.atMs || (timer.atMs === first.atMs && timer.order < first.order))
        first = timer;
    }
    return first;
  }
}

/** Lets every promise that can settle now do so: a turn of the event loop runs the whole microtask queue. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
