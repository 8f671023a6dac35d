import type { BenchOptions, BenchRow, BenchSkip } from '../../port/bench/index.ts';
import { benchTun } from './bench-tun.ts';
import { codecRows } from './codec-rows.ts';
import { establishmentRow, linkRow } from './link-rows.ts';

/** All figures of the PPP package. */
export async function* benchPpp({ quick }: BenchOptions): AsyncGenerator<BenchRow | BenchSkip> {
  const budgetMs = quick ? 100 : 900;
  for (const packetBytes of [1500, 40]) {
    for (const accm of [0, 0xffffffff]) yield* codecRows(packetBytes, accm, budgetMs);
  }
  yield await linkRow(1500, quick ? 3e6 : 20e6);
  yield await linkRow(40, quick ? 0.5e6 : 3e6);
  yield await establishmentRow(quick ? 15 : 60);
  yield* benchTun(quick ? 500 : 2000);
}
