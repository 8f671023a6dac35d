import { Observable, type Subscriber } from 'rxjs';

/** A hot stream of few things that must not be missed: what comes while nobody subscribes waits for the next subscriber. */
export class KeptSubject<T> {
  readonly values$: Observable<T>;
  readonly #subscribers = new Set<Subscriber<T>>();
  #kept: T[] = [];
  #isComplete = false;

  constructor() {
    this.values$ = new Observable((subscriber) => {
      this.#subscribers.add(subscriber);
      subscriber.add(() => this.#subscribers.delete(subscriber));
      for (const value of this.#kept.splice(0)) subscriber.next(value);
      if (this.#isComplete) subscriber.complete();
    });
  }

  /** What waits, oldest first. */
  get kept(): readonly T[] {
    return this.#kept;
  }

  next(value: T): void {
    if (this.#subscribers.size === 0) this.#kept.push(value);
    for (const subscriber of [...this.#subscribers]) subscriber.next(value);
  }

  /** Takes out what waits and is of no use any more. */
  forget(value: T): void {
    this.#kept = this.#kept.filter((kept) => kept !== value);
  }

  complete(): void {
    this.#isComplete = true;
    for (const subscriber of [...this.#subscribers]) subscriber.complete();
  }
}
