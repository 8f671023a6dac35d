import type { PastOutage } from './gateway-status.ts';

/** Outages that are over, for whoever asks. */
const KEPT = 20;

/** The outages that ended last, the oldest first; at most 20. */
export class OutageHistory {
  readonly #past: PastOutage[] = [];

  get past(): readonly PastOutage[] {
    return this.#past;
  }

  add(outage: PastOutage): void {
    this.#past.push(outage);
    if (this.#past.length > KEPT) this.#past.shift();
  }
}
