import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { BenchRow, BenchSkip } from '../../packages/port/bench/index.ts';

const SUITE = fileURLToPath(new URL('run-suite.ts', import.meta.url));

/**
 * Runs a suite in a process of its own and hands on each figure as it comes.
 *
 * @throws Error where the suite fails; its own words are on stderr by then.
 */
export async function measureSuite(
  name: string,
  quick: boolean,
  onFigure: (figure: BenchRow | BenchSkip) => void,
): Promise<void> {
  const child = fork(SUITE, [name, ...(quick ? ['--quick'] : [])], {
    execArgv: ['--expose-gc', '--conditions=@cellmux/source', '--import', 'tsx'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  child.on('message', (figure: BenchRow | BenchSkip) => {
    onFigure(figure);
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  if (code !== 0) throw new Error(`the figures of ${name} ended with ${signal ?? `exit status ${code}`}`);
}
