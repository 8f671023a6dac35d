/** Options of {@link EscapeDetector}. */
export interface EscapeOptions {
  /** S2; above 127 nothing escapes. */
  readonly character: number;
  /** S12: quiet before, most between, quiet after the three characters. */
  readonly guardMs: number;
  /** True: the characters go on to the receiver as they come; false: only when they turn out to be data. */
  readonly forward: boolean;
}

const NOTHING = new Uint8Array(0);
const SEQUENCE_LENGTH = 3;

/**
 * Finds the escape sequence in data: three times S2, with S12 of silence around them and no longer gap between them.
 * Right behind CONNECT no silence is asked for in front.
 */
export class EscapeDetector {
  readonly #options: EscapeOptions;
  #seen = 0;
  #lastByteMs = -Infinity;

  constructor(options: EscapeOptions) {
    this.#options = options;
  }

  /** Until when the silence must last that decides about characters seen; undefined when none were. */
  get decidesAtMs(): number | undefined {
    return this.#seen === 0 ? undefined : this.#lastByteMs + this.#options.guardMs;
  }

  /** Takes a chunk; gives what of it, and of characters held before it, is data. */
  push(chunk: Uint8Array, nowMs: number): Uint8Array {
    const { character, guardMs, forward } = this.#options;
    const quietMs = nowMs - this.#lastByteMs;
    this.#lastByteMs = nowMs;
    const before = this.#seen;
    if (before === 0 && (quietMs < guardMs || chunk[0] !== character || character > 127)) return chunk;
    let index = 0;
    while (index < chunk.length && this.#seen < SEQUENCE_LENGTH && chunk[index] === character) {
      index += 1;
      this.#seen += 1;
    }
    if (index === chunk.length) return forward ? chunk : NOTHING;
    this.#seen = 0;
    return forward || before === 0 ? chunk : this.#withHeld(before, chunk);
  }

  /** The silence has lasted: either that was the escape sequence, or here is what was held of it. */
  decide(): 'escaped' | Uint8Array {
    const seen = this.#seen;
    this.#seen = 0;
    if (seen === SEQUENCE_LENGTH) return 'escaped';
    return this.#options.forward ? NOTHING : this.#withHeld(seen, NOTHING);
  }

  #withHeld(count: number, chunk: Uint8Array): Uint8Array {
    const bytes = new Uint8Array(count + chunk.length).fill(this.#options.character, 0, count);
    bytes.set(chunk, count);
    return bytes;
  }
}
