import { UNSOLICITED_LIMIT_COUNT } from './at-server-options.ts';

/** Something that the module says or does by itself once the port is free. */
export interface UnsolicitedItem {
  /** Says or does it; settles when that is over. */
  readonly run: () => Promise<void>;
  /** Called once, when it has run or never will. */
  readonly done: () => void;
}

/** What waits until a port is free, in order, up to a bound. */
export class UnsolicitedQueue {
  readonly #items: UnsolicitedItem[] = [];

  /** False when too many wait; the item is then dropped. */
  push(item: UnsolicitedItem): boolean {
    if (this.#items.length >= UNSOLICITED_LIMIT_COUNT) {
      item.done();
      return false;
    }
    this.#items.push(item);
    return true;
  }

  shift(): UnsolicitedItem | undefined {
    return this.#items.shift();
  }

  /** Drops all that waits; gives how many. */
  clear(): number {
    const dropped = this.#items.splice(0);
    for (const item of dropped) item.done();
    return dropped.length;
  }
}
