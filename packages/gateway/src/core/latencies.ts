/** Answer times in milliseconds, summed up. */
export interface LatencySummary {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** The q-quantile by nearest rank: the smallest value that at least the share q of all values does not exceed. */
export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0;
}

/** p50, p99 and the largest of a list in any order; all zero for an empty one. */
export function summarizeLatencies(values: readonly number[]): LatencySummary {
  const sorted = values.toSorted((a, b) => a - b);
  return {
    count: sorted.length,
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
    maxMs: sorted.at(-1) ?? 0,
  };
}
