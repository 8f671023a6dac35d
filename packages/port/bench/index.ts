export { isMet, type BenchOptions, type BenchRow, type BenchSkip, type BenchSuite, type Target } from './bench-row.ts';
export { cpuSeconds, steadyCpuSeconds } from './cpu-seconds.ts';
export { FedPort } from './fed-port.ts';
export { inTurns, median, type Comparison, type Task } from './in-turns.ts';
export { pseudoRandom } from './pseudo-random.ts';
