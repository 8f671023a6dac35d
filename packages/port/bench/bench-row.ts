/** What a figure must reach; {@link isMet} says whether it has. */
export interface Target {
  /** Whether the ratio is meant or the value itself. */
  readonly of: 'ratio' | 'value';
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** One figure of `pnpm bench`. */
export interface BenchRow {
  readonly package: string;
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What it is measured against in the same run, and that one's own figure; empty where it stands alone. */
  readonly against: string;
  /** How many times as good as that, more is better; null where it stands alone. */
  readonly ratio: number | null;
  readonly target?: Target;
}

/** A figure that could not be measured here, and why. */
export interface BenchSkip {
  readonly package: string;
  readonly name: string;
  readonly skipped: string;
}

/** How thorough a run is. */
export interface BenchOptions {
  /** A tenth of the time: a look, not a measurement. */
  readonly quick: boolean;
}

/** The figures of one package, one after another as they are measured. */
export type BenchSuite = (options: BenchOptions) => AsyncIterable<BenchRow | BenchSkip>;

/** Whether a row reaches its target; undefined where it has none. */
export function isMet({ target, value, ratio }: BenchRow): boolean | undefined {
  if (target === undefined) return undefined;
  const figure = target.of === 'ratio' ? ratio : value;
  if (figure === null) return false;
  return figure >= (target.atLeast ?? -Infinity) && figure <= (target.atMost ?? Infinity);
}
