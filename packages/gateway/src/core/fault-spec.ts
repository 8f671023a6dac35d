/** Faults of a line; rates are probabilities from 0 to 1 for an octet, or for a slice of the line. */
export interface FaultSpec {
  readonly dropRate?: number;
  readonly flipRate?: number;
  readonly insertRate?: number;
  readonly duplicateRate?: number;
  readonly dropSliceRate?: number;
  readonly duplicateSliceRate?: number;
  readonly delayMs?: number;
  /** Chunks are cut and joined anew. */
  readonly rechunk?: boolean;
  /** Same seed, same faults. */
  readonly seed?: number;
  /** What is wrong with the module itself, as `parseFaults` of the virtual HE863 reads it. */
  readonly module?: string;
}

const RATES = {
  drop: 'dropRate',
  flip: 'flipRate',
  insert: 'insertRate',
  duplicate: 'duplicateRate',
  dropSlice: 'dropSliceRate',
  duplicateSlice: 'duplicateSliceRate',
} as const;

/** The words that {@link parseFaultSpec} knows, for messages. */
export const FAULT_WORDS =
  'drop=P, flip=P, insert=P, duplicate=P, dropSlice=P, duplicateSlice=P, delay=MS, rechunk, seed=N';

/**
 * Reads `flip=1e-5,drop=0.0001,delay=20,rechunk,seed=7,reset@20s`. Gives the faults, or the first part that is not
 * understood; a bare word is a fault of the module, which is not looked into here.
 */
export function parseFaultSpec(text: string): FaultSpec | { readonly wrong: string } {
  const faults: { -readonly [K in keyof FaultSpec]: FaultSpec[K] } = {};
  const module: string[] = [];
  for (const part of text.split(',')) {
    const [word = '', value] = part.trim().split('=', 2);
    const figure = value === undefined || value === '' ? NaN : Number(value);
    if (word in RATES && figure >= 0 && figure <= 1) faults[RATES[word as keyof typeof RATES]] = figure;
    else if (word === 'delay' && figure >= 0 && figure <= 60_000) faults.delayMs = figure;
    else if (word === 'seed' && Number.isSafeInteger(figure)) faults.seed = figure;
    else if (word === 'rechunk' && value === undefined) faults.rechunk = true;
    else if (value === undefined && /^[a-z]+\b/.test(word)) module.push(part.trim());
    else return { wrong: part.trim() };
  }
  return module.length === 0 ? faults : { ...faults, module: module.join(',') };
}
