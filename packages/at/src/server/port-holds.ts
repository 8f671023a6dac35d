import type { Port } from '@cellmux/port';

/** Who holds the host back: it may go on once nobody does. */
export class PortHolds<Reason extends string> {
  readonly #reasons = new Set<Reason>();

  set(port: Port, reason: Reason, wanted: boolean): void {
    const before = this.#reasons.size;
    if (wanted) this.#reasons.add(reason);
    else this.#reasons.delete(reason);
    if (before === 0 && this.#reasons.size > 0) port.pause();
    else if (before > 0 && this.#reasons.size === 0) port.resume();
  }

  /** Nobody holds it any more. */
  clear(port: Port): void {
    if (this.#reasons.size > 0) port.resume();
    this.#reasons.clear();
  }
}
