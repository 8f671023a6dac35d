import type { Clock } from '@cellmux/port';
import { wait } from './wait.ts';

/** Where callers wait for something that is being restored. */
export class WaitingRoom<T> {
  readonly #clock: Clock;
  readonly #waiting = new Set<(value: T) => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** It is there: whoever waits goes on. */
  arrived(value: T): void {
    for (const resolve of [...this.#waiting]) resolve(value);
  }

  /** Resolves with the next that arrives; after `limitMs` it rejects with what `late` makes, at an abort with its reason. */
  async wait(limitMs: number, late: () => Error, signal: AbortSignal | undefined): Promise<T> {
    const enough = new AbortController();
    let arrived: (value: T) => void = () => undefined;
    const arrival = new Promise<T>((resolve) => (arrived = resolve));
    this.#waiting.add(arrived);
    const either = signal === undefined ? enough.signal : AbortSignal.any([signal, enough.signal]);
    try {
      const tooLate = wait(limitMs, this.#clock, either).then((): never => {
        throw late();
      });
      return await Promise.race([arrival, tooLate]);
    } finally {
      this.#waiting.delete(arrived);
      enough.abort();
    }
  }
}
