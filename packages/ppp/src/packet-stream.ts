import { Observable, Subject } from 'rxjs';

/** Packets kept for the first subscriber: those that came right behind the answer that brought IP up. */
export const EARLY_PACKETS_LIMIT = 64;

/**
 * Packets received, hot. What arrives before anybody has ever subscribed is kept for the first who does, up to a bound:
 * whoever dials gets the call only when the first packets may be there already.
 */
export class PacketStream {
  /** Packets that had no subscriber, and were not or are no longer kept. */
  unheard = 0;
  readonly packets$: Observable<Uint8Array>;
  readonly #subject = new Subject<Uint8Array>();
  #early: Uint8Array[] | undefined = [];

  constructor() {
    this.packets$ = new Observable((subscriber) => {
      const early = this.#early ?? [];
      this.#early = undefined;
      for (const packet of early) subscriber.next(packet);
      return this.#subject.subscribe(subscriber);
    });
  }

  next(packet: Uint8Array): void {
    if (this.#early !== undefined && this.#early.length < EARLY_PACKETS_LIMIT) {
      this.#early.push(packet);
      return;
    }
    if (!this.#subject.observed) this.unheard++;
    this.#subject.next(packet);
  }

  complete(): void {
    this.unheard += this.#early?.length ?? 0;
    this.#early = undefined;
    this.#subject.complete();
  }
}
