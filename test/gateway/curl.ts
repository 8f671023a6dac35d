import { RunningProgram, type ProgramExit } from './running-program.ts';

/** Runs the real curl; what it fetched is in the file given with `--output`. */
export async function curl(args: readonly string[], limitMs = 170_000): Promise<ProgramExit> {
  await using program = new RunningProgram('curl', [
    '--silent',
    '--show-error',
    '--noproxy',
    '',
    '--max-time',
    '160',
    ...args,
  ]);
  return await program.exit(limitMs);
}
