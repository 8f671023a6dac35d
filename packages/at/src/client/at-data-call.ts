import {
  CellmuxError,
  portClosedError,
  ReceiveStream,
  type AbortOptions,
  type Cancel,
  type Circuits,
  type Clock,
  type Port,
  type PortRole,
} from '@cellmux/port';
import { BehaviorSubject, type Observable, type Subscription } from 'rxjs';
import { DataEndScanner } from '../core/data-end-scanner.ts';
import { latin1Octets } from '../core/latin1.ts';
import type { AtProfile } from './at-profile.ts';
import type { DataCall, DataCallEnd, EscapeOptions } from './data-call.ts';

const ESCAPE_SEQUENCE = latin1Octets('+++');
const NOTHING = new Uint8Array(0);
/** What the module is given for its answer, beyond the guard time. */
const ESCAPE_ANSWER_MS = 2000;
const ESCAPE_ATTEMPTS = 2;

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
  /** Hangs up in command mode, behind an escape that {@link close} made. */
  readonly hangUp: (() => Promise<void>) | undefined;
}

interface EscapeWait {
  readonly by: '+++' | 'dtr';
  /** When the answer can be there at the earliest. */
  readonly notBeforeMs: number;
  readonly answered: () => void;
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
  readonly #scanner: DataEndScanner;
  readonly #stream: ReceiveStream;
  readonly #circuits: BehaviorSubject<Circuits>;
  readonly #circuitWatch: Subscription;
  readonly #sendAbort = new AbortController();
  readonly #inFlight = new Set<Promise<void>>();
  #settleEnded: (end: DataCallEnd) => void = () => undefined;
  #lineFeedPending: boolean;
  #carrierSeen = false;
  #carrierLost = false;
  #decision: Cancel | undefined;
  #lastSentMs = -Infinity;
  #pausedByUser = false;
  #pausedByBacklog = false;
  #end: DataCallEnd | undefined;
  #escaping: Promise<string> | undefined;
  #waiting: EscapeWait | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: AtDataCallOptions) {
    this.#options = options;
    this.#line = options.line;
    this.#clock = options.clock;
    this.name = options.name;
    this.role = options.line.role;
    this.connectText = options.connectText;
    this.#lineFeedPending = options.lineFeedPending;
    this.#guardMs = Math.ceil(options.profile.s12 * 20 * options.profile.guardFactor);
    this.#scanner = new DataEndScanner({ s3: options.profile.s3, s4: options.profile.s4, isUrc: options.isUrc });
    this.#stream = new ReceiveStream({
      name: options.name,
      backlogLimitBytes: options.backlogLimitBytes,
      onBackpressure: (wanted) => {
        this.#pausedByBacklog = wanted;
        this.#applyPause();
      },
    });
    this.received$ = this.#stream.bytes$;
    this.#circuits = new BehaviorSubject(options.line.circuits);
    this.circuits$ = this.#circuits.asObservable();
    this.ended = new Promise((resolve) => (this.#settleEnded = resolve));
    this.#circuitWatch = options.line.circuits$.subscribe({
      next: (circuits) => {
        this.#onCircuits(circuits);
      },
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
    if (bytes.length === 0) return;
    this.#emit(this.#scanner.push(bytes));
    this.#decideLater();
  }

  /** The line below has gone. */
  lineEnded(error: unknown): void {
    if (this.#end !== undefined) return;
    this.#emit(this.#scanner.release());
    if (error !== undefined) this.#stream.fail(error);
    this.#finish({ reason: 'lineLost', text: '' }, NOTHING);
  }

  send(bytes: Uint8Array, { signal }: AbortOptions = {}): Promise<void> {
    if (this.isClosed || this.#escaping !== undefined) {
      return Promise.reject(portClosedError(this.name, bytes.length));
    }
    const sent = this.#send(bytes, signal);
    this.#inFlight.add(sent);
    const settled = (): void => {
      this.#inFlight.delete(sent);
      this.#lastSentMs = this.#clock.now();
    };
    sent.then(settled, settled);
    return sent;
  }

  async #send(bytes: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    const ended = this.#sendAbort.signal;
    try {
      await this.#line.send(bytes, { signal: signal === undefined ? ended : AbortSignal.any([signal, ended]) });
    } catch (error) {
      // What is still waiting when data mode ends must not reach a module that takes commands.
      if (ended.aborted && error === ended.reason) throw portClosedError(this.name, bytes.length);
      throw error;
    }
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
    if (this.#end !== undefined) {
      return this.#end.reason === 'lineLost'
        ? Promise.reject(portClosedError(this.name, 0))
        : Promise.resolve(this.#end.text);
    }
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    this.#escaping ??= this.#escape(by, signal).finally(() => {
      this.#escaping = undefined;
      this.#applyPause();
    });
    return this.#escaping;
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeInOrder();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #closeInOrder(): Promise<void> {
    if (this.#end !== undefined) return;
    try {
      await this.escape();
    } catch {
      // The module did not answer: the next command finds out where it is.
      this.#finish({ reason: 'closed', text: '' }, this.#scanner.release(), { perhapsOnline: true });
      return;
    }
    const { reason } = await this.ended;
    if (reason === 'escaped' || reason === 'dtr') await this.#options.hangUp?.();
  }

  async #escape(by: '+++' | 'dtr', signal: AbortSignal | undefined): Promise<string> {
    await Promise.allSettled([...this.#inFlight]);
    this.#line.resume();
    for (let attempt = 1; this.#end === undefined; attempt++) {
      if (by === '+++') await this.#quiet(signal);
      if (this.#end !== undefined) break;
      await this.#attempt(by);
      if (this.#end !== undefined || attempt < ESCAPE_ATTEMPTS) continue;
      throw new CellmuxError('ERR_AT_ESCAPE_FAILED', `${this.name}: the module did not leave data mode`, {
        context: { by, attempts: attempt, guardMs: this.#guardMs },
        hint: 'Check S12 and S2 of the module, &D for an escape by DTR, and that nothing else writes to the line.',
      });
    }
    if (this.#end.reason === 'lineLost') throw portClosedError(this.name, 0);
    return this.#end.text;
  }

  /** Waits until nothing has been sent for the guard time, and what is held back has been decided upon. */
  async #quiet(signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      const restMs = this.#lastSentMs + this.#guardMs - this.#clock.now();
      if (this.#end !== undefined || (restMs <= 0 && !this.#scanner.holdsResult)) return;
      await this.#wait(Math.max(restMs, 1), signal);
    }
  }

  /** Asks once to leave data mode and waits for the answer, or for the time given to it. */
  async #attempt(by: '+++' | 'dtr'): Promise<void> {
    this.#scanner.watch(['OK', 'NO CARRIER'], by === '+++' ? ESCAPE_SEQUENCE : NOTHING);
    const guardMs = by === '+++' ? this.#options.profile.s12 * 20 : 0;
    const answered = new Promise<void>((resolve) => {
      this.#waiting = { by, notBeforeMs: this.#clock.now() + guardMs, answered: resolve };
    });
    const timeout = new AbortController();
    try {
      if (by === '+++') await this.#line.send(ESCAPE_SEQUENCE);
      else await this.#line.setCircuits({ dtr: false });
      this.#lastSentMs = this.#clock.now();
      await Promise.race([
        answered,
        this.#wait(guardMs + ESCAPE_ANSWER_MS + this.#options.profile.dataEndQuietMs, timeout.signal),
      ]);
    } catch {
      // The line has failed: its end is on the way.
    } finally {
      timeout.abort();
      this.#waiting = undefined;
      if (by === 'dtr' && !this.#line.isClosed) await this.#line.setCircuits({ dtr: true }).catch(() => undefined);
      if (this.#end === undefined) this.#scanner.watch(['NO CARRIER']);
    }
  }

  /** Resolves after a time or when data mode ends; rejects when the signal aborts. */
  #wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason);
        return;
      }
      const done = (): void => {
        cancel();
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      const onAbort = (): void => {
        cancel();
        reject(signal?.reason);
      };
      const cancel = this.#clock.after(ms, done);
      signal?.addEventListener('abort', onAbort, { once: true });
      void this.ended.then(done);
    });
  }

  #onCircuits(circuits: Circuits): void {
    this.#circuits.next(circuits);
    if (circuits.dcd) {
      if (this.#options.carrierWasOff) this.#carrierSeen = true;
      this.#carrierLost = false;
    } else if (this.#carrierSeen) {
      this.#carrierLost = true;
    }
    this.#decideLater();
  }

  /** Says what becomes of the octets held back, now or when enough time has passed. */
  #decideLater(): void {
    this.#decision?.();
    this.#decision = undefined;
    if (this.#end !== undefined) return;
    const { dataEndHoldMs, dataEndQuietMs } = this.#options.profile;
    const { state } = this.#scanner;
    if (this.#carrierLost) {
      if (state === 'whole') this.#endHeld();
      else this.#decision = this.#clock.after(dataEndQuietMs, () => this.#endWithoutText());
      return;
    }
    if (state === 'nothing') return;
    if (!this.#scanner.holdsResult) {
      this.#decision = this.#clock.after(dataEndHoldMs, () => this.#releaseHeld());
      return;
    }
    const earliestMs = Math.max(this.#clock.now(), this.#waiting?.notBeforeMs ?? -Infinity) + dataEndQuietMs;
    this.#decision = this.#clock.after(earliestMs - this.#clock.now(), () => {
      // With DCD on, the carrier is there, whatever the data looks like; an escape may leave DCD on (&C0).
      const isEnd = this.#scanner.state === 'whole' && (!this.#carrierSeen || this.#waiting !== undefined);
      if (isEnd) this.#endHeld();
      else this.#releaseHeld();
    });
  }

  #releaseHeld(): void {
    this.#decision = undefined;
    this.#emit(this.#scanner.release());
  }

  #endHeld(): void {
    const found = this.#scanner.end();
    if (found === undefined) return;
    const waiting = this.#waiting;
    const text = found.text;
    const reason = text !== 'OK' ? 'noCarrier' : waiting?.by === 'dtr' ? 'dtr' : 'escaped';
    // NO CARRIER before the module can have seen the whole escape: the sequence went to its command line.
    const raced = waiting?.by === '+++' && text !== 'OK' && this.#clock.now() < waiting.notBeforeMs;
    this.#finish({ reason, text }, found.rest, { junkSent: raced });
  }

  #endWithoutText(): void {
    this.#emit(this.#scanner.release());
    this.#finish({ reason: this.#waiting?.by === 'dtr' ? 'dtr' : 'noCarrier', text: '' }, NOTHING);
  }

  #finish(
    end: DataCallEnd,
    rest: Uint8Array,
    { junkSent = false, perhapsOnline = false }: { junkSent?: boolean; perhapsOnline?: boolean } = {},
  ): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#decision?.();
    this.#circuitWatch.unsubscribe();
    const interrupted = this.#inFlight.size > 0;
    this.#sendAbort.abort(new Error('data mode has ended'));
    if (end.reason !== 'lineLost') this.#line.resume();
    this.#options.onEnd({ end, rest, junkSent: junkSent || interrupted, perhapsOnline });
    this.#stream.complete();
    this.#circuits.complete();
    this.#waiting?.answered();
    this.#settleEnded(end);
  }

  #emit(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#stream.push(bytes);
  }

  #applyPause(): void {
    if (this.#end !== undefined) return;
    // While an escape is under way its answer has to come through.
    if ((this.#pausedByUser || this.#pausedByBacklog) && this.#escaping === undefined) this.#line.pause();
    else this.#line.resume();
  }
}
