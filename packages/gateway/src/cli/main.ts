import { CommanderError } from 'commander';
import { describeError, errorSentence } from '../errors/describe-error.ts';
import { Console, type ConsoleStreams } from './console.ts';
import { EXIT, exitCodeFor } from './exit-codes.ts';
import { isInterruption } from './interruption.ts';
import { buildProgram } from './program.ts';

/**
 * Runs the program: reads the arguments (without `node` and the script), carries the command out and gives the exit
 * status. Never throws: whatever goes wrong is one sentence on stderr (and with `--json` one object on stdout).
 */
export async function main(args: readonly string[], streams: ConsoleStreams, signal: AbortSignal): Promise<number> {
  const console = new Console(streams);
  let exitCode: number = EXIT.ok;
  const program = buildProgram({ console, signal }, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has already said what is wrong with the arguments, or has printed the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const description = describeError(error);
    if (isInterruption(error)) console.note(`cellmux: ${description.message}; everything was ended in order.`);
    else console.complain(errorSentence(description));
    if (args.includes('--json') && !isInterruption(error)) {
      const { code, message, hint } = description;
      console.printJson({ error: { code, message, hint } });
    }
    if (console.isDebug) console.note(debugText(error));
    return exitCodeFor(description.code);
  }
}

function debugText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const context = 'context' in error ? `\n${JSON.stringify(error.context)}` : '';
  const cause = error.cause === undefined ? '' : `\ncaused by: ${debugText(error.cause)}`;
  return `${error.stack ?? error.message}${context}${cause}`;
}
