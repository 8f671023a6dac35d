import type { Clock } from '@cellmux/port';
import type { AtServerEvent, AtServerOptions } from './at-server-options.ts';
import type { CommandResult, DataPhase, DataPhaseOptions, PromptEnd } from './command-declaration.ts';
import type { CommandTable, TableContext } from './command-table.ts';
import type { LineOutput } from './line-output.ts';
import { parseCommandLine } from './parse-command-line.ts';
import { PromptReader } from './prompt-reader.ts';
import { formatInformation, formatPrompt } from './response-format.ts';
import type { Settings } from './settings.ts';

/** A command, or something that runs like one. */
export type Run<Session> = (context: TableContext<Session>) => CommandResult | Promise<CommandResult>;

/**
 * V.250 §5.6.1: octets that come so soon do not abort a command, since a terminal may send a line feed behind its carriage
 * return.
 */
const ABORT_NOT_BEFORE_MS = 125;

/** What a {@link LineRunner} needs from the server. */
export interface RunnerParts<Session> {
  readonly options: AtServerOptions<Session>;
  readonly clock: Clock;
  readonly table: CommandTable<Session>;
  readonly settings: Settings;
  readonly output: LineOutput;
  readonly isClosed: () => boolean;
  /** Somebody reads what was typed ahead. */
  readonly readOn: () => void;
  readonly connect: (text: string | undefined, options: DataPhaseOptions | undefined) => Promise<DataPhase>;
  /** A handler is done; a call that it left open ends. */
  readonly handlerDone: () => void;
  readonly emit: (event: AtServerEvent) => void;
}

/** Runs command lines, and what handlers ask for meanwhile: information, prompts, calls. One thing at a time. */
export class LineRunner<Session> {
  readonly #parts: RunnerParts<Session>;
  #prompt: { readonly reader: PromptReader; readonly done: (text: Uint8Array | undefined) => void } | undefined;
  #running: AbortController | undefined;
  /** From when on an octet aborts what runs. */
  #abortableFromMs = Infinity;
  #wasOnline = false;

  constructor(parts: RunnerParts<Session>) {
    this.#parts = parts;
  }

  /** Runs a command line up to its first error; undefined is one that cannot be run: too long, or nothing to repeat. */
  async line(text: string | undefined): Promise<CommandResult> {
    if (text === undefined) return 'ERROR';
    const { options, table, emit } = this.#parts;
    const instead = await options.beforeLine?.(text).catch((error: unknown): CommandResult => {
      emit({ type: 'handlerFailed', name: 'beforeLine', error });
      return 'ERROR';
    });
    if (instead !== undefined) return instead;
    this.#wasOnline = false;
    for (const command of parseCommandLine(text)) {
      const result =
        command === 'bad' ? 'ERROR' : await this.one(command.name, (context) => table.run(command, context));
      // Behind a call there is nothing left of the line (V.250 §5.4.1).
      if (result !== 'OK' || this.#wasOnline) return result;
    }
    return 'OK';
  }

  /** Runs one handler; whatever it throws is ERROR. */
  async one(name: string, run: Run<Session>): Promise<CommandResult> {
    const { clock, table, emit, handlerDone } = this.#parts;
    const controller = new AbortController();
    this.#running = controller;
    this.#abortableFromMs = table.isAbortable(name) ? clock.now() + ABORT_NOT_BEFORE_MS : Infinity;
    emit({ type: 'commandStarted', name });
    try {
      return await run(this.#context(name, controller.signal));
    } catch (error) {
      if (controller.signal.aborted) return 'NO CARRIER';
      emit({ type: 'handlerFailed', name, error });
      return 'ERROR';
    } finally {
      this.#prompt = undefined;
      this.#abortableFromMs = Infinity;
      handlerDone();
    }
  }

  /** Aborts what runs, and what it has given the line to. */
  abort(reason: string): void {
    this.#running?.abort(new DOMException(reason, 'AbortError'));
    this.#prompt?.done(undefined);
  }

  /** An octet came while something runs; true when that aborted it. */
  abortedByOctet(): boolean {
    if (this.#parts.clock.now() < this.#abortableFromMs) return false;
    this.#abortableFromMs = Infinity;
    this.abort('the host sent an octet');
    return true;
  }

  /** Nothing runs any more. */
  done(): void {
    this.#running = undefined;
  }

  /** The bytes of a chunk that an open prompt takes; undefined without one. */
  promptTakes(chunk: Uint8Array): number | undefined {
    const prompt = this.#prompt;
    if (prompt === undefined) return undefined;
    const { used, done } = prompt.reader.push(chunk);
    if (done !== undefined) prompt.done(done.text);
    return used;
  }

  #context(name: string, signal: AbortSignal): TableContext<Session> {
    const { options, output, settings, connect } = this.#parts;
    let first = true;
    return {
      session: options.session,
      name,
      signal,
      given: 0,
      info: (text) => {
        void output.write(formatInformation(text, first, settings));
        first = false;
      },
      raw: (bytes) => {
        void output.write(bytes.slice());
      },
      prompt: (end) => this.#ask(end),
      connect: (text, phaseOptions) => {
        if (signal.aborted) return Promise.reject(signal.reason as Error);
        this.#abortableFromMs = Infinity;
        this.#wasOnline = true;
        return connect(text, phaseOptions);
      },
    };
  }

  async #ask(end: PromptEnd): Promise<Uint8Array | undefined> {
    const { output, settings, isClosed, readOn } = this.#parts;
    if (isClosed()) return undefined;
    await output.write(formatPrompt(settings));
    if (isClosed()) return undefined;
    return new Promise((resolve) => {
      const done = (text: Uint8Array | undefined): void => {
        this.#prompt = undefined;
        resolve(text);
      };
      this.#prompt = { reader: new PromptReader(end), done };
      readOn();
    });
  }
}
