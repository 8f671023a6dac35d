import type { Console } from './console.ts';
import type { ExitCode } from './exit-codes.ts';

/** What every command is given besides its own options. */
export interface CommandEnvironment {
  readonly console: Console;
  /** Aborts when the user asks for an end (SIGINT, SIGTERM): then everything is to be ended in order. */
  readonly signal: AbortSignal;
}

/** A command gives the exit status, or throws the error that leads to one. */
export type CommandRun<Options> = (options: Options, environment: CommandEnvironment) => Promise<ExitCode>;
