import { CellmuxError, checkInteger, systemClock, type AbortOptions, type Cancel, type Clock } from '@cellmux/port';
import { BehaviorSubject, Subject, type Observable } from 'rxjs';
import type { PppCall } from './ppp-call.ts';
import type { PppEnd } from './ppp-end.ts';
import type { PppNetwork } from './ppp-network.ts';

/** Options of {@link StandingPppCall}. */
export interface StandingPppCallOptions {
  /** The first pause in ms, 100 to 3600000; default 2000. Each failure doubles it. */
  readonly firstPauseMs?: number;
  /** The longest pause in ms, 100 to 86400000; default 300000. */
  readonly longestPauseMs?: number;
  /** Attempts in a row that may fail before it is given up, 1 to 1000000; default: no end. */
  readonly attempts?: number;
  /** A call that lasted this long in ms makes the pauses short again, 0 to 86400000; default 60000. */
  readonly stableMs?: number;
  /** Whether to dial again after this error or end; default: where it may help without anybody changing anything. */
  readonly isWorthRetrying?: (reason: unknown) => boolean;
  readonly clock?: Clock;
  /** Numbers from 0 to 1 that spread the pauses of many gateways; default `Math.random`. */
  readonly random?: () => number;
}

/** What happens to a standing call. */
export type StandingPppEvent =
  | { readonly type: 'dialling'; readonly attempt: number }
  | { readonly type: 'up'; readonly network: PppNetwork }
  | { readonly type: 'down'; readonly end: PppEnd; readonly retryInMs: number | undefined }
  | { readonly type: 'failed'; readonly error: unknown; readonly retryInMs: number | undefined };

/** Codes of errors that come back however often it is dialled. */
const HOPELESS: ReadonlySet<string> = new Set(['ERR_OPTION_RANGE', 'ERR_PPP_NO_CONTEXT']);

/** An end says it itself, an error of a link in its context; any other error is worth another attempt unless hopeless. */
function mayHelp(reason: unknown): boolean {
  const { code, isWorthRetrying, context } = (reason ?? {}) as {
    code?: unknown;
    isWorthRetrying?: unknown;
    context?: { isWorthRetrying?: unknown };
  };
  const verdict = isWorthRetrying ?? context?.isWorthRetrying;
  if (typeof verdict === 'boolean') return verdict;
  return typeof code !== 'string' || !HOPELESS.has(code);
}

/**
 * A call that is dialled again whenever it ends by surprise, with pauses that double from failure to failure, each
 * spread at random between its half and its whole. Ends when it is closed, or when dialling again cannot help.
 *
 * @example
 * const standing = new StandingPppCall(({ signal }) => dialPpp(client, { user, password, signal }));
 * standing.call$.subscribe((call) => { … });
 */
export class StandingPppCall implements AsyncDisposable {
  /** The call that is up, undefined while there is none, and each change; completes at the end. */
  readonly call$: Observable<PppCall | undefined>;
  /** Packets received by whichever call is up; completes at the end. */
  readonly packets$: Observable<Uint8Array>;
  readonly events$: Observable<StandingPppEvent>;
  /** Settles at the end, with what made it give up, undefined when it was closed. Never rejects. */
  readonly ended: Promise<unknown>;
  readonly #dial: (options: { readonly signal: AbortSignal }) => Promise<PppCall>;
  readonly #options: StandingPppCallOptions;
  readonly #clock: Clock;
  readonly #calls = new BehaviorSubject<PppCall | undefined>(undefined);
  readonly #packets = new Subject<Uint8Array>();
  readonly #events = new Subject<StandingPppEvent>();
  readonly #stop = new AbortController();
  readonly #firstPauseMs: number;
  readonly #longestPauseMs: number;
  readonly #attempts: number;
  readonly #stableMs: number;

  /**
   * Begins to dial at once.
   *
   * @throws CellmuxError `ERR_OPTION_RANGE`.
   */
  constructor(
    dial: (options: { readonly signal: AbortSignal }) => Promise<PppCall>,
    options: StandingPppCallOptions = {},
  ) {
    this.#dial = dial;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#firstPauseMs = checkInteger('firstPauseMs', options.firstPauseMs ?? 2000, 100, 3_600_000);
    this.#longestPauseMs = checkInteger('longestPauseMs', options.longestPauseMs ?? 300_000, 100, 86_400_000);
    this.#attempts =
      options.attempts === undefined ? Infinity : checkInteger('attempts', options.attempts, 1, 1_000_000);
    this.#stableMs = checkInteger('stableMs', options.stableMs ?? 60_000, 0, 86_400_000);
    this.call$ = this.#calls.asObservable();
    this.packets$ = this.#packets.asObservable();
    this.events$ = this.#events.asObservable();
    // A turn later, so that whoever made it hears the first event.
    this.ended = Promise.resolve().then(() => this.#run());
  }

  /** The call that is up. */
  get call(): PppCall | undefined {
    return this.#calls.value;
  }

  /** Sends a packet through the call that is up; rejects with `ERR_PPP_NOT_UP` where there is none. */
  send(packet: Uint8Array): Promise<void> {
    if (this.call !== undefined) return this.call.send(packet);
    return Promise.reject(new CellmuxError('ERR_PPP_NOT_UP', 'no call is up at the moment'));
  }

  /** Ends the call that is up in order, and dials no more. Idempotent. */
  async close(options: AbortOptions = {}): Promise<void> {
    this.#stop.abort();
    await this.call?.close(options);
    await this.ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(): Promise<unknown> {
    const { signal } = this.#stop;
    let failures = 0;
    let reason: unknown;
    while (!signal.aborted) {
      this.#events.next({ type: 'dialling', attempt: failures + 1 });
      let event: { type: 'failed'; error: unknown } | { type: 'down'; end: PppEnd };
      try {
        const call = await this.#dial({ signal });
        const startMs = this.#clock.now();
        const end = await this.#carry(call);
        if (this.#clock.now() - startMs >= this.#stableMs) failures = 0;
        event = { type: 'down', end };
        reason = end;
      } catch (error) {
        if (signal.aborted) break;
        event = { type: 'failed', error };
        reason = error;
      }
      failures++;
      const goesOn = !signal.aborted && failures < this.#attempts && (this.#options.isWorthRetrying ?? mayHelp)(reason);
      const retryInMs = goesOn ? this.#pauseMs(failures) : undefined;
      this.#events.next({ ...event, retryInMs });
      if (retryInMs === undefined) break;
      await this.#wait(retryInMs);
    }
    this.#calls.complete();
    this.#packets.complete();
    this.#events.complete();
    return signal.aborted ? undefined : reason;
  }

  /** Passes packets on for as long as the call lasts. */
  async #carry(call: PppCall): Promise<PppEnd> {
    const subscription = call.packets$.subscribe((packet) => {
      this.#packets.next(packet);
    });
    this.#calls.next(call);
    this.#events.next({ type: 'up', network: call.network });
    // Closed while it was being dialled.
    if (this.#stop.signal.aborted) void call.close();
    const end = await call.link.ended;
    this.#calls.next(undefined);
    await call.ended;
    subscription.unsubscribe();
    return end;
  }

  #pauseMs(failures: number): number {
    const { random = Math.random } = this.#options;
    const whole = Math.min(this.#longestPauseMs, this.#firstPauseMs * 2 ** Math.min(failures - 1, 30));
    return Math.round(whole / 2 + (random() * whole) / 2);
  }

  async #wait(ms: number): Promise<void> {
    const { signal } = this.#stop;
    let cancel: Cancel = () => undefined;
    let stop = (): void => undefined;
    await new Promise<void>((resolve) => {
      stop = resolve;
      cancel = this.#clock.after(ms, resolve);
      signal.addEventListener('abort', stop, { once: true });
    });
    cancel();
    signal.removeEventListener('abort', stop);
  }
}
