import { FCS_START, FCS_TABLE } from './fcs.ts';

/**
 * `POWERS[n << 8 | register]` is the register after n octets of zero. One octet is a multiplication by x^8, and x has the
 * order 127 modulo x^8+x^2+x+1 = (x+1) times a primitive polynomial of degree 7: after 127 octets all repeats.
 */
const ORDER = 127;
let powers: Uint8Array | undefined;

function makePowers(): Uint8Array {
  const table = new Uint8Array(ORDER << 8);
  for (let register = 0; register < 256; register++) {
    let value = register;
    for (let octets = 0; octets < ORDER; octets++) {
      table[(octets << 8) | register] = value;
      value = FCS_TABLE[value] as number;
    }
  }
  return table;
}

/**
 * The FCS over any range of a stream, each octet read once however many ranges overlap: a peer that sends octets which
 * look like many long frames inside each other costs no more than one that sends plain frames. It works because the
 * register is linear: what a range adds follows from the registers at its two ends.
 */
export class RangeFcs {
  readonly #ring: Uint8Array;
  readonly #mask: number;
  /** Stream offset up to which the ring holds registers, and from where it began. */
  #to = 0;
  #from = 0;

  /** `longest` is the longest range that will be asked for, in octets. */
  constructor(longest: number) {
    let size = 256;
    while (size < longest + 1) size *= 2;
    this.#ring = new Uint8Array(size);
    this.#mask = size - 1;
    powers ??= makePowers();
  }

  /** The register after `bytes[start]` to `bytes[end - 1]`, where `bytes[0]` is at offset `base` of the stream. */
  register(bytes: Uint8Array, base: number, start: number, end: number): number {
    const ring = this.#ring;
    const mask = this.#mask;
    const first = base + start;
    const last = base + end;
    if (first < this.#from || first > this.#to || first <= this.#to - ring.length) {
      this.#from = first;
      this.#to = first;
      ring[first & mask] = 0;
    }
    let value = ring[this.#to & mask] as number;
    for (let at = this.#to; at < last; at++) {
      value = FCS_TABLE[value ^ (bytes[at - base] as number)] as number;
      ring[(at + 1) & mask] = value;
    }
    if (last > this.#to) this.#to = last;
    const gone = (ring[first & mask] as number) ^ FCS_START;
    return (ring[last & mask] as number) ^ ((powers as Uint8Array)[(((last - first) % ORDER) << 8) | gone] as number);
  }
}
