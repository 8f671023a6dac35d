import {
  CellmuxError,
  checkInteger,
  diagnosticsChannel,
  systemClock,
  type Cancel,
  type Clock,
  type Port,
} from '@cellmux/port';
import { BehaviorSubject, Subject, type Observable, type Subscription } from 'rxjs';
import { commandLineFacts, textFault } from '../core/command-line.ts';
import { latin1Octets } from '../core/latin1.ts';
import { QUEUE_LIMIT_COMMANDS } from '../core/limits.ts';
import { ResponseParser, type ResponseEvent } from '../core/response-parser.ts';
import type { FinalResult } from '../core/result-codes.ts';
import { UrcTable } from '../core/urc-table.ts';
import { AtDataCall, type CallAftermath } from './at-data-call.ts';
import { clientClosedError, lineLostError } from './at-errors.ts';
import type { AtEvent } from './at-events.ts';
import { HE863_AT_PROFILE, type AtProfile } from './at-profile.ts';
import { unsafeText } from './at-string.ts';
import { CommandJob } from './command-job.ts';
import type { AtResponse, CommandOptions, ConnectOptions, Urc } from './command-options.ts';
import type { DataCall } from './data-call.ts';

const CTRL_Z = 0x1a;
const ESC = 0x1b;
const BACKSPACE = 0x08;

/** Options of {@link AtClient}. */
export interface AtClientOptions {
  readonly clock?: Clock;
  /** Default {@link HE863_AT_PROFILE}. */
  readonly profile?: AtProfile;
  /** What one command is given, unless it says otherwise; 1 to 2^31-1 ms, default 5000. */
  readonly timeoutMs?: number;
}

/** Where the client is. */
export type AtMode = 'command' | 'data' | 'closed';

/** What is still owed by the module when a command was given up, or may be when a call ended badly. */
interface OutOfStep {
  /** The command that was given up; undefined when there was none. */
  readonly job: CommandJob | undefined;
  /** Octets that were not a command may lie in the module's line buffer. */
  readonly junkSent: boolean;
  readonly perhapsOnline: boolean;
  /** Rounds of probes that brought no answer. */
  readonly rounds: number;
}

interface ProbeRun {
  readonly index: number;
  readonly answerSeen: boolean;
  readonly finalSeen: boolean;
  readonly timer: Cancel;
}

/** An AT client on a port: one command at a time, the rest in order; unsolicited lines as a stream; calls as ports. */
export class AtClient implements AsyncDisposable {
  /** Lines that belong to no command, in order; hot. Completes on close, also when the line is lost. */
  readonly urcs$: Observable<Urc>;
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
  readonly #urcs = new Subject<Urc>();
  readonly #events = new Subject<AtEvent>();
  readonly #mode = new BehaviorSubject<AtMode>('command');
  readonly #channel = diagnosticsChannel('cellmux:at:event');
  readonly #lineEnd: Uint8Array;
  #subscription: Subscription | undefined;
  #urgent: CommandJob[] = [];
  #queue: CommandJob[] = [];
  #running: CommandJob | undefined;
  #call: AtDataCall | undefined;
  #carrierBefore = false;
  #quietUntilMs = -Infinity;
  #gapTimer: Cancel | undefined;
  #outOfStep: OutOfStep | undefined;
  #probe: ProbeRun | undefined;
  #closing: Promise<void> | undefined;

  constructor(port: Port, options: AtClientOptions = {}) {
    this.#port = port;
    this.#clock = options.clock ?? systemClock;
    this.#profile = options.profile ?? HE863_AT_PROFILE;
    this.#timeoutMs = checkInteger('timeoutMs', options.timeoutMs ?? 5000, 1, 2 ** 31 - 1);
    this.#lineEnd = Uint8Array.of(this.#profile.s3);
    this.#urcTable = new UrcTable(this.#profile.urcs);
    this.#parser = new ResponseParser({ s3: this.#profile.s3, s4: this.#profile.s4, urcs: this.#urcTable });
    this.urcs$ = this.#urcs.asObservable();
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

  get mode(): AtMode {
    return this.#mode.value;
  }

  /**
   * Sends one command line, when its turn has come, and resolves with the response once it ended in OK.
   *
   * Rejects with `ERR_AT_ERROR`, `ERR_AT_CME` (`context.cme`, `context.text`), `ERR_AT_CMS`, for a command that goes
   * online `ERR_AT_NO_CARRIER`, `ERR_AT_BUSY`, `ERR_AT_NO_ANSWER`, `ERR_AT_NO_DIALTONE`; `ERR_AT_TIMEOUT`,
   * `ERR_AT_RESPONSE_TOO_LONG`, `ERR_AT_NO_PROMPT`, `ERR_AT_LINE_LOST`, `ERR_AT_CLOSED`, `ERR_AT_IN_DATA_MODE`,
   * `ERR_AT_QUEUE_FULL`; without anything being sent `ERR_AT_LINE_TOO_LONG` and `ERR_AT_UNSAFE_TEXT`.
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

  /** Stops using the port and leaves it open; a call is closed first. Commands under way reject with `ERR_AT_CLOSED`. */
  close(): Promise<void> {
    this.#closing ??= this.#closeInOrder();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #closeInOrder(): Promise<void> {
    await this.#call?.close();
    this.#finish((job) => clientClosedError(job.shown));
  }

  #submit(line: string, options: CommandOptions, call: ConnectOptions | undefined): Promise<AtResponse | AtDataCall> {
    return new Promise((resolve, reject) => {
      const facts = this.#check(line, options);
      const timeoutMs = checkInteger('timeoutMs', options.timeoutMs ?? this.#timeoutMs, 1, 2 ** 31 - 1);
      const job = new CommandJob(line, facts, options, call, timeoutMs, { resolve, reject });
      if (options.signal?.aborted === true) {
        job.reject(options.signal.reason);
        return;
      }
      const refusal = this.#refusal(job);
      if (refusal !== undefined) {
        job.reject(refusal);
        return;
      }
      job.watchAbort(() => {
        this.#aborted(job);
      });
      (options.urgent === true ? this.#urgent : this.#queue).push(job);
      this.#startNext();
    });
  }

  #check(line: string, { secret, prompt }: CommandOptions): ReturnType<typeof commandLineFacts> {
    const shown = secret === true ? 'a secret command' : line.slice(0, 40);
    if (!/^AT/i.test(line)) {
      throw new CellmuxError('ERR_AT_NOT_A_COMMAND', 'a command line begins with AT', { context: { command: shown } });
    }
    const fault = textFault(line, { quote: false });
    if (fault !== undefined) throw unsafeText('the command line', fault);
    const { maximumLineLength } = this.#profile;
    if (line.length > maximumLineLength) {
      throw new CellmuxError(
        'ERR_AT_LINE_TOO_LONG',
        `a command line of ${line.length} characters: the module takes ${maximumLineLength} and would answer ERROR`,
        { context: { command: shown, length: line.length, maximumLineLength } },
      );
    }
    if (
      prompt?.end === 'ctrlZ' &&
      prompt.bytes.some((octet) => octet === CTRL_Z || octet === ESC || octet === BACKSPACE)
    )
      throw unsafeText('the text for the prompt', 'control');
    return commandLineFacts(line);
  }

  #refusal(job: CommandJob): CellmuxError | undefined {
    if (this.#mode.value === 'closed' || this.#closing !== undefined) return clientClosedError(job.shown);
    if (this.#call !== undefined) return inDataModeError(job.shown);
    if (this.#urgent.length + this.#queue.length >= QUEUE_LIMIT_COMMANDS) {
      return new CellmuxError('ERR_AT_QUEUE_FULL', `${job.shown}: ${QUEUE_LIMIT_COMMANDS} commands are waiting`, {
        context: { limitCommands: QUEUE_LIMIT_COMMANDS },
      });
    }
    return undefined;
  }

  #startNext(): void {
    if (this.#running !== undefined || this.#probe !== undefined || this.#mode.value !== 'command') return;
    if (this.#urgent.length + this.#queue.length === 0) return;
    const restMs = this.#quietUntilMs - this.#clock.now();
    if (restMs > 0) {
      this.#gapTimer ??= this.#clock.after(restMs, () => {
        this.#gapTimer = undefined;
        this.#startNext();
      });
      return;
    }
    if (this.#outOfStep !== undefined) {
      this.#sendProbe(0);
      return;
    }
    const job = this.#urgent.shift() ?? this.#queue.shift()!;
    this.#running = job;
    job.startedMs = this.#clock.now();
    this.#carrierBefore = this.#port.circuits.dcd;
    this.#parser.begin({
      line: job.line,
      ownPrefixes: job.facts.ownPrefixes,
      goesOnline: job.call !== undefined || job.facts.goesOnline,
      prompt: job.options.prompt !== undefined,
      countedPayload: job.options.countedPayload,
      finalLines: job.options.finalLines,
    });
    this.#armTimeout(job);
    this.#emit({ type: 'commandSent', command: job.shown });
    this.#sendFor(job, this.#terminated(job.line));
  }

  #terminated(line: string): Uint8Array {
    const bytes = new Uint8Array(line.length + 1);
    bytes.set(latin1Octets(line));
    bytes.set(this.#lineEnd, line.length);
    return bytes;
  }

  /** Sends for a job; a failed line ends the client by itself, so that only the job's own abort is passed over here. */
  #sendFor(job: CommandJob, bytes: Uint8Array): void {
    this.#port.send(bytes, { signal: job.sendAbort.signal }).catch((error: unknown) => {
      if (this.#running === job) this.#settleRunning(job.reject(lineLostError(job.shown, error)));
    });
  }

  #armTimeout(job: CommandJob): void {
    job.timer?.();
    job.timer = this.#clock.after(job.timeoutMs, () => {
      this.#giveUp(
        job,
        new CellmuxError('ERR_AT_TIMEOUT', `${job.shown} was not answered within ${job.timeoutMs} ms`, {
          context: { command: job.shown, timeoutMs: job.timeoutMs },
        }),
        'timeout',
      );
    });
  }

  #aborted(job: CommandJob): void {
    const reason: unknown = job.options.signal?.reason;
    if (this.#running === job) {
      this.#giveUp(job, reason, 'aborted');
      return;
    }
    this.#urgent = this.#urgent.filter((other) => other !== job);
    this.#queue = this.#queue.filter((other) => other !== job);
    job.reject(reason);
  }

  /** The caller is let go; the module still owes an answer. */
  #giveUp(job: CommandJob, reason: unknown, cause: 'timeout' | 'aborted'): void {
    this.#parser.end();
    if (job.options.prompt !== undefined && !job.promptSeen) this.#parser.expectPrompt();
    // V.250 §5.6.1: any octet aborts a command that dials.
    if (job.call !== undefined || job.facts.goesOnline) this.#sendQuietly(this.#lineEnd);
    this.#loseStep({ job, junkSent: false, perhapsOnline: false, rounds: 0 }, cause);
    this.#settleRunning(job.reject(reason));
  }

  #loseStep(outOfStep: OutOfStep, cause: 'timeout' | 'aborted' | 'dataCall'): void {
    this.#outOfStep = outOfStep;
    this.#emit({ type: 'outOfStep', cause });
  }

  #sendQuietly(bytes: Uint8Array): void {
    // A line that fails ends the client through received$.
    this.#port.send(bytes).catch(() => undefined);
  }

  #settleRunning(result: string): void {
    const job = this.#running;
    this.#running = undefined;
    if (job !== undefined) {
      const tookMs = this.#clock.now() - job.startedMs;
      this.#emit({ type: 'commandEnded', command: job.shown, result, tookMs });
    }
    this.#startNext();
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
    while (this.#call === undefined && this.#subscription !== undefined) {
      const event = this.#parser.next();
      if (event === undefined) return;
      this.#handle(event);
    }
  }

  #handle(event: ResponseEvent): void {
    const job = this.#running;
    switch (event.kind) {
      case 'echo':
        return;
      case 'urc':
        if (!event.known && this.#outOfStep !== undefined) {
          this.#emit({ type: 'lateLine', byteCount: event.text.length });
          return;
        }
        this.#urcs.next(
          event.payload === undefined ? { text: event.text } : { text: event.text, payload: event.payload },
        );
        return;
      case 'information':
        if (job !== undefined) job.addLine(event.text);
        else this.#probeLine(event.text);
        return;
      case 'payload':
        job?.addPayload(event.bytes);
        return;
      case 'discarded':
        job?.overflowed();
        this.#emit(event.kind === 'discarded' ? { type: 'discarded', byteCount: event.byteCount } : event);
        return;
      case 'prompt':
        this.#promptSeen(job);
        return;
      case 'connect':
        this.#connected(job, event.text);
        return;
      case 'final':
        this.#final(job, event.result);
        return;
    }
  }

  #promptSeen(running: CommandJob | undefined): void {
    const late = running === undefined ? this.#outOfStep?.job : undefined;
    const job = running ?? late;
    const prompt = job?.options.prompt;
    if (job === undefined || prompt === undefined) return;
    job.promptSeen = true;
    if (running === undefined) {
      // A text that is counted cannot be called off any more; one that ends in Ctrl-Z can.
      this.#sendQuietly(prompt.end === 'counted' ? prompt.bytes : Uint8Array.of(ESC));
      return;
    }
    const text = new Uint8Array(prompt.bytes.length + (prompt.end === 'ctrlZ' ? 1 : 0));
    text.set(prompt.bytes);
    if (prompt.end === 'ctrlZ') text[prompt.bytes.length] = CTRL_Z;
    this.#parser.promptAnswered(prompt.bytes);
    job.timer?.();
    this.#armTimeout(job);
    this.#port.send(text, { signal: job.sendAbort.signal }).then(
      () => {
        if (this.#running === job) this.#armTimeout(job);
      },
      (error: unknown) => {
        if (this.#running === job) this.#settleRunning(job.reject(lineLostError(job.shown, error)));
      },
    );
  }

  #final(job: CommandJob | undefined, result: FinalResult): void {
    this.#quietUntilMs = this.#clock.now() + this.#profile.resultGapMs;
    if (job !== undefined) {
      this.#parser.end();
      this.#settleRunning(job.complete(result));
      return;
    }
    if (this.#probe !== undefined) {
      this.#probeFinal();
      return;
    }
    // The answer of the command that was given up, if one was: nothing is owed any more.
    if (this.#outOfStep?.job !== undefined && !this.#outOfStep.junkSent && this.#outOfStep.rounds === 0)
      this.#regainStep();
  }

  #connected(job: CommandJob | undefined, text: string): void {
    const late = job === undefined ? this.#outOfStep?.job : undefined;
    const made = job?.call !== undefined ? job : late?.call !== undefined ? late : undefined;
    if (made === undefined) {
      this.#urcs.next({ text: text === '' ? 'CONNECT' : `CONNECT ${text}` });
      return;
    }
    this.#parser.end();
    const { bytes, lineFeedPending } = this.#parser.takeRest();
    const hangUp = made.call?.hangUp ?? (/^ATD/i.test(made.line) ? 'ATH' : false);
    const call = new AtDataCall({
      line: this.#port,
      clock: this.#clock,
      profile: this.#profile,
      name: `${this.#port.name} ${made.shown}`,
      connectText: text,
      carrierWasOff: !this.#carrierBefore,
      lineFeedPending,
      isUrc: (line) => this.#urcTable.match(line) !== undefined,
      backlogLimitBytes: made.call?.backlogLimitBytes,
      onEnd: (aftermath) => {
        this.#callEnded(aftermath);
      },
      hangUp:
        hangUp === false
          ? undefined
          : async () => {
              await this.#submit(hangUp, { urgent: true }, undefined).catch(() => undefined);
            },
    });
    this.#call = call;
    this.#outOfStep = undefined;
    this.#stopProbe();
    this.#mode.next('data');
    this.#emit({ type: 'dataCallStarted', command: made.shown, connectText: text });
    for (const waiting of [...this.#urgent.splice(0), ...this.#queue.splice(0)]) {
      waiting.reject(inDataModeError(waiting.shown));
    }
    if (job === made) {
      this.#running = undefined;
      job.connected(call);
    } else {
      void call.close();
    }
    call.receive(bytes);
  }

  #callEnded({ end, rest, junkSent, perhapsOnline }: CallAftermath): void {
    this.#call = undefined;
    this.#emit({ type: 'dataCallEnded', ...end });
    if (end.reason === 'lineLost' || this.#subscription === undefined) return;
    this.#quietUntilMs = this.#clock.now() + this.#profile.resultGapMs;
    if (junkSent || perhapsOnline) this.#loseStep({ job: undefined, junkSent, perhapsOnline, rounds: 0 }, 'dataCall');
    this.#mode.next('command');
    this.#parser.push(rest);
    this.#readResponses();
    this.#startNext();
  }

  #sendProbe(index: number): void {
    const probe = this.#profile.probes[index];
    const outOfStep = this.#outOfStep!;
    if (probe === undefined) {
      const silent = this.#probe?.finalSeen !== true;
      this.#stopProbe();
      if (silent) this.#unreachable(outOfStep);
      else this.#regainStep();
      return;
    }
    this.#parser.begin({ line: probe.line, ownPrefixes: [], goesOnline: false });
    const timer = this.#clock.after(this.#profile.probeMs, () => {
      this.#probeTimedOut();
    });
    this.#probe = { index, answerSeen: false, finalSeen: this.#probe?.finalSeen ?? false, timer };
    const bytes = this.#terminated(probe.line);
    this.#sendQuietly(outOfStep.junkSent && index === 0 ? Uint8Array.of(...this.#lineEnd, ...bytes) : bytes);
  }

  #probeLine(text: string): void {
    const probe = this.#probe;
    if (probe === undefined) return;
    if (text === this.#profile.probes[probe.index]?.answer) this.#probe = { ...probe, answerSeen: true };
  }

  #probeFinal(): void {
    const probe = this.#probe!;
    // Later rounds use the same probes, so that an answer may be that of an earlier round: only quiet tells.
    if (probe.answerSeen && this.#outOfStep?.rounds === 0) {
      this.#stopProbe();
      this.#regainStep();
    } else this.#probe = { ...probe, finalSeen: true };
  }

  #probeTimedOut(): void {
    const probe = this.#probe!;
    if (probe.answerSeen && probe.finalSeen) {
      this.#stopProbe();
      this.#regainStep();
    } else this.#sendProbe(probe.index + 1);
  }

  #stopProbe(): void {
    if (this.#probe === undefined) return;
    this.#probe.timer();
    this.#probe = undefined;
    this.#parser.end();
  }

  #regainStep(): void {
    this.#outOfStep = undefined;
    this.#emit({ type: 'inStep' });
    this.#startNext();
  }

  /** No probe was answered at all: the command whose turn it was is told so, the next one tries again. */
  #unreachable(outOfStep: OutOfStep): void {
    this.#outOfStep = { ...outOfStep, rounds: outOfStep.rounds + 1 };
    const job = this.#urgent.shift() ?? this.#queue.shift();
    job?.reject(
      new CellmuxError('ERR_AT_TIMEOUT', `${job.shown} was not sent: the module has stopped answering`, {
        context: { command: job.shown, sent: false },
        hint: 'Check the line, its speed and that the module is on.',
      }),
    );
    this.#startNext();
  }

  #lineLost(error: unknown): void {
    this.#call?.lineEnded(error);
    this.#finish((job) => lineLostError(job.shown, error));
  }

  #finish(reasonFor: (job: CommandJob) => unknown): void {
    if (this.#mode.value === 'closed') return;
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
    this.#gapTimer?.();
    this.#stopProbe();
    this.#mode.next('closed');
    const jobs = [this.#running, ...this.#urgent.splice(0), ...this.#queue.splice(0)];
    this.#running = undefined;
    for (const job of jobs) job?.reject(reasonFor(job));
    this.#mode.complete();
    this.#urcs.complete();
    this.#events.complete();
  }

  #emit(event: AtEvent): void {
    this.#events.next(event);
    if (this.#channel.hasSubscribers) this.#channel.publish(event);
  }
}

function inDataModeError(shown: string): CellmuxError {
  return new CellmuxError('ERR_AT_IN_DATA_MODE', `${shown}: the port is in data mode`, {
    context: { command: shown },
    hint: 'Escape from the call or close it first, or use another port.',
  });
}
