import type { Multiplexer } from '@cellmux/cmux';
import type { FtpOptions, IpEasy } from '@cellmux/ipeasy';
import { CellmuxError, systemClock, type AbortOptions, type Clock } from '@cellmux/port';
import type { PppCall } from '@cellmux/ppp';
import { BehaviorSubject, Subject, type Observable } from 'rxjs';
import { formatHostPort, type HostPort } from '../core/host-port.ts';
import { SERVICES, type Cause, type Patient } from '../core/recovery/cause.ts';
import type { Outage } from '../core/recovery/supervisor.ts';
import type { GatewayMetrics } from '../observe/gateway-metrics.ts';
import type { AtCommander } from './at-service.ts';
import { checkGatewayOptions } from './check-gateway-options.ts';
import { queuedDial, type QueuedDial } from './dial.ts';
import { FrameCapture } from './frame-capture.ts';
import type { FtpWork } from './ftp-service.ts';
import type { GatewayEnd, GatewayEvent, GatewayState } from './gateway-events.ts';
import type { GatewayOptions, PingOptions } from './gateway-options.ts';
import { statusOf, type GatewayStatus } from './gateway-status.ts';
import { makeRecovery } from './make-recovery.ts';
import { OutageHistory } from './outage-history.ts';
import type { PacketHost } from './packet-host.ts';
import { pingForever } from './ping.ts';
import type { Recovery } from './recovery.ts';
import { resolveHost } from './resolve-host.ts';
import { Services } from './services.ts';
import { startListeners, type Listener } from './start-listeners.ts';
import { takeDown } from './take-down.ts';
import { Watch } from './watch.ts';

/** Sockets of the module (the guide, §3.2). */
const SOCKETS = 6;
const DEFAULT_POLL_MS = 10_000;

/**
 * The gateway: one line to a module, three ports on it that work at the same time. PPP on port 1, IP Easy sockets on
 * port 2, AT on port 3; and what is offered on top of them (proxy, forwards, incoming listeners, control socket).
 *
 * It starts once and stops once. What breaks in between it restores by itself, each service apart from the others:
 * see {@link GatewayOptions.recovery}. When it cannot, or is told not to, it takes everything down in order and
 * {@link ended} tells why.
 *
 * @example
 * await using gateway = new Gateway({ line: { kind: 'serial', path: '/dev/ttyUSB0' }, apn: 'internet' });
 * await gateway.start();
 * const socket = await gateway.sockets.connect({ host: 'example.org', port: 80 });
 */
export class Gateway implements AsyncDisposable {
  /** The state now and each change; completes when stopped. */
  readonly state$: Observable<GatewayState>;
  /** What happens, in order; hot; completes when stopped. */
  readonly events$: Observable<GatewayEvent>;
  /** IP packets from the network, over all calls; hot; completes when stopped. */
  readonly packets$: Observable<Uint8Array>;
  /** Settles when the gateway has stopped, for whatever reason; never rejects. */
  readonly ended: Promise<GatewayEnd>;
  readonly #options: GatewayOptions;
  readonly #clock: Clock;
  readonly #state = new BehaviorSubject<GatewayState>('idle');
  readonly #events = new Subject<GatewayEvent>();
  readonly #onEvent = (event: GatewayEvent): void => {
    this.#events.next(event);
  };
  readonly #onState = (state: GatewayState): void => {
    this.#state.next(state);
  };
  readonly #onListening = (listener: Listener): void => {
    this.#listeners.push(listener);
    this.#events.next({ type: 'listening', what: listener.what, where: listener.where });
  };
  readonly #ending = new AbortController();
  readonly #services: Services;
  readonly #watch: Watch;
  readonly #recovery: Recovery;
  readonly #history = new OutageHistory();
  readonly #capture: FrameCapture;
  readonly #listeners: Listener[] = [];
  readonly #dial: QueuedDial;
  #metrics: GatewayMetrics | undefined;
  #startedMs: number | undefined;
  #settleEnded: (end: GatewayEnd) => void = () => undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  /** From here on what breaks is restored; before, it makes the start fail. */
  #isRecovering = false;
  /** Something broke while it was being started. */
  #failStart: (error: unknown) => void = () => undefined;

  /** @throws CellmuxError `ERR_OPTION_RANGE` for an option out of its range */
  constructor(options: GatewayOptions) {
    checkGatewayOptions(options);
    this.#options = options;
    const clock = options.clock ?? systemClock;
    this.#clock = clock;
    this.#capture = new FrameCapture({
      clock,
      keepsSecrets: options.captureSecrets,
      onSwitched: (isOn) => {
        this.#services.link.watchFrames(isOn ? this.#capture.onFrame : undefined);
      },
      onFailed: (error) => {
        const { message, code = 'ERR_CAPTURE_FILE' } = error as { message: string; code?: string };
        this.#onEvent({ type: 'warning', code, message });
        this.#onEvent({ type: 'capture', path: undefined });
      },
    });
    this.#services = new Services({
      options,
      clock,
      onPppFrame: this.#capture.onPppFrame,
      onEvent: this.#onEvent,
      onBroken: (patient, cause, error) => {
        this.#broken(patient, cause, error);
      },
      onInUse: (service, inUse) => {
        this.#recovery.inUse(service, inUse);
      },
      onHopeful: () => {
        this.#recovery.hopeful();
      },
    });
    const { sockets, ppp, at } = this.#services;
    this.#recovery = makeRecovery({
      options: options.recovery,
      clock,
      crew: this.#services,
      history: this.#history,
      onEvent: this.#onEvent,
      onChange: () => {
        this.#showState();
      },
      onGaveUp: (error) => {
        this.#fail(error);
      },
    });
    this.#watch = new Watch({
      clock,
      pollMs: options.pollMs ?? DEFAULT_POLL_MS,
      look: async () => {
        this.#recovery.inUse('ppp', ppp.isInUse);
        await Promise.all([at.poll(), sockets.check()]);
      },
    });
    this.#dial = queuedDial((target, dialOptions) => sockets.connect(target, dialOptions), {
      maximumOpen: SOCKETS,
      ...(options.queueLimit === undefined ? {} : { maximumWaiting: options.queueLimit }),
    });
    this.state$ = this.#state.asObservable();
    this.events$ = this.#events.asObservable();
    this.packets$ = ppp.packets$;
    this.ended = new Promise((resolve) => (this.#settleEnded = resolve));
  }

  get state(): GatewayState {
    return this.#state.value;
  }

  /** The multiplexer on the line, which is another one after a restart. Throws `ERR_GATEWAY_NOT_UP` while none runs. */
  get multiplexer(): Multiplexer {
    return this.#services.link.multiplexer ?? notUp();
  }

  /** The PPP call of the moment on port 1. Throws `ERR_GATEWAY_NOT_UP` while there is none. */
  get call(): PppCall {
    return this.#services.ppp.call ?? notUp();
  }

  /** The IP host on the PPP call, which answers pings and sends them. Throws `ERR_GATEWAY_NOT_UP` while there is none. */
  get packets(): PacketHost {
    return this.#services.ppp.host ?? notUp();
  }

  /** IP Easy on port 2, which is another one after a restart. Throws `ERR_GATEWAY_NOT_UP` before it is up. */
  get sockets(): IpEasy {
    return this.#services.sockets.sockets ?? notUp();
  }

  /** AT on port 3, over all restarts. Throws `ERR_GATEWAY_NOT_UP` before it is open. */
  get at(): AtCommander {
    return this.#isRecovering || this.#services.at.client !== undefined ? this.#services.at : notUp();
  }

  /**
   * Connects through an IP Easy socket; waits while all of them are in use, and while they are being restored. Throws
   * `ERR_GATEWAY_NOT_UP` before the start.
   */
  get dial(): QueuedDial {
    return this.#services.sockets.sockets === undefined && !this.#isRecovering ? notUp() : this.#dial;
  }

  /**
   * Has an FTP session of the module for the time of `work`: one job at a time, the others wait in order. The session is
   * opened on port 3 and closed behind it; while a transfer has the port, AT commands go over port 2. While the line or
   * the context is being restored a job waits `dialWaitMs` to begin.
   *
   * Rejects with the error of `work`, which for what an outage cuts is `ERR_IPEASY_LINE_LOST` or
   * `ERR_IPEASY_FTP_INCOMPLETE`; with `ERR_IPEASY_FTP_REFUSED` and the other errors of `IpEasy.ftp()`; with
   * `ERR_GATEWAY_FTP_BUSY`, `ERR_GATEWAY_SOCKETS_DOWN`, `ERR_GATEWAY_AT_DOWN`; with `ERR_GATEWAY_FTP_STALLED` when a
   * transfer moves nothing for 20 s longer than the server is given; when the signal aborts or the gateway stops, at once
   * with the reason. `ERR_OPTION_EXCLUDES` with `ports`.
   *
   * @example
   * const server = { host: 'ftp.example.org', user, password };
   * await gateway.ftp(server, (ftp, { signal }) => pipeline(createReadStream('log'), ftp.put('log'), { signal }));
   */
  ftp<T>(server: FtpOptions, work: FtpWork<T>, options: AbortOptions = {}): Promise<T> {
    if (this.#options.ports !== undefined) {
      return Promise.reject(
        new CellmuxError('ERR_OPTION_EXCLUDES', 'ports gives the virtual ports to other programs: FTP has none', {
          hint: 'Leave ports out.',
          context: { option: 'ports', excludes: 'ftp' },
        }),
      );
    }
    if (!this.#isRecovering) return Promise.reject(notUpError());
    return this.#services.ftp.run(server, work, options);
  }

  /** What listens, and where. */
  get listeners(): readonly Listener[] {
    return this.#listeners;
  }

  /** Outages that last. */
  get outages(): readonly Outage[] {
    return this.#recovery.outages;
  }

  /** How it is at this moment. */
  get status(): GatewayStatus {
    return statusOf({
      state: this.state,
      uptimeMs: this.#startedMs === undefined ? 0 : this.#clock.now() - this.#startedMs,
      nowMs: this.#clock.now(),
      services: this.#services,
      queue: this.#dial,
      listeners: this.#listeners,
      recovery: this.#recovery,
      pastOutages: this.#history.past,
      capture: this.#capture.path,
    });
  }

  /**
   * Begins to record every frame of CMUX and PPP, while all runs on; a file that is there is written over. Rejects with
   * `ERR_CAPTURE_FILE`.
   */
  async startCapture(path: string): Promise<void> {
    await this.#capture.start(path, this.#options.captureRotation);
    this.#events.next({ type: 'capture', path });
  }

  /** Ends the capture, if there is one. */
  async stopCapture(): Promise<void> {
    if (!this.#capture.isOn) return;
    await this.#capture.stop();
    this.#events.next({ type: 'capture', path: undefined });
  }

  /** Sends an IP packet through PPP; rejects with `ERR_PPP_NOT_UP` while no call is up. */
  sendPacket(packet: Uint8Array): Promise<void> {
    return this.#services.ppp.send(packet);
  }

  /**
   * Brings everything up. Resolves when all three ports work; rejects with the error of what did not, after everything
   * that was up has been taken down in order. An abort does the same, with the signal's reason.
   */
  start({ signal }: AbortOptions = {}): Promise<void> {
    if (this.#starting !== undefined || this.#stopping !== undefined) {
      return Promise.reject(new CellmuxError('ERR_GATEWAY_STARTED', 'a gateway starts once: make a new one'));
    }
    this.#startedMs = this.#clock.now();
    const ending = this.#ending.signal;
    this.#starting = this.#start(signal === undefined ? ending : AbortSignal.any([signal, ending]));
    return this.#starting;
  }

  /** Takes everything down in order: listeners, sockets, PPP, multiplexer; the module is left in AT command mode. */
  async stop(): Promise<void> {
    this.#ending.abort(new CellmuxError('ERR_GATEWAY_STOPPED', 'the gateway was stopped'));
    // A start that is under way ends at the abort and takes down what it has brought up, so that nothing is forgotten.
    await this.#starting?.catch(() => undefined);
    await this.#takeDown(undefined);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  get #fromStart(): boolean {
    const { recovery } = this.#options;
    return recovery !== false && recovery?.fromStart === true;
  }

  async #start(signal: AbortSignal): Promise<void> {
    const breaking = new AbortController();
    this.#failStart = (error) => {
      breaking.abort(error);
    };
    const either = AbortSignal.any([signal, breaking.signal]);
    try {
      signal.throwIfAborted();
      await this.#startCapture();
      await this.#services.bringUp(either, this.#onState, this.#onListening).catch((error: unknown) => {
        if (signal.aborted || !this.#fromStart) throw error;
        this.#beginRecovery(breaking.signal.aborted ? breaking.signal.reason : error);
      });
      await this.#startListeners();
      const { ping } = this.#options;
      const pinged = ping && (await resolveHost(this.packets, this.call.network.dns, ping.host, { signal: either }));
      if (!this.#isRecovering) either.throwIfAborted();
      signal.throwIfAborted();
      this.#beginRecovery(undefined);
      if (ping !== undefined && pinged !== undefined) this.#ping(pinged, ping);
      this.#watch.start();
    } catch (error) {
      // What an abort makes of the step it hits is of no interest: why it came is.
      const reason: unknown = either.aborted ? either.reason : error;
      await this.#takeDown({ error: reason });
      throw reason;
    }
  }

  async #startCapture(): Promise<void> {
    const { capture: path } = this.#options;
    if (path !== undefined) await this.#capture.start(path, this.#options.captureRotation);
  }

  async #startListeners(): Promise<void> {
    await startListeners(this.#options, {
      dial: this.#dial,
      at: this.#services.at,
      ftp: (server, work, options) => this.ftp(server, work, options),
      status: () => this.status,
      observe: (what, local, token) => this.#observe(what, local, token),
      setCapture: (path) => (path === null ? this.stopCapture() : this.startCapture(path)),
      onEvent: this.#onEvent,
      onListening: this.#onListening,
    });
  }

  async #observe(what: 'metrics' | 'dashboard', local: HostPort, token: string | undefined): Promise<Listener> {
    // Loaded when it is wanted: most programs that embed a gateway have metrics of their own.
    const { HttpObserver } = await import('../observe/http-observer.ts');
    const { GatewayMetrics } = await import('../observe/gateway-metrics.ts');
    this.#metrics ??= new GatewayMetrics(this);
    const isPage = what === 'dashboard';
    const server = await HttpObserver.listen(this, { local, token, metrics: this.#metrics, dashboard: isPage });
    return { what, where: `http://${formatHostPort(server.address)}/`, close: () => server.close() };
  }

  /** From now on what breaks is restored. What does not work yet, because of `error`, is broken. */
  #beginRecovery(error: unknown): void {
    if (!this.#isRecovering) {
      this.#isRecovering = true;
      this.#state.next('up');
    }
    if (error !== undefined) this.#services.reportDown(error);
  }

  #showState(): void {
    if (!this.#isRecovering || this.#stopping !== undefined) return;
    const works = (['link', ...SERVICES] as const).every((patient) => this.#recovery.works(patient));
    const state = works ? 'up' : 'degraded';
    if (this.#state.value !== state) this.#state.next(state);
  }

  /** Something below has ended by itself. */
  #broken(patient: Patient, cause: Cause, error: unknown): void {
    if (this.#stopping !== undefined) return;
    if (this.#isRecovering && this.#options.recovery !== false) {
      this.#recovery.broken(patient, cause, error);
      return;
    }
    const reason = error ?? new CellmuxError('ERR_GATEWAY_BROKEN', `${patient} does not work: ${cause}`);
    if (this.#isRecovering) this.#fail(reason);
    else this.#failStart(reason);
  }

  #fail(error: unknown): void {
    if (this.#stopping !== undefined) return;
    this.#failure ??= { error };
    this.#ending.abort(error);
    // While it is being started, the start fails by the abort and takes everything down.
    if (this.#isRecovering) void this.#takeDown({ error });
  }

  #takeDown(failure: { readonly error: unknown } | undefined): Promise<void> {
    this.#stopping ??= this.#takeDownInOrder(failure);
    return this.#stopping;
  }

  async #takeDownInOrder(failure: { readonly error: unknown } | undefined): Promise<void> {
    this.#ending.abort(failure?.error);
    this.#state.next('stopping');
    this.#watch.stop();
    await this.#recovery.stop(this.#ending.signal.reason);
    const moduleInCommandMode = await takeDown({
      services: this.#services,
      listeners: this.#listeners,
      capture: this.#capture,
      clock: this.#clock,
      onEvent: this.#onEvent,
    });
    this.#state.next('stopped');
    this.#state.complete();
    this.#events.complete();
    this.#settleEnded({ error: (this.#failure ?? failure)?.error, moduleInCommandMode });
  }

  #ping(address: string, { host, intervalMs }: PingOptions): void {
    void pingForever(() => this.#services.ppp.host, address, {
      host,
      intervalMs,
      clock: this.#clock,
      signal: this.#ending.signal,
      onEvent: this.#onEvent,
    });
  }
}

function notUp(): never {
  throw notUpError();
}

function notUpError(): CellmuxError {
  return new CellmuxError('ERR_GATEWAY_NOT_UP', 'the gateway is not up', { hint: 'Await start() first.' });
}
