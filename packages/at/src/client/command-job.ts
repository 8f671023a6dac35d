import { CellmuxError, type Cancel } from '@cellmux/port';
import type { CommandLineFacts } from '../core/command-line.ts';
import { RESPONSE_LIMIT_BYTES, RESPONSE_LINE_LIMIT } from '../core/limits.ts';
import type { FinalResult } from '../core/result-codes.ts';
import { resultError } from './at-errors.ts';
import type { AtDataCall } from './at-data-call.ts';
import type { AtResponse, CommandOptions, ConnectOptions } from './command-options.ts';

/** One command on its way through the client: waits, runs, and is settled once. */
export class CommandJob {
  readonly line: string;
  /** The line as it may be shown: a secret one only up to its `=`. */
  readonly shown: string;
  readonly facts: CommandLineFacts;
  readonly options: CommandOptions;
  /** For a command that makes a call: how; undefined for all others. */
  readonly call: ConnectOptions | undefined;
  readonly timeoutMs: number;
  startedMs = 0;
  timer: Cancel | undefined;
  /** Ends sends that are still waiting when the job is settled. */
  readonly sendAbort = new AbortController();
  promptSeen = false;
  readonly #settle: { resolve: (value: AtResponse | AtDataCall) => void; reject: (reason: unknown) => void };
  readonly #lines: string[] = [];
  readonly #payloads: Uint8Array[] = [];
  #bytes = 0;
  #overflow = false;
  #onAbort: (() => void) | undefined;

  constructor(
    line: string,
    facts: CommandLineFacts,
    options: CommandOptions,
    call: ConnectOptions | undefined,
    timeoutMs: number,
    settle: { resolve: (value: AtResponse | AtDataCall) => void; reject: (reason: unknown) => void },
  ) {
    this.line = line;
    this.shown = options.secret === true ? `${/^[^=]*/.exec(line)![0]}=…` : line;
    this.facts = facts;
    this.options = options;
    this.call = call;
    this.timeoutMs = timeoutMs;
    this.#settle = settle;
  }

  /** Calls `onAbort` when the caller's signal aborts, until the job is settled. */
  watchAbort(onAbort: () => void): void {
    this.#onAbort = onAbort;
    this.options.signal?.addEventListener('abort', onAbort, { once: true });
  }

  addLine(text: string): void {
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
    const error = this.#errorOf(result);
    if (error !== undefined) return this.reject(error);
    this.#done();
    this.#settle.resolve({
      lines: this.#lines,
      result: result.text,
      ...(this.#payloads.length === 0 ? {} : { payload: this.#payload() }),
    });
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

  #errorOf(result: FinalResult): CellmuxError | undefined {
    if (result.kind !== 'OK') return resultError(this.shown, result);
    if (this.#overflow) {
      return new CellmuxError('ERR_AT_RESPONSE_TOO_LONG', `${this.shown}: the response is longer than is kept`, {
        context: { command: this.shown, maximumLines: RESPONSE_LINE_LIMIT, maximumBytes: RESPONSE_LIMIT_BYTES },
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
