import { median } from './in-turns.ts';

/** Seconds that this process kept a core busy, collection of garbage included: what others do meanwhile does not count. */
export async function cpuSeconds(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** How often {@link steadyCpuSeconds} runs the work, the first two times to warm up. */
const RUNS = 9;
const WARM_UP_RUNS = 2;

/** The same for work that is done again and again: the median, once it is warm. */
export async function steadyCpuSeconds(work: () => Promise<void>): Promise<number> {
  const seconds: number[] = [];
  for (let run = 0; run < RUNS; run++) seconds.push(await cpuSeconds(work));
  return median(seconds.slice(WARM_UP_RUNS));
}
