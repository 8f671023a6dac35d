import { CellmuxError } from './cellmux-error.ts';
import { seededRandom } from './random.ts';

/** How often a line does what to an octet: probabilities from 0 to 1 for each octet. */
export interface OctetFaultRates {
  /** The octet is lost. */
  readonly dropRate: number;
  /** One bit of the octet is inverted. */
  readonly flipRate: number;
  /** A random octet comes before it. */
  readonly insertRate: number;
  /** The octet comes twice. */
  readonly duplicateRate: number;
}

/** What happened to the octets of one direction so far. */
export interface OctetFaultCounts {
  dropped: number;
  flipped: number;
  inserted: number;
  duplicated: number;
}

const KINDS = ['dropRate', 'flipRate', 'insertRate', 'duplicateRate'] as const;

/** `ERR_OPTION_RANGE` when the option is not a probability. */
export function checkRate(option: string, value: number): number {
  if (value >= 0 && value <= 1) return value;
  throw new CellmuxError('ERR_OPTION_RANGE', `${option} must be from 0 to 1, not ${String(value)}`, {
    context: { option, value, minimum: 0, maximum: 1 },
  });
}

/**
 * Damages octets at given rates. The same seed and the same octets give the same damage however they are cut into
 * chunks. The cost is per fault, not per octet: the distance to the next one is drawn, not a number for each octet.
 */
export class OctetFaults {
  readonly counts: OctetFaultCounts = { dropped: 0, flipped: 0, inserted: 0, duplicated: 0 };
  readonly #random: () => number;
  #rates: OctetFaultRates = { dropRate: 0, flipRate: 0, insertRate: 0, duplicateRate: 0 };
  #totalRate = 0;
  /** Octets that pass unharmed before the next fault. */
  #gap = Infinity;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  /** Rates from now on. An octet suffers one fault at most; rates that add up to more than 1 are scaled down to it. */
  setRates(rates: OctetFaultRates): void {
    let total = 0;
    for (const kind of KINDS) total += checkRate(kind, rates[kind]);
    this.#rates = { ...rates };
    this.#totalRate = total;
    this.#drawGap();
  }

  /** The octets as they come out: the same array when nothing happened to them, else a new one. */
  apply(octets: Uint8Array): Uint8Array {
    if (this.#gap >= octets.length) {
      this.#gap -= octets.length;
      return octets;
    }
    const out: Uint8Array = new Uint8Array(octets.length * 2);
    let used = 0;
    let from = 0;
    while (this.#gap < octets.length - from) {
      const at = from + this.#gap;
      out.set(octets.subarray(from, at), used);
      used = this.#damage(octets[at] as number, out, used + this.#gap);
      from = at + 1;
      this.#drawGap();
    }
    this.#gap -= octets.length - from;
    out.set(octets.subarray(from), used);
    return out.subarray(0, used + octets.length - from);
  }

  #damage(octet: number, out: Uint8Array, at: number): number {
    let pick = this.#random() * this.#totalRate;
    if ((pick -= this.#rates.dropRate) < 0) {
      this.counts.dropped++;
      return at;
    }
    if ((pick -= this.#rates.flipRate) < 0) {
      this.counts.flipped++;
      out[at] = octet ^ (1 << Math.floor(this.#random() * 8));
      return at + 1;
    }
    if (pick - this.#rates.insertRate < 0) {
      this.counts.inserted++;
      out[at] = Math.floor(this.#random() * 256);
    } else {
      this.counts.duplicated++;
      out[at] = octet;
    }
    out[at + 1] = octet;
    return at + 2;
  }

  #drawGap(): void {
    if (this.#totalRate <= 0) this.#gap = Infinity;
    else if (this.#totalRate >= 1) this.#gap = 0;
    else this.#gap = Math.floor(Math.log(1 - this.#random()) / Math.log1p(-this.#totalRate));
  }
}
