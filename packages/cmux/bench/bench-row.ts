/** One figure of `pnpm bench`. */
export interface BenchRow {
  readonly package: string;
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What it is measured against, and how many times as much it is; empty and 0 where it stands alone. */
  readonly against: string;
  readonly ratio: number;
}

/** The shortest of many rounds of each task in ms, the tasks in turn, so that another load on the machine hits all alike. */
export function fastest(rounds: number, tasks: readonly (() => void)[]): number[] {
  const best = tasks.map(() => Infinity);
  for (let round = 0; round < rounds; round++) {
    for (const [index, task] of tasks.entries()) {
      const before = process.hrtime.bigint();
      task();
      const took = Number(process.hrtime.bigint() - before) / 1e6;
      if (took < (best[index] as number)) best[index] = took;
    }
  }
  return best;
}
