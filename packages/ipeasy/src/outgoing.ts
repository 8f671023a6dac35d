import { concatBytes } from '@cellmux/port';

/** One write on its way: chunks that are taken off in slices, and a promise that settles when all were sent. */
export class Outgoing {
  readonly sent: Promise<void>;
  readonly #chunks: readonly Uint8Array[];
  #index = 0;
  #offset = 0;
  #resolve: () => void = () => undefined;
  #reject: (reason: unknown) => void = () => undefined;

  constructor(chunks: readonly Uint8Array[]) {
    this.#chunks = chunks.filter((chunk) => chunk.length > 0);
    this.sent = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  get isEmpty(): boolean {
    return this.#index >= this.#chunks.length;
  }

  /** The next octets, at most so many, across chunk borders: small writes share a command. */
  take(limitBytes: number): Uint8Array {
    const parts: Uint8Array[] = [];
    let length = 0;
    while (length < limitBytes) {
      const chunk = this.#chunks[this.#index];
      if (chunk === undefined) break;
      const part = chunk.subarray(this.#offset, this.#offset + limitBytes - length);
      parts.push(part);
      length += part.length;
      this.#offset += part.length;
      if (this.#offset >= chunk.length) {
        this.#index++;
        this.#offset = 0;
      }
    }
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : concatBytes(parts);
  }

  done(): void {
    this.#resolve();
  }

  fail(reason: unknown): void {
    this.#reject(reason);
  }
}
