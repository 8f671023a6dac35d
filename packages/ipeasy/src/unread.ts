/**
 * Whether data is waiting in the module for one connId. Too much hope costs a command that finds nothing; too little
 * would leave data there for good, since the module announces only what comes: what is announced while a read is on its
 * way may or may not be read with it, so another read follows.
 */
export class Unread {
  #isExpected = false;
  #isReading = false;

  /** A read is worth its command. */
  get isExpected(): boolean {
    return this.#isExpected;
  }

  /** Data may be there, or is being read. */
  get isPossible(): boolean {
    return this.#isExpected || this.#isReading;
  }

  /** SRING, or `#SS` says so. */
  announce(): void {
    this.#isExpected = true;
  }

  /** `#SRECV` goes out. */
  readBegins(): void {
    this.#isExpected = false;
    this.#isReading = true;
  }

  /** The answer is complete. `isFull`: as much came as was asked for. */
  readEnds({ isFull }: { readonly isFull: boolean }): void {
    this.#isReading = false;
    if (isFull) this.#isExpected = true;
  }

  /** The module refused the read: nothing is there until something is announced. */
  readRefused(): void {
    this.#isReading = false;
    this.#isExpected = false;
  }
}
