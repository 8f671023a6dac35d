import { seededRandom } from '@cellmux/port';

/** Octets that framing is about, in both options. */
const SPICE = [0xf9, 0xf9, 0x7e, 0x7e, 0x7d, 0x5e, 0x5d, 0x03, 0x07, 0xef, 0xff, 0x3f, 0x73, 0x01, 0x11, 0x13];

/** What payloads and noise are cut from, the same for all seeds: to make it costs more than all else of a case. */
const POOL = makePool(1 << 18);

function makePool(octets: number): Uint8Array {
  const next = seededRandom(0x2710);
  const below = (most: number): number => Math.floor(next() * most);
  return Uint8Array.from({ length: octets }, () => (next() < 0.3 ? (SPICE[below(SPICE.length)] ?? 0) : below(256)));
}

/** Random numbers, choices and octets from one seed. */
export class FuzzRandom {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = seededRandom(seed);
  }

  /** A whole number from 0 to `below - 1`. */
  below(below: number): number {
    return Math.floor(this.#next() * below);
  }

  /** A whole number from `from` to `to`. */
  between(from: number, to: number): number {
    return from + this.below(to - from + 1);
  }

  chance(probability: number): boolean {
    return this.#next() < probability;
  }

  oneOf<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }

  /** So many octets full of what framing is about, at most half of the pool; a view, not to be written to. */
  octets(octets: number): Uint8Array {
    const length = Math.min(octets, POOL.length >> 1);
    const start = this.below(POOL.length - length);
    return POOL.subarray(start, start + length);
  }
}

/** The seed of one case of a run. */
export function seedOf(seed: number, index: number): number {
  return (seed + Math.imul(index, 0x9e3779b1)) >>> 0;
}
