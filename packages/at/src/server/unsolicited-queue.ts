import { UNSOLICITED_LIMIT_COUNT } from './at-server-options.ts';
import type { LineOutput } from './line-output.ts';

/** Something that the module says or does by itself once the port is free. */
interface UnsolicitedItem {
  /** Says or does it; settles when that is over. */
  readonly run: () => Promise<void>;
  /** Called once, when it has run or never will. */
  readonly done: () => void;
}

/** What an {@link UnsolicitedQueue} needs from the server. */
export interface UnsolicitedParts {
  readonly output: LineOutput;
  /** Command mode, and nothing runs. */
  readonly isFree: () => boolean;
  readonly isClosed: () => boolean;
  readonly dropped: (reason: 'tooMany' | 'closed') => void;
}

/** What waits until a port is free, in order, up to a bound. */
export class UnsolicitedQueue {
  readonly #items: UnsolicitedItem[] = [];
  readonly #parts: UnsolicitedParts;

  constructor(parts: UnsolicitedParts) {
    this.#parts = parts;
  }

  /** Runs it when the port is free; resolves when it has run, or never will. */
  whenFree(run: () => Promise<void>): Promise<void> {
    const { isClosed, dropped } = this.#parts;
    return new Promise((resolve) => {
      if (isClosed()) {
        resolve();
      } else if (this.#items.length >= UNSOLICITED_LIMIT_COUNT) {
        dropped('tooMany');
        resolve();
      } else {
        this.#items.push({ run, done: resolve });
        // Never from within the call: the caller may be in the middle of a change of its own.
        void Promise.resolve().then(() => {
          this.flush();
        });
      }
    });
  }

  /** Says what waits, for as long as the port is free. */
  flush(): void {
    const { output, isFree } = this.#parts;
    while (isFree()) {
      // Lines are made when their turn comes, so a host that does not read holds back whoever makes them.
      if (output.isFull) {
        void output.drained().then(() => {
          this.flush();
        });
        return;
      }
      const item = this.#items.shift();
      if (item === undefined) return;
      void item.run().then(item.done);
    }
  }

  /** Drops all that waits. */
  clear(): void {
    for (const item of this.#items.splice(0)) {
      this.#parts.dropped('closed');
      item.done();
    }
  }
}
