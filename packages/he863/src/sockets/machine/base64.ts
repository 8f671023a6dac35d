const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const CODES = Uint8Array.from(ALPHABET, (character) => character.charCodeAt(0));
const PAD = 0x3d;
const CR = 0x0d;
const LF = 0x0a;

/** Characters of a line, RFC 2045 §6.8. */
export const MIME_LINE_CHARACTERS = 76;

const VALUES = new Int8Array(256).fill(-1);
for (const [value, code] of CODES.entries()) VALUES[code] = value;

/** Base64 (RFC 4648 §4) of a stream: the same in whatever chunks it comes. */
export class Base64Encoder {
  readonly #lines: boolean;
  readonly #held = new Uint8Array(3);
  #heldBytes = 0;
  #column = 0;

  /** `lines`: CRLF behind every 76 characters. */
  constructor(lines: boolean) {
    this.#lines = lines;
  }

  push(bytes: Uint8Array): Uint8Array {
    const groups = Math.floor((this.#heldBytes + bytes.length) / 3);
    const out = new Uint8Array(groups * 4 + (this.#lines ? 2 * (Math.floor(groups / 19) + 1) : 0));
    let at = 0;
    for (const byte of bytes) {
      this.#held[this.#heldBytes++] = byte;
      if (this.#heldBytes === 3) at = this.#group(out, at, 4);
    }
    return out.subarray(0, at);
  }

  /** The last group, padded; the next {@link push} begins anew. */
  finish(): Uint8Array {
    const out = new Uint8Array(6);
    const characters = this.#heldBytes === 0 ? 0 : this.#heldBytes + 1;
    const at = characters === 0 ? 0 : this.#group(out, 0, characters);
    this.#column = 0;
    return out.subarray(0, at);
  }

  #group(out: Uint8Array, at: number, characters: number): number {
    const [a = 0, b = 0, c = 0] = this.#held;
    const bits = (a << 16) | (b << 8) | c;
    for (let index = 0; index < 4; index++) {
      out[at++] = index < characters ? (CODES[(bits >> (18 - 6 * index)) & 63] as number) : PAD;
    }
    this.#held.fill(0);
    this.#heldBytes = 0;
    this.#column += 4;
    if (this.#lines && this.#column === MIME_LINE_CHARACTERS) {
      out[at++] = CR;
      out[at++] = LF;
      this.#column = 0;
    }
    return at;
  }
}

/** The octets behind Base64 text in whatever chunks it comes. What is not of the alphabet is skipped, RFC 2045 §6.8. */
export class Base64Decoder {
  #bits = 0;
  #bitCount = 0;

  push(bytes: Uint8Array): Uint8Array {
    const out = new Uint8Array(Math.floor((bytes.length * 6 + this.#bitCount) / 8));
    let at = 0;
    for (const byte of bytes) {
      // A pad ends a text: what may follow is another one.
      if (byte === PAD) {
        this.#bitCount = 0;
        this.#bits = 0;
        continue;
      }
      const value = VALUES[byte] as number;
      if (value < 0) continue;
      this.#bits = ((this.#bits << 6) | value) & 0xffff;
      this.#bitCount += 6;
      if (this.#bitCount < 8) continue;
      this.#bitCount -= 8;
      out[at++] = (this.#bits >> this.#bitCount) & 0xff;
    }
    return out.subarray(0, at);
  }
}
