import { checkInteger, diagnosticsChannel, prepend, systemClock } from '@cellmux/port';
import type { AbortOptions, CellmuxError, Clock, Port } from '@cellmux/port';
import { BehaviorSubject, Subject, type Observable, type Subscription } from 'rxjs';
import { commandLineFacts } from '../core/command-line.ts';
import { ResponseParser, type ResponseEvent } from '../core/response-parser.ts';
import { plainResult } from '../core/result-codes.ts';
import { UrcTable, type UrcPattern } from '../core/urc-table.ts';
import { AtDataCall, type CallAftermath } from './at-data-call.ts';
import * as errors from './at-errors.ts';
import type { AtEvent } from './at-events.ts';
import { checkProfile, HE863_AT_PROFILE, type AtProfile } from './at-profile.ts';
import { checkCommand } from './check-command.ts';
import { CommandJob } from './command-job.ts';
import type { AtResponse, CommandOptions, ConnectOptions, HandedOver, Urc } from './command-options.ts';
import { CommandRunner } from './command-runner.ts';
import type { DataCall } from './data-call.ts';

/** Options of {@link AtClient}. */
export interface AtClientOptions {
  readonly clock?: Clock | undefined;
  /** Default {@link HE863_AT_PROFILE}. */
  readonly profile?: AtProfile | undefined;
  /** What one command is given, unless it says otherwise; 1 to 2^31-1 ms, default 5000. */
  readonly timeoutMs?: number | undefined;
}

/** Where the client is. */
export type AtMode = 'command' | 'data' | 'closed';

/**
 * An AT client on a port: one command at a time, the rest in order; unsolicited lines as a stream; calls as ports.
 *
 * @example
 * const client = new AtClient(port);
 * client.urcs$.subscribe(({ text }) => { … });
 * const { lines } = await client.command('AT+CSQ');
 * const call = await client.connect('ATD*99***1#', { timeoutMs: 60_000 });
 */
export class AtClient implements AsyncDisposable {
  /** Lines that belong to no command, in order; hot. Completes on close, also when the line is lost. */
  readonly urcs$: Observable<Urc>;
  /**
   * Calls that the module went online with by itself: a listener that accepts automatically. Hot. While somebody
   * subscribes, an unsolicited CONNECT begins data mode; otherwise it is an unsolicited line like any other.
   */
  readonly incomingCalls$: Observable<DataCall>;
  /** What the client does; hot. Completes on close. */
  readonly events$: Observable<AtEvent>;
  /** Where it is, now and from now on. */
  readonly mode$: Observable<AtMode>;
  readonly #port: Port;
  readonly #clock: Clock;
  readonly #profile: AtProfile;
  readonly #timeoutMs: number;
  readonly #urcTable: UrcTable;
  readonly #parser: ResponseParser;
  readonly #runner: CommandRunner;
  readonly #urcs = new Subject<Urc>();
  readonly #incomingCalls = new Subject<DataCall>();
  readonly #events = new Subject<AtEvent>();
  readonly #mode = new BehaviorSubject<AtMode>('command');
  readonly #channel = diagnosticsChannel('cellmux:at:event');
  readonly #subscription: Subscription;
  #call: AtDataCall | undefined;
  /** DCD when the module was last known to be in command mode. */
  #carrierBefore: boolean;
  #closing: Promise<void> | undefined;
  #released: Port;

  constructor(port: Port, options: AtClientOptions = {}) {
    this.#port = port;
    this.#released = port;
    this.#clock = options.clock ?? systemClock;
    this.#profile = checkProfile(options.profile ?? HE863_AT_PROFILE);
    this.#timeoutMs = checkInteger('timeoutMs', options.timeoutMs ?? 5000, 1, 2 ** 31 - 1);
    this.#urcTable = new UrcTable(this.#profile.urcs);
    this.#parser = new ResponseParser({ s3: this.#profile.s3, s4: this.#profile.s4, urcs: this.#urcTable });
    this.#runner = new CommandRunner({
      clock: this.#clock,
      profile: this.#profile,
      parser: this.#parser,
      send: (bytes, signal) => port.send(bytes, { signal }),
      isInCommandMode: () => this.mode === 'command',
      onRun: () => {
        this.#carrierBefore = port.circuits.dcd;
      },
      onLastOk: (job) => {
        this.#finish((other) => errors.clientClosed(other.shown), job);
      },
      emit: (event) => {
        this.#emit(event);
      },
    });
    this.#carrierBefore = port.circuits.dcd;
    this.urcs$ = this.#urcs.asObservable();
    this.incomingCalls$ = this.#incomingCalls.asObservable();
    this.events$ = this.#events.asObservable();
    this.mode$ = this.#mode.asObservable();
    this.#subscription = port.received$.subscribe({
      next: (chunk) => {
        this.#receive(chunk);
      },
      error: (error: unknown) => {
        this.#lineLost(error);
      },
      complete: () => {
        this.#lineLost(undefined);
      },
    });
  }

  /** Where it is. */
  get mode(): AtMode {
    return this.#mode.value;
  }

  /**
   * The port for its next owner, once the client is closed: it begins with what the client had read and not used. Before
   * that the port as it was given.
   */
  get released(): Port {
    return this.#released;
  }

  /**
   * Sends one command line, when its turn has come, and resolves with the response once it ended in OK.
   *
   * Rejects with `ERR_AT_ERROR`, `ERR_AT_CME` (`context.cme`, `context.text`), `ERR_AT_CMS`, for a command that goes
   * online `ERR_AT_NO_CARRIER`, `ERR_AT_BUSY`, `ERR_AT_NO_ANSWER`, `ERR_AT_NO_DIALTONE`; `ERR_AT_TIMEOUT`,
   * `ERR_AT_RESPONSE_TOO_LONG`, `ERR_AT_RESPONSE_DAMAGED`, `ERR_AT_NO_PROMPT`, `ERR_AT_UNEXPECTED_CONNECT`, `ERR_AT_LINE_LOST`, `ERR_AT_CLOSED`,
   * `ERR_AT_IN_DATA_MODE`, `ERR_AT_QUEUE_FULL`; without anything being sent `ERR_AT_NOT_A_COMMAND`,
   * `ERR_AT_LINE_TOO_LONG` and `ERR_AT_UNSAFE_TEXT`.
   *
   * @param line from `AT` on, without its end.
   */
  command(line: string, options: CommandOptions = {}): Promise<AtResponse> {
    return this.#submit(line, options, undefined) as Promise<AtResponse>;
  }

  /**
   * Sends a command that ends in CONNECT and resolves with the data call. Until the call ends, other commands reject with
   * `ERR_AT_IN_DATA_MODE`.
   *
   * Rejects as {@link command} does, and with `ERR_AT_NO_CONNECT` when the module said OK. A call that comes up after its
   * caller was let go, by time-out or abort, is hung up.
   */
  connect(line: string, options: ConnectOptions = {}): Promise<DataCall> {
    return this.#submit(line, options, options) as Promise<DataCall>;
  }

  /**
   * Sends a command behind whose OK the line speaks something else (`AT+CMUX=0`), and closes the client at that OK: the
   * port that comes with the response begins with the octet behind it, at most the OK's own line feed before that. Where
   * the command fails, it rejects as {@link command} does and the client goes on.
   */
  handOver(line: string, options: CommandOptions = {}): Promise<HandedOver> {
    return this.#submit(line, options, undefined, true).then((response) => ({
      response: response as AtResponse,
      port: this.#released,
    }));
  }

  /**
   * Makes a further line known as unsolicited, before those of the profile; with `countedUrc` one that carries raw data.
   * Gives the function that takes it out again.
   */
  addUrc(pattern: UrcPattern): () => void {
    this.#urcTable.add(pattern);
    this.#parser.urcsChanged();
    return () => {
      this.#urcTable.remove(pattern);
      this.#parser.urcsChanged();
    };
  }

  /**
   * Stops using the port and leaves it open for its next owner, as {@link released}. A call is closed first; commands
   * under way and waiting reject with `ERR_AT_CLOSED`. Never rejects.
   */
  close(options: AbortOptions = {}): Promise<void> {
    this.#closing ??= this.#closeInOrder(options);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #closeInOrder(options: AbortOptions): Promise<void> {
    await this.#call?.close(options);
    this.#finish((job) => errors.clientClosed(job.shown));
  }

  #submit(
    line: string,
    options: CommandOptions,
    call: ConnectOptions | undefined,
    endsClient = false,
  ): Promise<AtResponse | AtDataCall> {
    return new Promise((resolve, reject) => {
      checkCommand(line, options, this.#profile);
      const timeoutMs = checkInteger('timeoutMs', options.timeoutMs ?? this.#timeoutMs, 1, 2 ** 31 - 1);
      const facts = commandLineFacts(line);
      const job = new CommandJob({ line, facts, options, call, endsClient, timeoutMs, resolve, reject });
      const refusal: unknown = options.signal?.aborted === true ? options.signal.reason : this.#refusal(job);
      if (refusal !== undefined) {
        job.reject(refusal);
        return;
      }
      this.#runner.add(job);
    });
  }

  #refusal(job: CommandJob): CellmuxError | undefined {
    // A call that is being closed still hangs up by a command.
    if (this.mode === 'closed') return errors.clientClosed(job.shown);
    if (this.#call !== undefined) return errors.inDataMode(job.shown);
    if (this.#closing !== undefined && job.options.urgent !== true) return errors.clientClosed(job.shown);
    return this.#runner.isFull ? errors.queueFull(job.shown) : undefined;
  }

  #receive(chunk: Uint8Array): void {
    if (this.#call !== undefined) {
      this.#call.receive(chunk);
      return;
    }
    this.#parser.push(chunk);
    this.#readResponses();
  }

  #readResponses(): void {
    while (this.#call === undefined && this.mode !== 'closed') {
      const event = this.#parser.next();
      if (event === undefined) return;
      this.#handle(event);
    }
  }

  #handle(event: ResponseEvent): void {
    switch (event.kind) {
      case 'echo':
        return;
      case 'urc': {
        const { text, payload } = event;
        this.#urcs.next(payload === undefined ? { text } : { text, payload });
        return;
      }
      case 'connect':
        this.#connected(event.text);
        return;
      default:
        this.#runner.handle(event);
    }
  }

  #connected(text: string): void {
    const { job: made, isLate } = this.#runner.connecting() ?? {};
    if (made === undefined && !this.#incomingCalls.observed) {
      this.#urcs.next({ text: text === '' ? 'CONNECT' : `CONNECT ${text}` });
      return;
    }
    this.#parser.end();
    const { bytes, lineFeedPending } = this.#parser.takeRest();
    const call = this.#makeCall(made, text, lineFeedPending);
    this.#call = call;
    this.#mode.next('data');
    this.#emit({ type: 'dataCallStarted', command: made?.shown ?? '', connectText: text });
    this.#runner.wentOnline();
    if (made === undefined) this.#incomingCalls.next(call);
    else if (isLate === true) void call.close();
    else if (made.call !== undefined) made.connected(call);
    else {
      made.reject(errors.unexpectedConnect(made.shown));
      void call.close();
    }
    call.receive(bytes);
  }

  #makeCall(made: CommandJob | undefined, connectText: string, lineFeedPending: boolean): AtDataCall {
    const hangUp = made?.call?.hangUp ?? (made !== undefined && /^ATD/i.test(made.line) ? 'ATH' : false);
    return new AtDataCall({
      line: this.#port,
      clock: this.#clock,
      profile: this.#profile,
      name: `${this.#port.name} ${made?.shown ?? 'incoming'}`,
      connectText,
      carrierWasOff: !this.#carrierBefore,
      lineFeedPending,
      // Data that was under way when the call ended is answered as a command line: with ERROR.
      isUrc: (line) => this.#urcTable.match(line) !== undefined || plainResult(line) !== undefined,
      backlogLimitBytes: made?.call?.backlogLimitBytes,
      onEnd: (aftermath) => {
        this.#callEnded(aftermath);
      },
      hangUp:
        hangUp === false
          ? undefined
          : async ({ signal }) => {
              // A module that refuses to hang up has nothing to hang up.
              await this.#submit(hangUp, { urgent: true, signal }, undefined).catch(() => undefined);
            },
    });
  }

  #callEnded({ end, rest, junkSent, perhapsOnline }: CallAftermath): void {
    this.#call = undefined;
    this.#emit({ type: 'dataCallEnded', ...end });
    if (end.reason === 'lineLost') return;
    this.#carrierBefore = this.#port.circuits.dcd;
    const isOutOfStep = junkSent || perhapsOnline;
    this.#runner.cameBack(
      isOutOfStep ? { cause: 'dataCall', trustsResult: false, junkSent, perhapsOnline } : undefined,
    );
    this.#mode.next('command');
    this.#parser.push(rest);
    this.#readResponses();
    this.#runner.startNext();
  }

  #lineLost(error: unknown): void {
    this.#call?.lineEnded(error);
    this.#finish((job) => errors.lineLost(job.shown, error));
  }

  /** Lets go of the port, and rejects all commands but one. */
  #finish(reasonFor: (job: CommandJob) => unknown, except?: CommandJob): void {
    if (this.mode === 'closed') return;
    this.#mode.next('closed');
    // While the subscription is being made there is none to end, and the port has ended by itself.
    (this.#subscription as Subscription | undefined)?.unsubscribe();
    this.#released = prepend(this.#port, this.#parser.takeRest().bytes);
    this.#runner.end(reasonFor, except);
    this.#mode.complete();
    this.#urcs.complete();
    this.#incomingCalls.complete();
    this.#events.complete();
  }

  #emit(event: AtEvent): void {
    this.#events.next(event);
    if (this.#channel.hasSubscribers) this.#channel.publish(event);
  }
}
