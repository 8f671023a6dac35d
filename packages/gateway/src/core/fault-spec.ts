/** Faults of a line, each a share of its bytes (or of its chunks) from 0 to 1, as the faulty line takes them. */
export interface FaultSpec {
  readonly dropRate?: number;
  readonly flipRate?: number;
  readonly insertRate?: number;
  readonly duplicateRate?: number;
  readonly delayMs?: number;
  /** Chunks are cut and joined anew. */
  readonly rechunk?: boolean;
  /** Same seed, same faults. */
  readonly seed?: number;
}

const RATES = { drop: 'dropRate', flip: 'flipRate', insert: 'insertRate', duplicate: 'duplicateRate' } as const;

/** The words that {@link parseFaultSpec} knows, for messages. */
export const FAULT_WORDS = 'drop=RATE, flip=RATE, insert=RATE, duplicate=RATE, delay=MS, rechunk, seed=N';

/**
 * Reads `flip=1e-5,drop=0.0001,delay=20,rechunk,seed=7`. Gives the faults, or the first part that is not understood.
 */
export function parseFaultSpec(text: string): FaultSpec | { readonly wrong: string } {
  const faults: { -readonly [K in keyof FaultSpec]: FaultSpec[K] } = {};
  for (const part of text.split(',')) {
    const [word = '', value] = part.trim().split('=', 2);
    const figure = value === undefined || value === '' ? NaN : Number(value);
    if (word in RATES && figure >= 0 && figure <= 1) faults[RATES[word as keyof typeof RATES]] = figure;
    else if (word === 'delay' && figure >= 0 && figure <= 60_000) faults.delayMs = figure;
    else if (word === 'seed' && Number.isSafeInteger(figure)) faults.seed = figure;
    else if (word === 'rechunk' && value === undefined) faults.rechunk = true;
    else return { wrong: part.trim() };
  }
  return faults;
}
