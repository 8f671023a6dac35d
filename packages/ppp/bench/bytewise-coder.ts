/* The plain way, one octet at a time with one table: what the codec is measured against. */

const TABLE = new Uint16Array(256);
for (let octet = 0; octet < 256; octet++) {
  let register = octet;
  for (let bit = 0; bit < 8; bit++) register = register & 1 ? (register >>> 1) ^ 0x8408 : register >>> 1;
  TABLE[octet] = register;
}

/** Writes a frame octet by octet; gives the end. */
export function bytewiseEncode(
  protocol: number,
  information: Uint8Array,
  accm: number,
  target: Uint8Array,
  offset: number,
): number {
  let at = offset;
  let fcs = 0xffff;
  const total = information.length + 6;
  target[at++] = 0x7e;
  for (let index = 0; index < total; index++) {
    let octet: number;
    if (index === 0) octet = 0xff;
    else if (index === 1) octet = 0x03;
    else if (index === 2) octet = protocol >>> 8;
    else if (index === 3) octet = protocol & 0xff;
    else if (index < total - 2) octet = information[index - 4] as number;
    else if (index === total - 2) {
      fcs = ~fcs & 0xffff;
      octet = fcs & 0xff;
    } else octet = fcs >>> 8;
    if (index < total - 2) fcs = (fcs >>> 8) ^ (TABLE[(fcs ^ octet) & 0xff] as number);
    if (octet === 0x7d || octet === 0x7e || (octet < 0x20 && ((accm >>> octet) & 1) === 1)) {
      target[at++] = 0x7d;
      target[at++] = octet ^ 0x20;
    } else target[at++] = octet;
  }
  target[at++] = 0x7e;
  return at;
}

/** A state machine over octets; each good frame is copied out. */
export class BytewiseDecoder {
  readonly #frame = new Uint8Array(1600);
  readonly #onFrame: (protocol: number, information: Uint8Array) => void;
  readonly #accm: number;
  #length = 0;
  #fcs = 0xffff;
  #isEscaped = false;

  constructor(accm: number, onFrame: (protocol: number, information: Uint8Array) => void) {
    this.#accm = accm;
    this.#onFrame = onFrame;
  }

  decode(chunk: Uint8Array): void {
    for (let index = 0; index < chunk.length; index++) {
      let octet = chunk[index] as number;
      if (octet === 0x7e) {
        if (this.#length >= 4 && this.#fcs === 0xf0b8) {
          const frame = this.#frame.slice(0, this.#length - 2);
          this.#onFrame(((frame[2] as number) << 8) | (frame[3] as number), frame.subarray(4));
        }
        this.#length = 0;
        this.#fcs = 0xffff;
        this.#isEscaped = false;
        continue;
      }
      if (octet < 0x20 && ((this.#accm >>> octet) & 1) === 1) continue;
      if (octet === 0x7d) {
        this.#isEscaped = true;
        continue;
      }
      if (this.#isEscaped) {
        octet ^= 0x20;
        this.#isEscaped = false;
      }
      if (this.#length === this.#frame.length) continue;
      this.#frame[this.#length++] = octet;
      this.#fcs = (this.#fcs >>> 8) ^ (TABLE[(this.#fcs ^ octet) & 0xff] as number);
    }
  }
}
