/**
 * Whether data is waiting in the module for one connId. Too much hope costs a command that finds nothing; too little
 * would leave data there for good, since the module announces only what comes.
 */
export class Unread {
  #isExpected = false;
  #isReading = false;
  #headerSeen = false;
  /** Something was announced while a read was on its way: whether it was read with it cannot be known. */
  #isInDoubt = false;

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
    if (this.#isReading && !this.#headerSeen) this.#isInDoubt = true;
  }

  /** `#SRECV` goes out. */
  readBegins(): void {
    this.#isExpected = false;
    this.#isInDoubt = false;
    this.#headerSeen = false;
    this.#isReading = true;
  }

  /** The module has taken data from its buffer: what is announced from here on came after that. */
  headerArrived(): void {
    this.#headerSeen = true;
    this.#isExpected = false;
  }

  /** The answer is complete. `isFull`: as much came as was asked for. */
  readEnds({ isFull }: { readonly isFull: boolean }): void {
    this.#isReading = false;
    if (isFull || this.#isInDoubt) this.#isExpected = true;
  }

  /** The module refused the read: nothing is there until something is announced. */
  readRefused(): void {
    this.#isReading = false;
    this.#isExpected = false;
  }
}
