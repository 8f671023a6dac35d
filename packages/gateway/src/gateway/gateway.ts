import { HE863_AT_PROFILE, type AtProfile } from '@cellmux/at';
import type { Multiplexer } from '@cellmux/cmux';
import type { IpEasy } from '@cellmux/ipeasy';
import { CellmuxError, systemClock, type AbortOptions, type Clock } from '@cellmux/port';
import type { PppCall } from '@cellmux/ppp';
import { join } from 'node:path';
import { BehaviorSubject, Subject, type Observable } from 'rxjs';
import { formatHostPort, type HostPort } from '../core/host-port.ts';
import { causeOf } from '../core/recovery/cause-of.ts';
import { SERVICES, type Cause, type Patient, type Service } from '../core/recovery/cause.ts';
import { DEFAULT_ATTEMPTS, type Outage } from '../core/recovery/supervisor.ts';
import type { GatewayMetrics } from '../observe/gateway-metrics.ts';
import { AtService, type AtCommander } from './at-service.ts';
import { checkGatewayOptions } from './check-gateway-options.ts';
import { queuedDial, type QueuedDial } from './dial.ts';
import { allOrFirstFailure } from './first-failure.ts';
import { FrameCapture } from './frame-capture.ts';
import type { GatewayEnd, GatewayEvent, GatewayState } from './gateway-events.ts';
import type { GatewayOptions, PingOptions } from './gateway-options.ts';
import { DLCI_OF, Link } from './link.ts';
import { DEFAULT_BAUD_RATE, lineOpener } from './open-line.ts';
import type { PacketHost } from './packet-host.ts';
import { pingForever } from './ping.ts';
import { statusOf, type GatewayStatus, type PastOutage } from './gateway-status.ts';
import { PppService } from './ppp-service.ts';
import { Recovery } from './recovery.ts';
import { resolveHost } from './resolve-host.ts';
import { SharedPty } from './shared-pty.ts';
import { SocketService } from './socket-service.ts';
import { startListeners, type Listener } from './start-listeners.ts';
import { Teardown } from './teardown.ts';
import { VIRTUAL_AT_PROFILE } from './virtual-at-profile.ts';
import { Watch } from './watch.ts';

/** Sockets of the module (the guide, §3.2). */
const SOCKETS = 6;
const DEFAULT_REGISTRATION_LIMIT_MS = 60_000;
const DEFAULT_KEEP_ALIVE_MS = 10_000;
const DEFAULT_POLL_MS = 10_000;
/** Outages that are over, for whoever asks. */
const PAST_OUTAGES_KEPT = 20;

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
  readonly #ending = new AbortController();
  readonly #teardown: Teardown;
  readonly #link: Link;
  readonly #ppp: PppService;
  readonly #sockets: SocketService;
  readonly #at: AtService;
  readonly #watch: Watch;
  readonly #recovery: Recovery;
  readonly #capture: FrameCapture;
  readonly #listeners: Listener[] = [];
  /** Where other programs have the ports. */
  readonly #ptys = new Map<Service, SharedPty>();
  readonly #dial: QueuedDial;
  #metrics: GatewayMetrics | undefined;
  readonly #pastOutages: PastOutage[] = [];
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
    const onEvent = (event: GatewayEvent): void => {
      this.#events.next(event);
    };
    this.#teardown = new Teardown(clock, onEvent);
    this.#capture = new FrameCapture({ clock });
    this.#link = new Link({
      clock,
      profile: this.#atProfile,
      baudRate: this.#baudRate,
      keepAliveMs: options.keepAliveMs ?? DEFAULT_KEEP_ALIVE_MS,
      openLine: lineOpener(options),
      resetModule: options.resetModule,
      isBare: options.ports !== undefined,
      onFrame: this.#capture.onFrame,
      onEvent,
      onBroken: (cause, error) => {
        this.#at.down();
        this.#broken('link', cause, error);
      },
      onPortClosed: (service) => {
        if (service === 'at') this.#at.down();
        const error = new CellmuxError('ERR_AT_CLOSED', `the module closed port ${DLCI_OF[service]}`);
        this.#broken(service, 'portClosed', error);
      },
    });
    this.#ppp = new PppService({
      options,
      clock,
      onEvent,
      onBroken: (cause, error) => {
        this.#broken('ppp', cause, error);
      },
    });
    this.#sockets = new SocketService({
      options,
      clock,
      onEvent,
      onBroken: (cause, error) => {
        this.#broken('sockets', cause, error);
      },
      onInUse: (inUse) => {
        this.#recovery.inUse('sockets', inUse);
      },
      onModuleReset: () => {
        void this.#findOutReset();
      },
    });
    this.#at = new AtService({
      onEvent,
      onStuck: (error) => {
        this.#broken('at', 'portStuck', error);
      },
      onInUse: (inUse) => {
        this.#recovery.inUse('at', inUse);
      },
      onRegistered: () => {
        this.#recovery.hopeful();
      },
      onContextDoubtful: () => {
        void this.#sockets.check();
      },
    });
    this.#watch = new Watch({
      clock,
      pollMs: options.pollMs ?? DEFAULT_POLL_MS,
      look: async () => {
        this.#recovery.inUse('ppp', this.#ppp.isInUse);
        await Promise.all([this.#at.poll(), this.#sockets.check()]);
      },
    });
    this.#recovery = this.#makeRecovery();
    this.#dial = queuedDial((target, dialOptions) => this.#sockets.connect(target, dialOptions), {
      maximumOpen: SOCKETS,
      ...(options.queueLimit === undefined ? {} : { maximumWaiting: options.queueLimit }),
    });
    this.state$ = this.#state.asObservable();
    this.events$ = this.#events.asObservable();
    this.packets$ = this.#ppp.packets$;
    this.ended = new Promise((resolve) => (this.#settleEnded = resolve));
  }

  get state(): GatewayState {
    return this.#state.value;
  }

  /** The multiplexer on the line, which is another one after a restart. Throws `ERR_GATEWAY_NOT_UP` while none runs. */
  get multiplexer(): Multiplexer {
    return this.#link.multiplexer ?? notUp();
  }

  /** The PPP call of the moment on port 1. Throws `ERR_GATEWAY_NOT_UP` while there is none. */
  get call(): PppCall {
    return this.#ppp.call ?? notUp();
  }

  /** The IP host on the PPP call, which answers pings and sends them. Throws `ERR_GATEWAY_NOT_UP` while there is none. */
  get packets(): PacketHost {
    return this.#ppp.host ?? notUp();
  }

  /** IP Easy on port 2, which is another one after a restart. Throws `ERR_GATEWAY_NOT_UP` before it is up. */
  get sockets(): IpEasy {
    return this.#sockets.sockets ?? notUp();
  }

  /** AT on port 3, over all restarts. Throws `ERR_GATEWAY_NOT_UP` before it is open. */
  get at(): AtCommander {
    return this.#isRecovering || this.#at.client !== undefined ? this.#at : notUp();
  }

  /**
   * Connects through an IP Easy socket; waits while all of them are in use, and while they are being restored. Throws
   * `ERR_GATEWAY_NOT_UP` before the start.
   */
  get dial(): QueuedDial {
    return this.#sockets.sockets === undefined && !this.#isRecovering ? notUp() : this.#dial;
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
      lineName: this.#link.lineName,
      multiplexer: this.#link.multiplexer,
      call: this.#ppp.call,
      ipEasy: this.#sockets.sockets,
      socketAddress: this.#sockets.address,
      queue: this.#dial,
      network: this.#at.state,
      listeners: this.#listeners,
      outages: this.#recovery.outages,
      pastOutages: this.#pastOutages,
      capture: this.#capture.path,
      works: (patient) => this.#recovery.works(patient),
      stepOf: (patient) => this.#recovery.stepOf(patient),
    });
  }

  /** Begins to record every CMUX frame, while all runs on. Rejects with `ERR_CAPTURE_FILE`. */
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
    return this.#ppp.send(packet);
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

  /** The line's rate where it has one: it fits T1 and bounds what waits below the multiplexer. */
  get #baudRate(): number | undefined {
    const { line, baudRate } = this.#options;
    return 'kind' in line && line.kind === 'serial' ? (baudRate ?? DEFAULT_BAUD_RATE) : baudRate;
  }

  get #atProfile(): AtProfile {
    const { atProfile, line } = this.#options;
    if (atProfile !== undefined) return atProfile;
    return 'kind' in line && line.kind === 'virtual' ? VIRTUAL_AT_PROFILE : HE863_AT_PROFILE;
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
      await this.#bringUp(either).catch((error: unknown) => {
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

  async #bringUp(signal: AbortSignal): Promise<void> {
    const { registrationLimitMs = DEFAULT_REGISTRATION_LIMIT_MS } = this.#options;
    this.#state.next('openingLine');
    await this.#link.openLine(signal);
    this.#state.next('startingMultiplexer');
    await this.#link.startMultiplexer(signal);
    this.#state.next('openingPorts');
    await this.#link.openPorts(signal);
    this.#state.next('bringingUp');
    if (this.#options.ports !== undefined) {
      await this.#sharePorts(this.#options.ports);
      return;
    }
    await this.#at.up(this.#clientOf('at'), signal);
    await allOrFirstFailure(signal, [
      (either) => this.#sockets.up(this.#clientOf('sockets'), either, registrationLimitMs),
      (either) => this.#ppp.up(this.#clientOf('ppp'), either, registrationLimitMs),
    ]);
    signal.throwIfAborted();
  }

  /** Gives the three ports out as ptys, and nothing else. */
  async #sharePorts(folder: string): Promise<void> {
    // Loaded when it is needed: it brings a native library.
    const { openPty } = await import('@cellmux/port/pty');
    const { mkdir } = await import('node:fs/promises');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const service of SERVICES) {
      const link = join(folder, String(DLCI_OF[service]));
      const pty = new SharedPty(await openPty({ link }));
      this.#ptys.set(service, pty);
      const listener = { what: 'port', where: link, close: () => pty.close() } as const;
      this.#listeners.push(listener);
      this.#events.next({ type: 'listening', what: listener.what, where: listener.where });
      this.#attach(service, pty);
    }
  }

  #attach(service: Service, pty: SharedPty): void {
    const port = this.#link.port(DLCI_OF[service]);
    if (port === undefined) throw new CellmuxError('ERR_AT_CLOSED', `port ${DLCI_OF[service]} is not open`);
    pty.attach(port);
  }

  async #startCapture(): Promise<void> {
    const { capture: path } = this.#options;
    if (path !== undefined) await this.#capture.start(path, this.#options.captureRotation);
  }

  async #startListeners(): Promise<void> {
    await startListeners(this.#options, {
      dial: this.#dial,
      at: this.#at,
      status: () => this.status,
      observe: (what, local, token) => this.#observe(what, local, token),
      setCapture: (path) => (path === null ? this.stopCapture() : this.startCapture(path)),
      onEvent: (event) => {
        this.#events.next(event);
      },
      onListening: (listener) => {
        this.#listeners.push(listener);
        this.#events.next({ type: 'listening', what: listener.what, where: listener.where });
      },
    });
  }

  async #observe(what: 'metrics' | 'dashboard', local: HostPort, token: string | undefined): Promise<Listener> {
    // Loaded when it is wanted: most programs that embed a gateway have metrics of their own.
    const { HttpObserver } = await import('../observe/serve-http.ts');
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
    if (error === undefined) return;
    const cause = causeOf(error);
    if (this.#link.multiplexer === undefined) this.#recovery.broken('link', cause, error);
    else {
      if (this.#at.client === undefined) this.#recovery.broken('at', cause, error);
      if (!this.#sockets.isUp) this.#recovery.broken('sockets', cause, error);
      if (this.#ppp.call === undefined) this.#recovery.broken('ppp', cause, error);
    }
  }

  #makeRecovery(): Recovery {
    const { recovery } = this.#options;
    const { fromStart: _, ...given } = recovery === false || recovery === undefined ? {} : recovery;
    const onEvent = (event: GatewayEvent): void => {
      this.#events.next(event);
    };
    return new Recovery({
      clock: this.#clock,
      options: {
        firstPauseMs: 1000,
        longestPauseMs: 300_000,
        stableMs: 60_000,
        giveUpAfterMs: Infinity,
        random: Math.random,
        attempts: DEFAULT_ATTEMPTS,
        ...given,
      },
      crew: {
        redial: (service, signal) => this.#setUp(service, signal),
        reopenDlc: async (service, signal) => {
          // The port goes first: on one that is stuck nothing could be ended in order.
          await this.#link.closePort(DLCI_OF[service], signal);
          await this.#takeServiceDown(service, signal);
          await this.#link.openPort(DLCI_OF[service], signal);
          await this.#setUp(service, signal);
        },
        restartMultiplexer: (signal) => this.#link.restartMultiplexer(signal),
        resetModule: (signal) => this.#link.resetModule(signal),
        reopenLine: (signal) => this.#link.reopenLine(signal),
      },
      onChange: () => {
        this.#showState();
      },
      onOutageBegan: ({ id, cause, services }) => {
        onEvent({ type: 'outageBegan', id, cause, services });
      },
      onOutageEnded: (outage, durationMs) => {
        const { id, cause, services, steps } = outage;
        this.#pastOutages.push({ ...outage, durationMs, endedAt: new Date().toISOString() });
        if (this.#pastOutages.length > PAST_OUTAGES_KEPT) this.#pastOutages.shift();
        onEvent({ type: 'outageEnded', id, cause, services, durationMs, steps });
      },
      onStep: (step, patient, error) => {
        onEvent({ type: 'stepEnded', step, patient, ...(error === undefined ? {} : { error }) });
      },
      onGaveUp: ({ cause, sinceMs }, error) => {
        onEvent({ type: 'gaveUp', cause, durationMs: this.#clock.now() - sinceMs });
        this.#fail(error ?? new CellmuxError('ERR_GATEWAY_GAVE_UP', `given up: ${cause}`));
      },
    });
  }

  async #takeServiceDown(service: Service, signal: AbortSignal): Promise<void> {
    this.#ptys.get(service)?.detach();
    switch (service) {
      case 'ppp':
        await this.#ppp.hangUp(signal);
        return;
      case 'sockets':
        await this.#sockets.down();
        return;
      case 'at':
        this.#at.down();
    }
  }

  async #setUp(service: Service, signal: AbortSignal): Promise<void> {
    const pty = this.#ptys.get(service);
    if (pty !== undefined) {
      this.#attach(service, pty);
      return;
    }
    const client = this.#clientOf(service);
    switch (service) {
      case 'ppp':
        await this.#ppp.up(client, signal);
        return;
      case 'sockets':
        await this.#sockets.up(client, signal);
        return;
      case 'at':
        await this.#at.up(client, signal);
    }
  }

  #clientOf(service: Service) {
    const client = this.#link.client(DLCI_OF[service]);
    if (client !== undefined) return client;
    throw new CellmuxError('ERR_AT_CLOSED', `port ${DLCI_OF[service]} is not open`);
  }

  #showState(): void {
    if (!this.#isRecovering || this.#stopping !== undefined) return;
    const works = (['link', ...SERVICES] as const).every((patient) => this.#recovery.works(patient));
    const state = works ? 'up' : 'degraded';
    if (this.#state.value !== state) this.#state.next(state);
  }

  /** The module says on port 2 that it has started anew: where the multiplexer has gone with it, Test is not answered. */
  async #findOutReset(): Promise<void> {
    const { multiplexer } = this.#link;
    try {
      await multiplexer?.test();
      this.#broken('sockets', 'contextLost', undefined);
    } catch (error) {
      if (this.#link.multiplexer !== multiplexer) return;
      this.#broken('link', 'moduleRestarted', error);
    }
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
    const link = this.#link;
    const teardown = this.#teardown;
    // Pushed in the order in which it was brought up; the last goes first.
    if (this.#capture.isOn) teardown.push('capture', () => this.#capture.stop());
    if (link.multiplexer !== undefined) teardown.push('multiplexer', () => link.closeMultiplexer());
    if (link.client(3) !== undefined) teardown.push('ports', () => link.closePorts());
    if (this.#sockets.sockets !== undefined) teardown.push('sockets', () => this.#sockets.down());
    if (this.#ppp.call !== undefined) teardown.push('ppp', () => this.#ppp.hangUp());
    if (this.#ppp.hasTun) teardown.push('tun', () => this.#ppp.closeTun());
    if (this.#ppp.host !== undefined) teardown.push('packets', () => Promise.resolve());
    for (const listener of this.#listeners) teardown.push('listeners', () => listener.close());
    await teardown.run();
    this.#at.end();
    this.#ppp.end();
    // The line itself comes last: the module is asked on it first whether it is back in command mode.
    const answer = await link.answersAt();
    if (answer !== undefined) this.#events.next({ type: 'moduleInCommandMode', verified: answer });
    if (link.isLineOurs) teardown.push('line', () => link.closeLine());
    await teardown.run();
    this.#state.next('stopped');
    this.#state.complete();
    this.#events.complete();
    this.#settleEnded({ error: (this.#failure ?? failure)?.error, moduleInCommandMode: answer === true });
  }

  #ping(address: string, { host, intervalMs }: PingOptions): void {
    void pingForever(() => this.#ppp.host, address, {
      host,
      intervalMs,
      clock: this.#clock,
      signal: this.#ending.signal,
      onEvent: (event) => {
        this.#events.next(event);
      },
    });
  }
}

function notUp(): never {
  throw new CellmuxError('ERR_GATEWAY_NOT_UP', 'the gateway is not up', { hint: 'Await start() first.' });
}
