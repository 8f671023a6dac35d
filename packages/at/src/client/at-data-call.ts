import {
  CellmuxError,
  portClosedError,
  ReceiveStream,
  type AbortOptions,
  type Circuits,
  type Clock,
  type Port,
  type PortRole,
} from '@cellmux/port';
import { BehaviorSubject, type Observable, type Subscription } from 'rxjs';
import { latin1Octets } from '../core/latin1.ts';
import type { AtProfile } from './at-profile.ts';
import { CallEndWatch, type ExpectedEscape, type FoundEnd } from './call-end-watch.ts';
import { CallSender } from './call-sender.ts';
import type { DataCall, DataCallEnd, EscapeOptions } from './data-call.ts';
import { aborted, delay } from './delay.ts';

const ESCAPE_SEQUENCE = latin1Octets('+++');
const NOTHING = new Uint8Array(0);
/** What the module is given for its answer to an escape, beyond the guard time. */
const ESCAPE_ANSWER_MS = 2000;
const ESCAPE_ATTEMPTS = 2;
/** How long what the layer below has taken may be under way: within this time before the end it went to command mode. */
const UNDER_WAY_MS = 2000;

/** How the client is told that data mode is over. */
export interface CallAftermath {
  readonly end: DataCallEnd;
  /** Octets behind the result line, for the command parser. */
  readonly rest: Uint8Array;
  /** Octets meant for data mode may lie in the module's command line buffer. */
  readonly junkSent: boolean;
  /** The module may still be in data mode. */
  readonly perhapsOnline: boolean;
}

/** What {@link AtDataCall} is made of. */
export interface AtDataCallOptions {
  readonly line: Port;
  readonly clock: Clock;
  readonly profile: AtProfile;
  readonly name: string;
  readonly connectText: string;
  /** DCD was off before the call, so that it follows the carrier if it is on now or comes on. */
  readonly carrierWasOff: boolean;
  /** The S4 of the CONNECT line has not arrived yet. */
  readonly lineFeedPending: boolean;
  readonly isUrc: (line: string) => boolean;
  readonly backlogLimitBytes: number | undefined;
  readonly onEnd: (aftermath: CallAftermath) => void;
  /** Hangs up in command mode, behind an escape that {@link AtDataCall.close} made. */
  readonly hangUp: ((options: AbortOptions) => Promise<void>) | undefined;
}

/** An escape under way, and how many wait for it. */
interface EscapeRun {
  readonly answer: Promise<string>;
  /** Calls it off, as long as the module has not been asked. */
  readonly cancel: AbortController;
  waiting: number;
}

/** The client's side of data mode on a line. */
export class AtDataCall implements DataCall {
  readonly name: string;
  readonly role: PortRole;
  readonly connectText: string;
  readonly received$: Observable<Uint8Array>;
  readonly circuits$: Observable<Circuits>;
  readonly ended: Promise<DataCallEnd>;
  readonly #options: AtDataCallOptions;
  readonly #line: Port;
  readonly #clock: Clock;
  readonly #guardMs: number;
  readonly #watch: CallEndWatch;
  readonly #sender: CallSender;
  readonly #stream: ReceiveStream;
  readonly #circuits: BehaviorSubject<Circuits>;
  readonly #circuitWatch: Subscription;
  /** Aborts when data mode ends. */
  readonly #over = new AbortController();
  #settleEnded: (end: DataCallEnd) => void = () => undefined;
  #lineFeedPending: boolean;
  #pausedByUser = false;
  #pausedByBacklog = false;
  #end: DataCallEnd | undefined;
  #escape: EscapeRun | undefined;
  #expected: ExpectedEscape | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: AtDataCallOptions) {
    const { line, clock, profile, name } = options;
    this.#options = options;
    this.#line = line;
    this.#clock = clock;
    this.name = name;
    this.role = line.role;
    this.connectText = options.connectText;
    this.#lineFeedPending = options.lineFeedPending;
    this.#guardMs = Math.ceil(profile.s12 * 20 * profile.guardFactor);
    this.#watch = new CallEndWatch({
      clock,
      profile,
      isUrc: options.isUrc,
      carrierWasOff: options.carrierWasOff,
      onData: (bytes) => {
        this.#stream.push(bytes);
      },
      onEnd: (found) => {
        this.#endedBy(found);
      },
    });
    this.#sender = new CallSender(name, line, clock, this.#guardMs, this.#over.signal);
    this.#stream = new ReceiveStream({
      name,
      backlogLimitBytes: options.backlogLimitBytes,
      onBackpressure: (wanted) => {
        this.#pausedByBacklog = wanted;
        this.#applyPause();
      },
    });
    this.received$ = this.#stream.bytes$;
    this.#circuits = new BehaviorSubject(line.circuits);
    this.circuits$ = this.#circuits.asObservable();
    this.ended = new Promise((resolve) => (this.#settleEnded = resolve));
    this.#circuitWatch = line.circuits$.subscribe({
      next: (circuits) => {
        this.#circuits.next(circuits);
        this.#watch.carrier(circuits.dcd);
        this.#sender.hold(this.#watch.isCarrierOff);
      },
      // A line that fails ends the call through its received$.
      error: () => undefined,
    });
  }

  get circuits(): Circuits {
    return this.#circuits.value;
  }

  get isClosed(): boolean {
    return this.#end !== undefined || this.#closing !== undefined;
  }

  /** Bytes from the line, while data mode is on. */
  receive(chunk: Uint8Array): void {
    let bytes = chunk;
    if (this.#lineFeedPending && bytes.length > 0) {
      this.#lineFeedPending = false;
      if (bytes[0] === this.#options.profile.s4) bytes = bytes.subarray(1);
    }
    if (bytes.length > 0) this.#watch.receive(bytes);
  }

  /** The line below has gone, with an error or in order. */
  lineEnded(error: unknown): void {
    if (this.#end !== undefined) return;
    const held = this.#watch.stop();
    if (held.length > 0) this.#stream.push(held);
    if (error !== undefined) this.#stream.fail(error);
    this.#finish({ reason: 'lineLost', text: '' }, NOTHING);
  }

  send(bytes: Uint8Array, options: AbortOptions = {}): Promise<void> {
    if (this.isClosed || this.#escape !== undefined) return Promise.reject(portClosedError(this.name, bytes.length));
    if (options.signal?.aborted === true) return Promise.reject(options.signal.reason);
    return this.#sender.send(bytes, options);
  }

  pause(): void {
    this.#pausedByUser = true;
    this.#applyPause();
  }

  resume(): void {
    this.#pausedByUser = false;
    this.#applyPause();
  }

  setCircuits(change: Partial<Circuits>): Promise<void> {
    if (this.isClosed) return Promise.reject(portClosedError(this.name, 0));
    return this.#line.setCircuits(change);
  }

  escape({ signal, by = this.#options.profile.escape }: EscapeOptions = {}): Promise<string> {
    if (this.#end !== undefined) return this.#answerOf(this.#end);
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    const run = this.#escape ?? this.#startEscape(by);
    run.waiting++;
    if (signal === undefined) return run.answer;
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        run.waiting--;
        if (run.waiting === 0) run.cancel.abort(signal.reason);
        reject(signal.reason);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      run.answer.then(resolve, reject).finally(() => {
        signal.removeEventListener('abort', onAbort);
      });
    });
  }

  close({ signal }: AbortOptions = {}): Promise<void> {
    this.#closing ??= this.#closeInOrder(signal);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #closeInOrder(signal: AbortSignal | undefined): Promise<void> {
    if (this.#end !== undefined) return;
    try {
      await this.escape({ signal });
    } catch {
      // The module did not answer, or nobody wants to wait for it: the next command finds out where it is.
      this.#finish({ reason: 'closed', text: '' }, this.#watch.stop(), { perhapsOnline: true });
      return;
    }
    const { reason } = await this.ended;
    if (reason === 'escaped' || reason === 'dtr') await this.#options.hangUp?.({ signal });
  }

  #startEscape(by: '+++' | 'dtr'): EscapeRun {
    const cancel = new AbortController();
    const answer = this.#runEscape(by, cancel.signal).finally(() => {
      this.#escape = undefined;
      this.#applyPause();
    });
    // Its callers may all have been let go.
    answer.catch(() => undefined);
    this.#escape = { answer, cancel, waiting: 0 };
    this.#applyPause();
    return this.#escape;
  }

  async #runEscape(by: '+++' | 'dtr', cancelled: AbortSignal): Promise<string> {
    await Promise.race([this.#sender.idle(), aborted(cancelled)]);
    for (let attempt = 1; this.#end === undefined; attempt++) {
      if (attempt > ESCAPE_ATTEMPTS) {
        throw new CellmuxError('ERR_AT_ESCAPE_FAILED', `${this.name}: the module did not leave data mode`, {
          context: { by, attempts: ESCAPE_ATTEMPTS, guardMs: this.#guardMs },
          hint: 'Check S12 and S2 of the module, &D for an escape by DTR, and that nothing else writes to the line.',
        });
      }
      if (by === '+++') await this.#quiet(cancelled);
      if (cancelled.aborted) throw cancelled.reason;
      if (this.#end === undefined) await this.#attempt(by);
    }
    return this.#answerOf(this.#end);
  }

  #answerOf(end: DataCallEnd): Promise<string> {
    if (end.reason === 'lineLost') return Promise.reject(portClosedError(this.name, 0));
    return Promise.resolve(end.text === '' ? 'NO CARRIER' : end.text);
  }

  /** Waits until nothing has been sent for the guard time, and what is held back has been decided upon. */
  async #quiet(cancelled: AbortSignal): Promise<void> {
    for (;;) {
      const restMs = this.#sender.lastSentMs + this.#guardMs - this.#clock.now();
      if (this.#over.signal.aborted || cancelled.aborted || (restMs <= 0 && !this.#watch.isUndecided)) return;
      await delay(this.#clock, Math.max(restMs, 1), cancelled, this.#over.signal);
    }
  }

  /** Asks once to leave data mode and waits for the answer, or for the time given to it. */
  async #attempt(by: '+++' | 'dtr'): Promise<void> {
    const guardMs = by === '+++' ? this.#options.profile.s12 * 20 : 0;
    const limitMs = guardMs + ESCAPE_ANSWER_MS + this.#options.profile.dataEndQuietMs;
    this.#expect({ by, notBeforeMs: this.#clock.now() + guardMs });
    // The time runs from here: a line that takes nothing does not keep an escape waiting for ever.
    const waited = delay(this.#clock, limitMs, this.#over.signal);
    const asked =
      by === '+++'
        ? this.#line.send(ESCAPE_SEQUENCE, { signal: this.#over.signal })
        : this.#line.setCircuits({ dtr: false });
    asked.then(
      () => {
        if (this.#expected !== undefined) this.#expect({ by, notBeforeMs: this.#clock.now() + guardMs });
      },
      // The line has failed: its end is on the way.
      () => undefined,
    );
    await waited;
    if (by === 'dtr' && !this.#line.isClosed) await this.#line.setCircuits({ dtr: true }).catch(() => undefined);
    this.#expect(undefined);
  }

  #expect(escape: ExpectedEscape | undefined): void {
    this.#expected = escape;
    if (this.#end === undefined) this.#watch.expect(escape, escape?.by === '+++' ? ESCAPE_SEQUENCE : NOTHING);
  }

  #endedBy({ text, rest, arrivedMs }: FoundEnd): void {
    const expected = this.#expected;
    const obeyed = text === 'OK' || (text === '' && expected?.by === 'dtr');
    const reason = !obeyed || expected === undefined ? 'noCarrier' : expected.by === 'dtr' ? 'dtr' : 'escaped';
    // NO CARRIER before the module can have seen the whole escape: the sequence went to its command line.
    const raced = expected?.by === '+++' && arrivedMs < expected.notBeforeMs;
    const underWay = this.#sender.isBusy || arrivedMs - this.#sender.lastSentMs < UNDER_WAY_MS;
    this.#finish({ reason, text }, rest, { junkSent: !obeyed && (raced || underWay) });
  }

  #finish(
    end: DataCallEnd,
    rest: Uint8Array,
    { junkSent = false, perhapsOnline = false }: { junkSent?: boolean; perhapsOnline?: boolean } = {},
  ): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#watch.stop();
    this.#circuitWatch.unsubscribe();
    this.#over.abort(new Error('data mode has ended'));
    if (end.reason !== 'lineLost') this.#line.resume();
    // Command mode first: whoever waits for the end may send a command at once.
    this.#options.onEnd({ end, rest, junkSent, perhapsOnline });
    this.#stream.complete();
    this.#circuits.complete();
    this.#settleEnded(end);
  }

  #applyPause(): void {
    if (this.#end !== undefined) return;
    // While an escape is under way its answer has to come through.
    if ((this.#pausedByUser || this.#pausedByBacklog) && this.#escape === undefined) this.#line.pause();
    else this.#line.resume();
  }
}
