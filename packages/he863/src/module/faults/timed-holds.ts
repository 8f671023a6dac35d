import type { Cancel, Clock } from '@cellmux/port';

/**
 * What lasts for a time: any number of holds under a key, each with an end of its own. A key is held while one of its
 * holds is.
 */
export class TimedHolds<Key extends string> {
  readonly #clock: Clock;
  readonly #onChange: (key: Key) => void;
  /** The holds of a key: what cancels each, and when it ends. */
  readonly #ends = new Map<Key, Map<Cancel, number>>();

  /** @param onChange told when a key begins to be held and when it is held no more */
  constructor(clock: Clock, onChange: (key: Key) => void) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  isHeld(key: Key): boolean {
    return (this.#ends.get(key)?.size ?? 0) > 0;
  }

  /** How long a key is still held; 0 when it is not. */
  remainingMs(key: Key): number {
    return Math.max(0, ...[...(this.#ends.get(key)?.values() ?? [])].map((endMs) => endMs - this.#clock.now()));
  }

  hold(key: Key, forMs: number): void {
    const ends = this.#ends.get(key) ?? new Map<Cancel, number>();
    this.#ends.set(key, ends);
    const cancel = this.#clock.after(forMs, () => {
      ends.delete(cancel);
      if (ends.size === 0) this.#onChange(key);
    });
    ends.set(cancel, this.#clock.now() + forMs);
    if (ends.size === 1) this.#onChange(key);
  }

  /** Ends all holds of the keys that pass. */
  release(passes: (key: Key) => boolean = () => true): void {
    for (const [key, ends] of this.#ends) {
      if (!passes(key) || ends.size === 0) continue;
      for (const cancel of ends.keys()) cancel();
      ends.clear();
      this.#onChange(key);
    }
  }
}
