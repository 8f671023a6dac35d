import type { BenchOptions, BenchRow } from '../../port/bench/index.ts';
import { deframerRows, encoderRows } from './codec-rows.ts';
import { backToBackRows, memoryRows, subscriberRows } from './multiplexer-rows.ts';

/** All figures of the CMUX package. */
export async function* benchCmux({ quick }: BenchOptions): AsyncGenerator<BenchRow> {
  const budgetMs = quick ? 120 : 800;
  yield* deframerRows(budgetMs);
  yield* encoderRows(budgetMs);
  yield* subscriberRows(budgetMs);
  yield* backToBackRows(quick ? 2 : 16);
  yield* memoryRows(quick ? 64 : 1024);
}
