import { CellmuxError, type Cancel } from '@cellmux/port';
import type { CommandLineFacts } from '../core/command-line.ts';
import { RESPONSE_LIMIT_BYTES, RESPONSE_LINE_LIMIT } from '../core/limits.ts';
import type { RunningCommand } from '../core/response-parser.ts';
import type { FinalResult } from '../core/result-codes.ts';
import { resultError } from './at-errors.ts';
import type { AtDataCall } from './at-data-call.ts';
import type { AtResponse, CommandOptions, ConnectOptions } from './command-options.ts';

const responses = new WeakMap<object, Omit<AtResponse, 'result'>>();

/**
 * What a module had answered before a command ended in an error: of a chained line the responses of the commands that
 * went well. Undefined for an error that has none. It is no part of the error, so that no log shows it.
 */
export function responseBefore(error: unknown): Omit<AtResponse, 'result'> | undefined {
  return typeof error === 'object' && error !== null ? responses.get(error) : undefined;
}

/** What a {@link CommandJob} is made of. */
export interface CommandJobOptions {
  readonly line: string;
  readonly facts: CommandLineFacts;
  readonly options: CommandOptions;
  /** For a command that makes a call: how; undefined for all others. */
  readonly call: ConnectOptions | undefined;
  /** The client is closed at its OK. */
  readonly endsClient: boolean;
  readonly timeoutMs: number;
  readonly resolve: (value: AtResponse | AtDataCall) => void;
  readonly reject: (reason: unknown) => void;
}

/** One command on its way through the client: waits, runs, and is settled once. */
export class CommandJob {
  readonly line: string;
  /** The line as it may be shown: of a secret one only its name. */
  readonly shown: string;
  readonly options: CommandOptions;
  readonly call: ConnectOptions | undefined;
  readonly endsClient: boolean;
  readonly timeoutMs: number;
  startedMs = 0;
  timer: Cancel | undefined;
  /** Ends sends that are still waiting when the job is settled. */
  readonly sendAbort = new AbortController();
  promptSeen = false;
  readonly #facts: CommandLineFacts;
  readonly #settle: Pick<CommandJobOptions, 'resolve' | 'reject'>;
  readonly #lines: string[] = [];
  readonly #payloads: Uint8Array[] = [];
  #bytes = 0;
  #overflow = false;
  /** A counted payload was not followed by what has to follow it: its count and its octets do not agree. */
  #damaged = false;
  /** What the caller's `countedPayload` threw. */
  #fault: { readonly error: unknown } | undefined;
  #onAbort: (() => void) | undefined;

  constructor({ line, facts, options, call, endsClient, timeoutMs, resolve, reject }: CommandJobOptions) {
    this.line = line;
    this.shown = options.secret === true ? shownSecret(line) : line;
    this.options = options;
    this.call = call;
    this.endsClient = endsClient;
    this.timeoutMs = timeoutMs;
    this.#facts = facts;
    this.#settle = { resolve, reject };
  }

  /** What the parser has to know of it. */
  get expectation(): RunningCommand {
    return {
      line: this.line,
      ownPrefixes: this.#facts.ownPrefixes,
      goesOnline: this.call !== undefined || this.#facts.goesOnline,
      prompt: this.options.prompt !== undefined && !this.promptSeen,
      finalLines: this.options.finalLines,
      countedPayload: this.options.countedPayload === undefined ? undefined : (line) => this.#payloadBehind(line),
    };
  }

  /** Calls `onAbort` when the caller's signal aborts, until the job is settled. */
  watchAbort(onAbort: () => void): void {
    this.#onAbort = onAbort;
    this.options.signal?.addEventListener('abort', onAbort, { once: true });
  }

  addLine(text: string): void {
    if (this.#payloads.length > 0 && !this.#facts.ownPrefixes.some((prefix) => text.startsWith(prefix)))
      this.#damaged = true;
    this.#count(text.length);
    if (this.#lines.length >= RESPONSE_LINE_LIMIT) this.#overflow = true;
    if (!this.#overflow) this.#lines.push(text);
  }

  addPayload(bytes: Uint8Array): void {
    this.#count(bytes.length);
    if (!this.#overflow) this.#payloads.push(bytes);
  }

  /** Something of the response had to be dropped. */
  overflowed(): void {
    this.#overflow = true;
  }

  /** The response is complete. Gives the result line or the code of the error, for the event. */
  complete(result: FinalResult): string {
    if (this.#fault !== undefined) return this.reject(this.#fault.error);
    const error = this.#errorOf(result);
    const response = {
      lines: this.#lines,
      ...(this.#payloads.length === 0 ? {} : { payload: this.#payload() }),
    };
    if (error !== undefined) {
      if (!this.#overflow && this.#lines.length > 0) responses.set(error, response);
      return this.reject(error);
    }
    this.#done();
    this.#settle.resolve({ ...response, result: result.text });
    return result.text;
  }

  connected(call: AtDataCall): void {
    this.#done();
    this.#settle.resolve(call);
  }

  reject(reason: unknown): string {
    this.#done();
    this.#settle.reject(reason);
    return reason instanceof CellmuxError ? reason.code : 'aborted';
  }

  #payloadBehind(line: string): number | undefined {
    try {
      return this.options.countedPayload?.(line);
    } catch (error) {
      this.#fault ??= { error };
      return undefined;
    }
  }

  #errorOf(result: FinalResult): CellmuxError | undefined {
    if (result.kind !== 'OK') return resultError(this.shown, result);
    if (this.#overflow) {
      return new CellmuxError('ERR_AT_RESPONSE_TOO_LONG', `${this.shown}: the response is longer than is kept`, {
        context: { command: this.shown, maximumLines: RESPONSE_LINE_LIMIT, maximumBytes: RESPONSE_LIMIT_BYTES },
      });
    }
    if (this.#damaged) {
      return new CellmuxError('ERR_AT_RESPONSE_DAMAGED', `${this.shown}: octets were lost or added on the line`, {
        context: { command: this.shown, payloadBytes: this.#bytes },
      });
    }
    if (this.call !== undefined) {
      return new CellmuxError('ERR_AT_NO_CONNECT', `${this.shown} was answered with OK instead of CONNECT`, {
        context: { command: this.shown },
        hint: 'A command that does not go online is sent with command().',
      });
    }
    if (this.options.prompt !== undefined && !this.promptSeen) {
      return new CellmuxError('ERR_AT_NO_PROMPT', `${this.shown} ended without asking for its text`, {
        context: { command: this.shown },
      });
    }
    return undefined;
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > RESPONSE_LIMIT_BYTES) this.#overflow = true;
  }

  #payload(): Uint8Array {
    if (this.#payloads.length === 1) return this.#payloads[0]!;
    const whole = new Uint8Array(this.#payloads.reduce((sum, bytes) => sum + bytes.length, 0));
    let offset = 0;
    for (const bytes of this.#payloads) {
      whole.set(bytes, offset);
      offset += bytes.length;
    }
    return whole;
  }

  #done(): void {
    this.timer?.();
    this.timer = undefined;
    if (this.#onAbort !== undefined) this.options.signal?.removeEventListener('abort', this.#onAbort);
    this.sendAbort.abort();
  }
}

/** A secret line up to what may be secret: `AT+CPIN=…`, `ATD…`. */
function shownSecret(line: string): string {
  return `${/^AT[&+#$%^*!_]?[A-Za-z]*/i.exec(line)![0].replace(/^(AT[ADLO]).*/i, '$1')}…`;
}
