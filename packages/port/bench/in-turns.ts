/** One piece of work; what it returns is added up, so that nothing can be left out as unused. */
export type Task = () => number;

/** How tasks compare. */
export interface Comparison {
  /** Milliseconds of a core that one run of each task takes, the median of the rounds. */
  readonly ms: readonly number[];
  /** How many times the first task's time each task took: the median of the rounds, each round's own figures compared. */
  readonly ratios: readonly number[];
}

/** A sample shorter than this is made of several runs: the grain of the clock and one stray interrupt then weigh little. */
const SAMPLE_MS = 3;
const LEAST_ROUNDS = 7;

/** The part of the time for the compiler, and for memory to be fetched from the system for the first time. */
const WARM_UP = 0.4;

/** On a machine that others keep busy the wait ends after so many times the budget. */
const PATIENCE = 3;

/** Milliseconds that this process has kept a core busy. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/**
 * Times tasks in turns for about `budgetMs` of a core. What counts is the time this process kept a core busy, so that
 * waiting for a core does not count and collecting garbage does. Times are compared within a round, a few milliseconds
 * apart, and the median of all rounds is taken: another load on the machine slows all tasks and hardly moves their ratio.
 */
export function inTurns(budgetMs: number, tasks: readonly Task[]): Comparison {
  let sum = 0;
  const timed = (task: Task, runs: number): number => {
    const startMs = cpuMs();
    for (let run = 0; run < runs; run++) sum += task();
    return (cpuMs() - startMs) / runs;
  };
  const startMs = cpuMs();
  const patientUntilMs = performance.now() + budgetMs * PATIENCE;
  // The warm-up also tells how many runs make a sample.
  const runs = tasks.map((task, index) => {
    let fastestMs = Infinity;
    const untilMs = startMs + (budgetMs * WARM_UP * (index + 1)) / tasks.length;
    do fastestMs = Math.min(fastestMs, timed(task, 1));
    while (cpuMs() < untilMs);
    return Math.max(1, Math.ceil(SAMPLE_MS / Math.max(fastestMs, 1e-3)));
  });
  const rounds: number[][] = [];
  while (rounds.length < LEAST_ROUNDS || (cpuMs() < startMs + budgetMs && performance.now() < patientUntilMs)) {
    const round = tasks.map(() => 0);
    for (let turn = 0; turn < tasks.length; turn++) {
      // Each round begins with another task: what one leaves to the next, garbage above all, then hits all alike.
      const index = (turn + rounds.length) % tasks.length;
      round[index] = timed(tasks[index] as Task, runs[index] as number);
    }
    rounds.push(round);
  }
  if (!Number.isFinite(sum) || sum === 0) throw new Error('the tasks did nothing');
  return {
    ms: tasks.map((_, index) => median(rounds.map((round) => round[index] as number))),
    ratios: tasks.map((_, index) => median(rounds.map((round) => (round[index] as number) / (round[0] as number)))),
  };
}

/** The median. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number;
}
