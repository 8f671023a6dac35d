import {
  checkInteger,
  concatBytes,
  diagnosticsChannel,
  prepend,
  type AbortOptions,
  type CellmuxError,
  type Cancel,
  type Port,
  type PortRole,
} from '@cellmux/port';
import { BehaviorSubject, distinctUntilChanged, Subject, type Observable, type Subscription } from 'rxjs';
import { busyError, linkLostError, noAnswerError, notSupportedError, openError, stateError } from './cmux-errors.ts';
import { countersOf, type CmuxCounters } from './cmux-counters.ts';
import type { CmuxEnd, CmuxEndReason, CmuxEvent } from './cmux-event.ts';
import type { OpenOutcome } from './core/dlc.ts';
import { dlcStatusesOf, type DlcStatus } from './dlc-status.ts';
import { encodeBasicFrame } from './core/frame-encoder.ts';
import { Link } from './core/link.ts';
import type { LinkState } from './core/link-context.ts';
import type { LinkEnd, LinkEvent } from './core/link-event.ts';
import type { LinkOptions } from './core/link-options.ts';
import { CONTROL_N1, DLCI_MAX, LENGTH_MAX } from './core/limits.ts';
import { LineBudget } from './core/line-budget.ts';
import type { MessageType } from './core/control-message.ts';
import { encodeLineStatus, type LineStatus } from './core/line-status.ts';
import {
  decodeRemotePort,
  DEFAULT_PORT_SETTINGS,
  encodeRemotePort,
  PORT_MASK,
  type PortSettings,
  type RemotePort,
} from './core/remote-port.ts';
import { decodeServices, encodeServices, type Services } from './core/service-negotiation.ts';
import { checkDlcOptions, type DlcOptions } from './dlc-options.ts';
import { DlcPort, type DlcPortLink } from './dlc-port.ts';
import { KeptSubject } from './kept-subject.ts';
import { checkPortSettings } from './check-port-settings.ts';
import { checkOptions, type CheckedOptions, type MultiplexerOptions } from './multiplexer-options.ts';

/** Sees each frame as one of the basic option, flags included, whatever option the line uses. */
export type FrameWatcher = (direction: 'sent' | 'received', frame: Uint8Array) => void;

/** What holds on a link where a DLC has agreed on nothing else; see {@link MultiplexerOptions}. */
export type LinkSettings = Readonly<
  Pick<LinkOptions, 'role' | 'option' | 'n1' | 't1Ms' | 't2Ms' | 't3Ms' | 'n2' | 'k' | 'keepAliveMs'>
>;

/**
 * Ports kept for a subscriber of `incoming$` that comes late: each may have brought something before it was closed, but a
 * peer that opens and closes must not fill memory. At most 61 of them are open, so that one to forget is always there.
 */
const KEPT_PORTS_LIMIT = 2 * DLCI_MAX;

/** Octets kept to say what was seen when nothing answers. */
const SEEN_OCTETS = 64;

const NOTHING = new Uint8Array(0);
/** What {@link Multiplexer.test} sends where nothing else is given. */
const TEST_PATTERN = Uint8Array.of(0x54, 0x45, 0x53, 0x54);

const channel = diagnosticsChannel('cellmux:cmux:event');

interface Opening {
  readonly resolve: (port: DlcPort) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * A GSM 07.10 / 3GPP TS 27.010 multiplexer on one line: gives a Port for each DLC. It uses the line until it has ended and
 * then leaves it open, for AT commands to go on.
 *
 * @example
 * const multiplexer = new Multiplexer(line, { n1: 127 });
 * await multiplexer.start();
 * const at = await multiplexer.open(3);
 */
export class Multiplexer implements AsyncDisposable {
  /** DLCs that the peer opened; kept until somebody subscribes, of those that were closed meanwhile the latest 61 or more. */
  readonly incoming$: Observable<DlcPort>;
  /** What happens besides data. Hot. */
  readonly events$: Observable<CmuxEvent>;
  /** The state now and after each change. */
  readonly state$: Observable<LinkState>;
  /** Resolves when it is over, with the reason; never rejects. */
  readonly ended: Promise<CmuxEnd>;
  readonly #line: Port;
  readonly #options: CheckedOptions;
  readonly #link: Link;
  readonly #budget: LineBudget;
  readonly #role: PortRole;
  readonly #ports = new Map<number, DlcPort>();
  readonly #opening = new Map<number, Opening>();
  readonly #incoming = new KeptSubject<DlcPort>();
  readonly #events = new Subject<CmuxEvent>();
  readonly #state = new BehaviorSubject<LinkState>('idle');
  #toldState: LinkState = 'idle';
  #resolveEnded: (end: CmuxEnd) => void = () => undefined;
  #subscription: Subscription | undefined;
  #cancelTimer: Cancel = () => undefined;
  #timerAtMs = Infinity;
  #isWorking = false;
  #seen: Uint8Array = new Uint8Array(0);
  #lineError: unknown;
  #end: CmuxEnd | undefined;
  #released: Port | undefined;
  #closing: Promise<void> | undefined;
  #onFrame: FrameWatcher | undefined;

  constructor(line: Port, options: MultiplexerOptions = {}) {
    this.#line = line;
    this.#options = checkOptions(options);
    const { link, dlciCount, lineTimeMs, baudRate } = this.#options;
    const isInitiator = link.role === 'initiator';
    this.#role = isInitiator ? 'dte' : 'dce';
    this.#link = new Link({
      ...link,
      signals: { fc: false, rtc: true, rtr: true, ic: false, dv: isInitiator },
      accept: (dlci) => dlci <= dlciCount,
    });
    this.#budget = new LineBudget(lineTimeMs, baudRate);
    this.incoming$ = this.#incoming.values$;
    this.events$ = this.#events.asObservable();
    this.state$ = this.#state.pipe(distinctUntilChanged());
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve));
  }

  /** The state now. */
  get state(): LinkState {
    return this.#link.state;
  }

  /** Ports of the DLCs that are open, by DLCI. */
  get ports(): ReadonlyMap<number, DlcPort> {
    return this.#ports;
  }

  /** The line, to go on with once this is over: octets that came behind the last frame are its first. */
  get released(): Port {
    if (this.#released === undefined) throw stateError('taking the line back', this.state);
    return this.#released;
  }

  /** All counters as they are now. */
  get counters(): CmuxCounters {
    return countersOf(this.#link);
  }

  /** Each DLC that was ever used, the control channel among them, as it is now; by DLCI. */
  get dlcs(): readonly DlcStatus[] {
    return dlcStatusesOf(this.#link);
  }

  /** What the link was made with, defaults filled in. */
  get settings(): LinkSettings {
    const { role, option, n1, t1Ms, t2Ms, t3Ms, n2, k, keepAliveMs } = this.#options.link;
    return { role, option, n1, t1Ms, t2Ms, t3Ms, n2, k, keepAliveMs };
  }

  /** Called with each frame that is sent or received, for a capture. The array is the watcher's. */
  get onFrame(): FrameWatcher | undefined {
    return this.#onFrame;
  }

  set onFrame(watcher: FrameWatcher | undefined) {
    this.#onFrame = watcher;
    if (watcher === undefined) {
      this.#link.watchFrames(undefined, undefined);
      return;
    }
    this.#link.watchFrames(
      (address, control, info, start, end) => {
        watcher('sent', encodeBasicFrame(address, control, info, start, end));
      },
      (address, control, info, start, end) => {
        watcher('received', encodeBasicFrame(address, control, info, start, end));
      },
    );
  }

  /**
   * Starts: the initiator opens DLCI 0 with SABM, the responder waits until its peer has done so. Until then the line is
   * not touched. Rejects with `ERR_CMUX_NO_ANSWER` (its context says what was seen instead), `ERR_CMUX_DLC_REFUSED`,
   * `ERR_CMUX_LINK_LOST`; after the first two it may be called again.
   */
  start({ signal }: AbortOptions = {}): Promise<void> {
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    if (this.state !== 'idle') return Promise.reject(stateError('starting', this.state));
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#link.stopStarting();
        this.#work();
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#link.start(this.#now, (outcome) => {
        signal?.removeEventListener('abort', onAbort);
        if (outcome === 'opened') resolve();
        else reject(this.#openError(0, outcome));
      });
      this.#listen();
      this.#work();
    });
  }

  /**
   * Opens a DLC, 1 to 61. Rejects with `ERR_CMUX_DLC_REFUSED` (DM), `ERR_CMUX_NO_ANSWER` (N2 tries), `ERR_CMUX_LINK_LOST`,
   * `ERR_CMUX_NOT_AGREED` (I frames or a convergence layer other than 1 that the peer does not have), `ERR_CMUX_STATE`
   * where it is open already or the link is not up, `ERR_OPTION_RANGE`.
   */
  async open(dlci: number, options: AbortOptions & DlcOptions = {}): Promise<DlcPort> {
    checkInteger('dlci', dlci, 1, DLCI_MAX);
    const { signal, ...wanted } = options;
    signal?.throwIfAborted();
    if (this.state !== 'up') throw stateError(`opening DLCI ${dlci}`, this.state);
    if (this.#link.stateOf(dlci) !== 'disconnected' || this.#opening.has(dlci))
      throw stateError(`opening DLCI ${dlci}`, `at it (DLC ${this.#link.stateOf(dlci)})`);
    const parameters = checkDlcOptions(dlci, wanted, this.#options.link);
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#opening.delete(dlci);
        reject(signal?.reason);
        this.#link.closeDlc(dlci, false, this.#now, undefined);
        this.#work();
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#opening.set(dlci, {
        resolve: (port) => {
          signal?.removeEventListener('abort', onAbort);
          resolve(port);
        },
        reject: (reason) => {
          signal?.removeEventListener('abort', onAbort);
          reject(reason);
        },
      });
      this.#link.open(dlci, parameters, this.#now, (outcome) => {
        if (outcome === 'opened') return;
        this.#opening.get(dlci)?.reject(this.#openError(dlci, outcome));
        this.#opening.delete(dlci);
      });
      this.#work();
    });
  }

  /**
   * Asks the peer with Test whether it is there (§5.4.6.3.4). Resolves with the round trip in ms. The pattern, at most
   * N1 - 2 octets, or N1 - 3 from 128 on, must come back as it was.
   *
   * Rejects with `ERR_CMUX_NO_ANSWER` after N2 tries, `ERR_CMUX_NOT_SUPPORTED` (NSC), `ERR_CMUX_LINK_LOST`, `ERR_CMUX_BUSY`
   * where 16 of the same kind and DLCI are waiting, `ERR_CMUX_STATE` while the link is not up, `ERR_OPTION_RANGE`.
   */
  async test(pattern: Uint8Array = TEST_PATTERN): Promise<number> {
    const longest = Math.min(Math.max(this.#options.link.n1, CONTROL_N1), LENGTH_MAX);
    checkInteger('pattern.length', pattern.length, 0, longest - (longest < 130 ? 2 : 3));
    const beganMs = this.#now;
    await this.#command('Test', 0, pattern, true);
    return this.#now - beganMs;
  }

  /** Asks the peer to send nothing on any DLC but 0 (FCoff, §5.4.6.3.6). Rejects as {@link test}. */
  async stopPeer(): Promise<void> {
    await this.#command('FCoff', 0, NOTHING, true);
  }

  /** Undoes {@link stopPeer} (FCon, §5.4.6.3.5). */
  async releasePeer(): Promise<void> {
    await this.#command('FCon', 0, NOTHING, true);
  }

  /**
   * Agrees with the peer to let both lines idle (PSC, §5.4.6.3.2). What is sent afterwards, on any DLC, first wakes the
   * peer. Rejects as {@link test}.
   */
  async sleep(): Promise<void> {
    await this.#command('PSC', 0, NOTHING, true);
    this.#link.sleep();
    this.#work();
  }

  /** Asks what port a DLC stands for (RPN, §5.4.6.3.9). Rejects as {@link test}. */
  async portSettings(dlci: number): Promise<PortSettings> {
    return this.#remotePort({ dlci, settings: undefined, mask: 0 });
  }

  /**
   * Tells the peer what port a DLC stands for, as far as `mask` (bits of {@link PORT_MASK}) names it; resolves with what the
   * peer has then. Rejects as {@link test}, and with `ERR_OPTION_RANGE` for what RPN cannot say.
   */
  async setPortSettings(dlci: number, settings: PortSettings, mask: number = PORT_MASK.all): Promise<PortSettings> {
    checkPortSettings(settings, mask);
    return this.#remotePort({ dlci, settings, mask });
  }

  /** Tells the peer of an error on the port behind a DLC (RLS, §5.4.6.3.10). Rejects as {@link test}. */
  async reportLineStatus(status: LineStatus): Promise<void> {
    checkInteger('dlci', status.dlci, 1, DLCI_MAX);
    await this.#command('RLS', status.dlci, encodeLineStatus(status), true);
  }

  /** Asks for the services of a DLC, or sets them (SNC, §5.4.6.3.11); resolves with what the peer then has. Rejects as {@link test}. */
  async negotiateServices(dlci: number, services?: Services): Promise<Services | undefined> {
    checkInteger('dlci', dlci, 1, DLCI_MAX);
    if (services !== undefined) checkInteger('codecs', services.codecs, 0, 0x3f);
    const value = await this.#command('SNC', dlci, encodeServices({ dlci, services }), false);
    return decodeServices(value)?.services;
  }

  /**
   * Closes in order: what is queued leaves, DISC on each DLC, CLD, and DISC on DLCI 0 where CLD is not answered. Resolves
   * in any case, with the line left open and free: {@link released}. `signal` cuts the waiting for queued bytes short.
   */
  close(options?: AbortOptions): Promise<void> {
    this.#closing ??= this.#closeInOrder(options);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #closeInOrder(options?: AbortOptions): Promise<void> {
    await Promise.all([...this.#ports.values()].map((port) => port.close(options)));
    this.#link.close(this.#now);
    this.#work();
    await this.ended;
  }

  async #remotePort(wanted: RemotePort): Promise<PortSettings> {
    checkInteger('dlci', wanted.dlci, 1, DLCI_MAX);
    const value = await this.#command('RPN', wanted.dlci, encodeRemotePort(wanted), false);
    return decodeRemotePort(value)?.settings ?? DEFAULT_PORT_SETTINGS;
  }

  #command(type: MessageType, dlci: number, value: Uint8Array, echo: boolean): Promise<Uint8Array> {
    if (this.state !== 'up') return Promise.reject(stateError(type, this.state));
    return new Promise((resolve, reject) => {
      this.#link.command(type, dlci, value, echo, this.#now, (outcome, answer) => {
        if (outcome === 'answered') resolve(answer ?? NOTHING);
        else if (outcome === 'notSupported') reject(notSupportedError(type));
        else if (outcome === 'noAnswer') reject(noAnswerError(type, this.#seen));
        else if (outcome === 'tooMany') reject(busyError(type));
        else reject(linkLostError(type, this.#lineError));
      });
      this.#work();
    });
  }

  get #now(): number {
    return this.#options.clock.now();
  }

  #openError(dlci: number, outcome: OpenOutcome): CellmuxError {
    return openError(dlci, outcome, this.#seen, this.#lineError);
  }

  #listen(): void {
    this.#subscription ??= this.#line.received$.subscribe({
      next: (chunk) => {
        this.#take(chunk);
      },
      error: (error: unknown) => {
        this.#lose(error);
      },
      complete: () => {
        this.#lose(undefined);
      },
    });
    if (this.#end !== undefined) this.#subscription.unsubscribe();
  }

  #take(chunk: Uint8Array): void {
    if (this.#link.state !== 'up') {
      const tail = concatBytes([this.#seen, chunk.subarray(-SEEN_OCTETS)]);
      this.#seen = tail.subarray(-SEEN_OCTETS);
    }
    const nowMs = this.#now;
    this.#link.receive(chunk, nowMs);
    this.#work(nowMs);
  }

  #lose(error: unknown): void {
    this.#lineError = error;
    this.#link.lineLost();
    this.#work();
  }

  /** Whatever happened, this follows: events go out, frames go out, the timer is set. */
  #work(nowMs: number = this.#now): void {
    // A subscriber may call in here again; the loop below then takes care of it.
    if (this.#isWorking) return;
    this.#isWorking = true;
    const link = this.#link;
    let hasWork = false;
    try {
      for (;;) {
        const events = link.takeEvents();
        for (let index = 0; index < events.length; index++) this.#on(events[index] as LinkEvent);
        hasWork = link.hasWork;
        if (hasWork) {
          this.#transmit(nowMs);
          hasWork = link.hasWork;
        }
        if (!link.hasEvents) break;
      }
    } finally {
      this.#isWorking = false;
    }
    const { state } = link;
    if (this.#toldState !== state) {
      this.#toldState = state;
      this.#state.next(state);
    }
    this.#setTimer(nowMs, hasWork);
  }

  #transmit(nowMs: number): void {
    for (;;) {
      const { limit, enough, atLeastOne } = this.#budget.allowance(nowMs);
      if (limit <= 0 && !atLeastOne) return;
      const batch = this.#link.poll(limit, enough, atLeastOne, nowMs);
      if (batch === undefined) return;
      const { bytes } = batch;
      this.#budget.handed(bytes.length, nowMs);
      this.#line.send(bytes).then(
        () => {
          this.#budget.taken(bytes.length);
          this.#link.taken(batch, this.#now);
          this.#work();
        },
        (error: unknown) => {
          this.#budget.taken(bytes.length);
          for (const ticket of batch.finished) ticket.dropped('linkLost');
          this.#lose(error);
        },
      );
    }
  }

  #setTimer(nowMs: number, hasWork: boolean): void {
    let atMs = this.#link.nextDeadlineMs;
    if (hasWork) atMs = Math.min(atMs, nowMs + this.#budget.allowance(nowMs).againInMs);
    // A timer that comes too early does no harm; setting one anew for each chunk would.
    if (atMs >= this.#timerAtMs) return;
    this.#cancelTimer();
    this.#timerAtMs = atMs;
    this.#cancelTimer = this.#options.clock.after(Math.max(0, atMs - nowMs), () => {
      this.#timerAtMs = Infinity;
      this.#link.handleTimeout(this.#now);
      this.#work();
    });
  }

  #on(event: LinkEvent): void {
    switch (event.type) {
      case 'data':
        this.#ports.get(event.dlci)?.received(event.bytes);
        return;
      case 'signals':
        this.#ports.get(event.dlci)?.signalled(event.status);
        return;
      case 'dlcOpened':
        this.#opened(event.dlci);
        break;
      case 'dlcClosed':
        if (!this.#closed(event.dlci, event.by)) return;
        break;
      case 'ended':
        this.#over(event.end);
        return;
      default:
        break;
    }
    this.#emit(event);
  }

  #emit(event: CmuxEvent): void {
    if (channel.hasSubscribers) channel.publish(event);
    this.#events.next(event);
  }

  #opened(dlci: number): void {
    const port = new DlcPort({
      dlci,
      role: this.#role,
      backlogLimitBytes: this.#options.backlogLimitBytes,
      link: this.#linkOf(dlci),
    });
    this.#ports.set(dlci, port);
    const opening = this.#opening.get(dlci);
    this.#opening.delete(dlci);
    if (opening !== undefined) {
      opening.resolve(port);
      return;
    }
    const { kept } = this.#incoming;
    const closed = kept.length < KEPT_PORTS_LIMIT ? undefined : kept.find(({ isClosed }) => isClosed);
    if (closed !== undefined) this.#incoming.forget(closed);
    this.#incoming.next(port);
  }

  #closed(dlci: number, by: 'us' | 'peer' | 'link'): boolean {
    const port = this.#ports.get(dlci);
    if (port === undefined) return false;
    this.#ports.delete(dlci);
    port.ended(by === 'link' ? linkLostError(port.name, this.#lineError) : undefined);
    return true;
  }

  #over(end: LinkEnd): void {
    const reason: CmuxEndReason = end === 'linkLost' && this.#line.isClosed ? 'lineLost' : end;
    this.#end = { reason, ...(this.#lineError === undefined ? {} : { error: this.#lineError }) };
    this.#subscription?.unsubscribe();
    this.#cancelTimer();
    this.#timerAtMs = Infinity;
    this.#released = prepend(this.#line, this.#link.deframer.takeRest());
    for (const { reject } of this.#opening.values()) reject(linkLostError('opening', this.#lineError));
    this.#opening.clear();
    this.#emit({ type: 'ended', reason });
    this.#incoming.complete();
    this.#state.next('closed');
    this.#state.complete();
    this.#events.complete();
    this.#resolveEnded(this.#end);
  }

  #linkOf(dlci: number): DlcPortLink {
    const link = this.#link;
    const { clock, lingerMs } = this.#options;
    const now = (): number => this.#now;
    const work = (): void => {
      this.#work();
    };
    return {
      clock,
      lingerMs,
      get longestSend() {
        return link.longestSend(dlci);
      },
      get isFramed() {
        return link.isFramed(dlci);
      },
      get parameters() {
        return link.parametersOf(dlci);
      },
      get bytesSent() {
        return link.dlcs[dlci]?.counters.bytesSent ?? 0;
      },
      send: (ticket) => {
        link.send(dlci, ticket);
        work();
      },
      unsend: (ticket) => link.unsend(dlci, ticket),
      setSignals: (signals) => {
        link.setSignals(dlci, signals, now());
        work();
      },
      close: (drain, onClosed) => {
        link.closeDlc(dlci, drain, now(), onClosed);
        work();
      },
    };
  }
}
