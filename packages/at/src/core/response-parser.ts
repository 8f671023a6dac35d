import type { CommandLineFacts } from './command-line.ts';
import { LineReader } from './line-reader.ts';
import { callResult, connectText, plainResult, verboseOf, type FinalResult } from './result-codes.ts';
import { UrcTable } from './urc-table.ts';

const CTRL_Z = 0x1a;

/** The command that runs, as far as its response is concerned. */
export interface RunningCommand extends Pick<CommandLineFacts, 'ownPrefixes'> {
  /** The line as sent, without its end: so it comes back as echo. */
  readonly line: string;
  /** NO CARRIER, BUSY, NO ANSWER and NO DIALTONE end it. */
  readonly goesOnline: boolean;
  /** Further lines that end it, exactly as received. */
  readonly finalLines?: readonly string[] | undefined;
  /** The prompt `> ` is waited for. */
  readonly prompt?: boolean | undefined;
  /** How many raw octets follow this information line; undefined for none. */
  readonly countedPayload?: ((line: string) => number | undefined) | undefined;
}

/** What {@link ResponseParser.next} gives. */
export type ResponseEvent =
  | { readonly kind: 'echo' }
  | { readonly kind: 'information'; readonly text: string }
  | { readonly kind: 'payload'; readonly bytes: Uint8Array }
  | { readonly kind: 'prompt' }
  /** CONNECT: what {@link ResponseParser.takeRest} then gives is data. */
  | { readonly kind: 'connect'; readonly text: string }
  | { readonly kind: 'final'; readonly result: FinalResult }
  /** `known`: it is in the table; else a line that nothing asked for. */
  | { readonly kind: 'urc'; readonly text: string; readonly known: boolean; readonly payload?: Uint8Array }
  /** Octets dropped: of the running command's response, or of a line that had begun before it or belongs to none. */
  | { readonly kind: 'discarded'; readonly byteCount: number; readonly ofResponse: boolean };

/** Options of {@link ResponseParser}. */
export interface ResponseParserOptions {
  readonly s3?: number;
  readonly s4?: number;
  readonly lineLimitBytes?: number;
  readonly urcs?: UrcTable;
}

/**
 * Reads what a module sends in command mode: echo, information lines, counted raw payloads, prompts, result codes verbose
 * or numeric, and the unsolicited lines anywhere between them. The same bytes give the same events in whatever chunks they
 * come. Pulled, so that a prompt, a payload or CONNECT changes how the very next octet is read.
 */
export class ResponseParser {
  readonly #reader: LineReader;
  readonly #urcs: UrcTable;
  #running: RunningCommand | undefined;
  #echoSeen = false;
  #promptSeen = false;
  /** A line had begun when the command was sent: it is not its. */
  #stale = false;
  /**
   * Numeric results have no empty line before them, verbose lines always have (V.250 §6.2.6, table 3): what the first
   * line of a response looks like tells the format of all of it.
   */
  #numeric: boolean | undefined;
  #lastNumeric = false;
  #connectWasNumeric = false;

  constructor(options: ResponseParserOptions = {}) {
    this.#urcs = options.urcs ?? new UrcTable();
    this.#reader = new LineReader({
      s3: options.s3 ?? 13,
      s4: options.s4 ?? 10,
      countedLines: this.#urcs.countedLines,
      ...(options.lineLimitBytes === undefined ? {} : { lineLimitBytes: options.lineLimitBytes }),
    });
  }

  /** The running command has been echoed, so that what is typed at its prompt will be, too. */
  get echoSeen(): boolean {
    return this.#echoSeen;
  }

  /** Counted octets of the running command are on their way. */
  get isInPayload(): boolean {
    return this.#reader.isInRaw;
  }

  /** The table of unsolicited lines has changed. */
  urcsChanged(): void {
    this.#reader.setCountedLines(this.#urcs.countedLines);
  }

  /** A command line has been sent: lines are its response from now on, but for one that has begun. */
  begin(command: RunningCommand): void {
    this.#running = command;
    this.#echoSeen = false;
    this.#promptSeen = false;
    this.#stale = !this.#reader.isAtLineStart;
    this.#numeric = undefined;
    this.#reader.expectPrompt(command.prompt === true);
  }

  /** The response is complete: lines are unsolicited from now on. */
  end(): void {
    this.#running = undefined;
    this.#stale = false;
    this.#reader.expectLines();
  }

  /**
   * The running command was given up. Its lines are still told from unsolicited ones, and a prompt may still come, but
   * counted octets that have not all arrived are not waited for.
   */
  giveUp(): void {
    this.#reader.expectLines();
    this.#reader.expectPrompt(this.#running?.prompt === true && !this.#promptSeen);
  }

  /** The text that goes out at the prompt; where the command was echoed, its echo is dropped. */
  promptAnswered(bytes: Uint8Array): void {
    if (this.#echoSeen) this.#reader.expectEcho(bytes, CTRL_Z);
  }

  push(chunk: Uint8Array): void {
    this.#reader.push(chunk);
  }

  /** What has not been read yet: data behind CONNECT, or bytes for the port's next owner. */
  takeRest(): { readonly bytes: Uint8Array; readonly lineFeedPending: boolean } {
    return this.#reader.takeRest({ lineFeed: !this.#connectWasNumeric });
  }

  next(): ResponseEvent | undefined {
    for (;;) {
      const event = this.#reader.next();
      if (event === undefined) return undefined;
      switch (event.kind) {
        case 'prompt':
          this.#promptSeen = true;
          return event;
        case 'discarded': {
          const ofResponse = this.#running !== undefined && !this.#stale;
          this.#stale = false;
          return { kind: 'discarded', byteCount: event.byteCount, ofResponse };
        }
        case 'raw':
          return { kind: 'payload', bytes: event.bytes };
        case 'line': {
          return this.#line(event.text, event.headed, event.payload);
        }
      }
    }
  }

  #line(text: string, headed: boolean, payload: Uint8Array | undefined): ResponseEvent {
    const running = this.#running;
    const stale = this.#stale;
    this.#stale = false;
    if (payload !== undefined) return { kind: 'urc', text, known: true, payload };
    if (running === undefined) return this.#idleLine(text, headed);
    if (!this.#echoSeen && isEcho(text, running.line, headed)) {
      this.#echoSeen = true;
      return { kind: 'echo' };
    }
    if (stale) return this.#staleLine(text);
    return this.#runningLine(running, text, headed);
  }

  #staleLine(text: string): ResponseEvent {
    // Whoever asked for it, the module is in data mode.
    const connect = connectText(text);
    if (connect !== undefined) return this.#connect(connect, false);
    const known = this.#urcs.match(text) !== undefined;
    return known ? { kind: 'urc', text, known } : { kind: 'discarded', byteCount: text.length, ofResponse: false };
  }

  #idleLine(text: string, headed: boolean): ResponseEvent {
    const verbose = !headed && this.#lastNumeric ? (verboseOf(text) ?? text) : text;
    const result = plainResult(verbose);
    if (result !== undefined) return { kind: 'final', result };
    const connect = connectText(verbose);
    if (connect !== undefined) return this.#connect(connect, verbose !== text);
    return { kind: 'urc', text: verbose, known: this.#urcs.match(verbose) !== undefined };
  }

  #runningLine(running: RunningCommand, text: string, headed: boolean): ResponseEvent {
    this.#numeric ??= !headed;
    const verbose = this.#numeric ? (verboseOf(text) ?? text) : text;
    const result = this.#resultOf(running, verbose);
    if (result !== undefined) {
      if (verbose !== text) this.#lastNumeric = true;
      else if (headed) this.#lastNumeric = false;
      return { kind: 'final', result };
    }
    const connect = connectText(verbose);
    if (connect !== undefined) return this.#connect(connect, verbose !== text);
    if (this.#urcs.ownerOf(verbose, running.ownPrefixes) === 'urc') {
      return { kind: 'urc', text: verbose, known: this.#urcs.match(verbose) !== undefined };
    }
    const count = running.countedPayload?.(text);
    if (count !== undefined && Number.isSafeInteger(count) && count >= 0) this.#reader.expectRaw(count);
    return { kind: 'information', text };
  }

  #resultOf(running: RunningCommand, line: string): FinalResult | undefined {
    const result = plainResult(line) ?? (running.goesOnline ? callResult(line) : undefined);
    if (result !== undefined) return result;
    return running.finalLines?.includes(line) === true ? { kind: 'OK', text: line, detail: '' } : undefined;
  }

  #connect(text: string, numeric: boolean): ResponseEvent {
    this.#connectWasNumeric = numeric;
    return { kind: 'connect', text };
  }
}

/**
 * The echo of a command is the line as sent, perhaps behind what was left in the module's line buffer, perhaps damaged:
 * no response begins with AT where an empty line would have to stand.
 */
function isEcho(text: string, line: string, headed: boolean): boolean {
  if (text === line) return true;
  if (headed) return false;
  return text.endsWith(line) || /^AT/i.test(text);
}
