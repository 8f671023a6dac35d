/** What a byte did to the command line. */
export type LineStep =
  /** Nothing is complete yet. */
  | undefined
  /** A line is complete; `text` is what stood between the prefix and S3. */
  | { readonly kind: 'line'; readonly text: string }
  /** `A/` or `AT#/`: the line before is to be run again. */
  | { readonly kind: 'repeat' }
  /** The line was longer than the buffer: none of it counts. */
  | { readonly kind: 'tooLong' };

/** The characters that shape a line: S3 and S5. */
export interface LineCharacters {
  readonly terminator: number;
  readonly erase: number;
}

const FIRST_PRINTABLE = 0x20;

/**
 * Gathers command lines from bytes (V.250 §5.2). What stands before the prefix `AT` or `at` is skipped; control
 * characters other than S3 and S5 are dropped. Holds at most `maximumLength` characters, whatever comes.
 */
export class LineAssembler {
  readonly #maximumLength: number;
  readonly #line: Uint8Array;
  #length = 0;
  #state: 'idle' | 'a' | 'A' | 'line' | 'tooLong' = 'idle';

  /** @param maximumLength characters of a line, with its prefix and without its terminator */
  constructor(maximumLength: number) {
    this.#maximumLength = maximumLength;
    this.#line = new Uint8Array(Math.max(0, maximumLength - 2));
  }

  /** True between a prefix and its terminator. */
  get isOpen(): boolean {
    return this.#state !== 'idle';
  }

  reset(): void {
    this.#state = 'idle';
    this.#length = 0;
  }

  push(byte: number, { terminator, erase }: LineCharacters): LineStep {
    switch (this.#state) {
      case 'idle':
        if (byte === 0x41) this.#state = 'A';
        else if (byte === 0x61) this.#state = 'a';
        return undefined;
      case 'A':
      case 'a':
        return this.#afterA(byte);
      case 'tooLong':
        if (byte !== terminator) return undefined;
        this.reset();
        return { kind: 'tooLong' };
      case 'line':
        if (byte === terminator) return this.#complete();
        if (byte === erase) {
          if (this.#length > 0) this.#length -= 1;
          return undefined;
        }
        return this.#append(byte);
    }
  }

  #afterA(byte: number): LineStep {
    // Both letters of the prefix are of one case (V.250 §5.2.1).
    if (byte === (this.#state === 'A' ? 0x54 : 0x74)) {
      this.#state = 'line';
      this.#length = 0;
    } else if (byte === 0x2f) {
      this.reset();
      return { kind: 'repeat' };
    } else if (byte === 0x41) {
      this.#state = 'A';
    } else if (byte === 0x61) {
      this.#state = 'a';
    } else {
      this.#state = 'idle';
    }
    return undefined;
  }

  #append(byte: number): LineStep {
    if (byte < FIRST_PRINTABLE || byte === 0x7f) return undefined;
    if (byte === 0x2f && this.#length === 1 && this.#line[0] === 0x23) {
      this.reset();
      return { kind: 'repeat' };
    }
    if (this.#length + 2 >= this.#maximumLength) {
      this.#state = 'tooLong';
      return undefined;
    }
    this.#line[this.#length++] = byte;
    return undefined;
  }

  #complete(): LineStep {
    const text = String.fromCharCode(...this.#line.subarray(0, this.#length));
    this.reset();
    return { kind: 'line', text };
  }
}
