/** Lets a few in at a time; the others wait, first come first served. */
export class Turnstile {
  readonly #maximumInside: number;
  readonly #waiting: (() => void)[] = [];
  #inside = 0;

  constructor(maximumInside: number) {
    this.#maximumInside = maximumInside;
  }

  /** Those who are in. */
  get inside(): number {
    return this.#inside;
  }

  /** Those who wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** True when whoever comes now must wait. */
  get isFull(): boolean {
    return this.#inside >= this.#maximumInside;
  }

  /** Resolves when its turn has come; {@link leave} is to follow. An abort before that rejects with its reason. */
  enter(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason);
        return;
      }
      const onAbort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(turn), 1);
        reject(signal?.reason);
      };
      const turn = (): void => {
        signal?.removeEventListener('abort', onAbort);
        this.#inside++;
        resolve();
      };
      if (!this.isFull) {
        turn();
        return;
      }
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(turn);
    });
  }

  leave(): void {
    this.#inside--;
    this.#waiting.shift()?.();
  }
}
