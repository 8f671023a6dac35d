import type { Readable, Writable } from 'node:stream';
import pc from 'picocolors';

/** The streams and the environment that a command works with: the process's own, or a test's. */
export interface ConsoleStreams {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
}

export type Colours = ReturnType<typeof pc.createColors>;

/** What the program writes with: results to stdout, everything else to stderr. */
export class Console {
  readonly streams: ConsoleStreams;
  /** For stdout: colours on a terminal only, and NO_COLOR (no-color.org) is obeyed. */
  readonly colours: Colours;
  /** True where a screen may be redrawn in place. */
  readonly isInteractive: boolean;
  readonly #errorColours: Colours;

  constructor(streams: ConsoleStreams) {
    this.streams = streams;
    const wanted = streams.env['NO_COLOR'] === undefined && streams.env['TERM'] !== 'dumb';
    this.isInteractive = streams.stdout.isTTY === true && streams.env['TERM'] !== 'dumb';
    this.colours = pc.createColors(wanted && streams.stdout.isTTY === true);
    this.#errorColours = pc.createColors(wanted && streams.stderr.isTTY === true);
  }

  /** True with CELLMUX_DEBUG=1: stack traces are shown. */
  get isDebug(): boolean {
    return (this.streams.env['CELLMUX_DEBUG'] ?? '') !== '' && this.streams.env['CELLMUX_DEBUG'] !== '0';
  }

  /** A result: one line (or several) on stdout. */
  print(text: string): void {
    this.streams.stdout.write(`${text}\n`);
  }

  /** A result for scripts: one JSON value on one line of stdout. */
  printJson(value: unknown): void {
    this.print(JSON.stringify(value));
  }

  /** What is going on, for people: a line on stderr. */
  note(text: string): void {
    this.streams.stderr.write(`${text}\n`);
  }

  /** Something that is wrong, for people: a line on stderr. */
  complain(text: string): void {
    this.streams.stderr.write(`${this.#errorColours.red('cellmux:')} ${text}\n`);
  }
}
