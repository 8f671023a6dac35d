import { TYPE_AHEAD_LIMIT_BYTES } from './at-server-options.ts';

/** Whom an {@link InputQueue} serves. */
export interface InputReader {
  /** Takes bytes from the front of a chunk; says how many, 0 when nobody reads now. */
  consume(chunk: Uint8Array): number;
  /** Holds the host back, or no longer. */
  hold(wanted: boolean): void;
  /** The bound is passed by a host that cannot be held back. */
  dropped(bytes: number): void;
}

/** Bytes from the host that wait until somebody reads them: what was typed while a command ran. */
export class InputQueue {
  readonly #reader: InputReader;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #pumping = false;

  constructor(reader: InputReader) {
    this.#reader = reader;
  }

  get isEmpty(): boolean {
    return this.#bytes === 0;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    if (this.#bytes >= TYPE_AHEAD_LIMIT_BYTES) {
      this.#reader.dropped(chunk.length);
      return;
    }
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    this.pump();
    if (this.#bytes * 2 > TYPE_AHEAD_LIMIT_BYTES) this.#reader.hold(true);
  }

  /** Gives what waits to the reader, for as long as it takes it. */
  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    for (let chunk = this.#chunks[0]; chunk !== undefined; chunk = this.#chunks[0]) {
      const used = this.#reader.consume(chunk);
      if (used === 0) break;
      this.#bytes -= used;
      if (used === chunk.length) this.#chunks.shift();
      else this.#chunks[0] = chunk.subarray(used);
    }
    this.#pumping = false;
    if (this.#bytes * 2 <= TYPE_AHEAD_LIMIT_BYTES) this.#reader.hold(false);
  }

  /** Gives all that waits away. */
  takeAll(): readonly Uint8Array[] {
    this.#bytes = 0;
    return this.#chunks.splice(0);
  }
}
