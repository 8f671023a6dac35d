import { atString, HE863_AT_PROFILE, type AtClient, type AtProfile } from '@cellmux/at';
import { startMultiplexer, HE863, type FrameWatcher, type Multiplexer } from '@cellmux/cmux';
import { IpEasy } from '@cellmux/ipeasy';
import { CellmuxError, hasCode, systemClock, type AbortOptions, type Clock, type Port } from '@cellmux/port';
import { dialPpp, type PppCall } from '@cellmux/ppp';
import { BehaviorSubject, Subject, type Observable } from 'rxjs';
import { queuedDial, type Dial } from './dial.ts';
import { answersAt } from './command-mode.ts';
import { allOrFirstFailure } from './first-failure.ts';
import type { GatewayEnd, GatewayEvent, GatewayState } from './gateway-events.ts';
import type { GatewayOptions, PingOptions } from './gateway-options.ts';
import { DEFAULT_BAUD_RATE, openLine } from './open-line.ts';
import { PacketHost } from './packet-host.ts';
import { openPorts } from './open-ports.ts';
import { pingForever } from './ping.ts';
import { resolveHost } from './resolve-host.ts';
import { startListeners } from './start-listeners.ts';
import { Teardown } from './teardown.ts';
import { VIRTUAL_AT_PROFILE } from './virtual-at-profile.ts';

/** Sockets of the module (the guide, §3.2). */
const SOCKETS = 6;
/**
 * The gateway: one line to a module, three ports on it that work at the same time. PPP on port 1, IP Easy sockets on
 * port 2, AT on port 3; and what is offered on top of them (proxy, forwards, control socket).
 *
 * It starts once and stops once. When something below ends by itself (the line, the multiplexer, the PPP call) the
 * gateway takes the rest down in order and {@link ended} tells why.
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
  /** Settles when the gateway has stopped, for whatever reason; never rejects. */
  readonly ended: Promise<GatewayEnd>;
  readonly #options: GatewayOptions;
  readonly #clock: Clock;
  readonly #state = new BehaviorSubject<GatewayState>('idle');
  readonly #events = new Subject<GatewayEvent>();
  readonly #ending = new AbortController();
  readonly #teardown: Teardown;
  #settleEnded: (end: GatewayEnd) => void = () => undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  /** The line, once the module on it is known to listen to AT when nothing else runs on it. */
  #commandLine: Port | undefined;
  #multiplexer: Multiplexer | undefined;
  #at: AtClient | undefined;
  #sockets: IpEasy | undefined;
  #call: PppCall | undefined;
  #packets: PacketHost | undefined;
  #dial: Dial | undefined;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#teardown = new Teardown(this.#clock, (event) => {
      this.#events.next(event);
    });
    this.state$ = this.#state.asObservable();
    this.events$ = this.#events.asObservable();
    this.ended = new Promise((resolve) => (this.#settleEnded = resolve));
  }

  get state(): GatewayState {
    return this.#state.value;
  }

  /** The line's rate where it has one: it fits T1 and bounds what waits below the multiplexer. */
  get #baudRate(): number | undefined {
    const { line, baudRate } = this.#options;
    return 'kind' in line && line.kind === 'serial' ? (baudRate ?? DEFAULT_BAUD_RATE) : baudRate;
  }

  /** The multiplexer on the line. Throws `ERR_GATEWAY_NOT_UP` before it runs. */
  get multiplexer(): Multiplexer {
    return this.#multiplexer ?? notUp();
  }

  /** The PPP call on port 1. Throws `ERR_GATEWAY_NOT_UP` before it is up. */
  get call(): PppCall {
    return this.#call ?? notUp();
  }

  /** The IP host on the PPP call, which answers pings and sends them. Throws `ERR_GATEWAY_NOT_UP` before it is up. */
  get packets(): PacketHost {
    return this.#packets ?? notUp();
  }

  /** IP Easy on port 2. Throws `ERR_GATEWAY_NOT_UP` before it is up. */
  get sockets(): IpEasy {
    return this.#sockets ?? notUp();
  }

  /** AT on port 3. Throws `ERR_GATEWAY_NOT_UP` before it is open. */
  get at(): AtClient {
    return this.#at ?? notUp();
  }

  /** Connects through an IP Easy socket; waits while all of them are in use. Throws `ERR_GATEWAY_NOT_UP`. */
  get dial(): Dial {
    return this.#dial ?? notUp();
  }

  /**
   * Brings everything up. Resolves when all three ports work; rejects with the error of what did not, after everything
   * that was up has been taken down in order. An abort does the same, with the signal's reason.
   */
  start({ signal }: AbortOptions = {}): Promise<void> {
    if (this.#starting !== undefined || this.#stopping !== undefined) {
      return Promise.reject(new CellmuxError('ERR_GATEWAY_STARTED', 'a gateway starts once: make a new one'));
    }
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

  async #start(signal: AbortSignal): Promise<void> {
    try {
      await this.#bringUp(signal);
    } catch (error) {
      // What an abort makes of the step it hits is of no interest: why it came is.
      const reason: unknown = signal.aborted ? signal.reason : error;
      await this.#takeDown({ error: reason });
      throw reason;
    }
  }

  async #bringUp(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#state.next('openingLine');
    const onFrame = await this.#startCapture();
    const line = await this.#openLine(signal);

    this.#state.next('startingMultiplexer');
    await this.#startMultiplexer(line, onFrame, signal);

    this.#state.next('openingPorts');
    const onEvent = (event: GatewayEvent): void => {
      this.#events.next(event);
    };
    const [first, second, third] = await openPorts(this.multiplexer, {
      profile: this.#atProfile,
      clock: this.#clock,
      signal,
      onUrc: (port, text) => {
        onEvent({ type: 'urc', port, text });
      },
    });
    this.#at = third;
    this.#teardown.push('ports', () => Promise.all([first, second, third].map((client) => client.close())));
    onEvent({ type: 'portsOpened' });

    this.#state.next('bringingUp');
    await allOrFirstFailure(signal, [
      (either) => this.#startSockets(second, either),
      (either) => this.#startPpp(first, either),
    ]);
    await startListeners(this.#options, {
      dial: this.dial,
      at: third,
      onEvent,
      onListening: (listener) => {
        this.#teardown.push('listeners', () => listener.close());
        onEvent({ type: 'listening', what: listener.what, where: listener.where });
      },
    });
    const { ping } = this.#options;
    const pinged = ping && (await resolveHost(this.packets, this.call.network.dns, ping.host, { signal }));
    signal.throwIfAborted();
    this.#state.next('up');
    if (ping !== undefined && pinged !== undefined) this.#ping(pinged, ping);
  }

  async #openLine(signal: AbortSignal): Promise<Port> {
    const { line, baudRate, rtscts } = this.#options;
    if (!('kind' in line)) return line;
    const opened = await openLine(line, { baudRate, rtscts, signal });
    this.#teardown.push('line', () => opened.close());
    this.#events.next({ type: 'lineOpened', line: opened.port.name });
    return opened.port;
  }

  /** Begins the capture, if there is to be one; gives what is to see each frame. */
  async #startCapture(): Promise<FrameWatcher | undefined> {
    const { capture: path } = this.#options;
    if (path === undefined) return undefined;
    const { captureToFile } = await import('@cellmux/port/file');
    const file = await captureToFile(path, { clock: this.#clock });
    this.#teardown.push('capture', () => file.close());
    const tap = file.capture.tap('cmux', { name: 'line' });
    return (direction, frame) => {
      tap[direction](frame);
    };
  }

  async #startMultiplexer(line: Port, onFrame: FrameWatcher | undefined, signal: AbortSignal): Promise<void> {
    try {
      this.#multiplexer = await startMultiplexer(line, {
        profile: HE863,
        clock: this.#clock,
        baudRate: this.#baudRate,
        onFrame,
        signal,
      });
    } catch (error) {
      // A module that answers and refuses is in command mode; one that does not answer is not asked again.
      if (hasCode(error, 'ERR_CMUX_REFUSED_BY_MODULE')) this.#commandLine = line;
      throw error;
    }
    const multiplexer = this.#multiplexer;
    this.#teardown.push('multiplexer', async () => {
      await multiplexer.close();
      this.#commandLine = multiplexer.released;
    });
    void multiplexer.ended.then((end) => {
      this.#fail(new CellmuxError('ERR_CMUX_LINK_LOST', `the multiplexer ended: ${end.reason}`));
    });
    this.#events.next({ type: 'multiplexerStarted' });
  }

  get #atProfile(): AtProfile {
    const { atProfile, line } = this.#options;
    if (atProfile !== undefined) return atProfile;
    return 'kind' in line && line.kind === 'virtual' ? VIRTUAL_AT_PROFILE : HE863_AT_PROFILE;
  }

  async #startSockets(client: AtClient, signal: AbortSignal): Promise<void> {
    const { apn = '', user, password, socketCid: cid = 2 } = this.#options;
    const sockets = new IpEasy([client], { clock: this.#clock, sockets: { cid } });
    this.#teardown.push('sockets', () => sockets.close());
    await sockets.prepare({ signal });
    await sockets.defineContext({ cid, apn, signal });
    const { address } = await sockets.activate({ cid, user, password, signal });
    this.#sockets = sockets;
    this.#dial = queuedDial(({ host, port }, options) => sockets.connect({ host, port, ...options }), {
      maximumOpen: SOCKETS,
    });
    this.#events.next({ type: 'socketsUp', address });
  }

  async #startPpp(client: AtClient, signal: AbortSignal): Promise<void> {
    const { apn = '', user, password, pppCid: cid = 1, tun } = this.#options;
    await client.command(`AT+CGDCONT=${cid},"IP",${atString(apn)}`, { signal });
    const call = await dialPpp(client, { cid, user, password, clock: this.#clock, signal });
    this.#teardown.push('ppp', () => call.close());
    this.#call = call;
    void call.ended.then((end) => {
      this.#fail(
        new CellmuxError('ERR_PPP_CARRIER_LOST', `the PPP call ended (${end.reason})${said(end.text)}`, {
          hint: end.advice,
          context: { reason: end.reason, phase: end.phase },
        }),
      );
    });
    const { localAddress, peerAddress, dns } = call.network;
    if (tun !== undefined) await this.#startTun(tun, call);
    const host = new PacketHost(call, localAddress, { clock: this.#clock, answersPings: tun === undefined });
    this.#packets = host;
    this.#teardown.push('packets', () => {
      host[Symbol.dispose]();
      return Promise.resolve();
    });
    this.#events.next({ type: 'pppUp', localAddress, peerAddress, dns });
  }

  /** The packets of PPP to and from the kernel. */
  async #startTun(name: string, call: PppCall): Promise<void> {
    // Loaded when it is needed: it brings a native library.
    const { carryPackets, openTun } = await import('@cellmux/ppp/tun');
    const device = await openTun({ name, network: call.network });
    const carrier = carryPackets(device, call);
    this.#teardown.push('tun', () => {
      carrier.close();
      return device.close();
    });
    this.#events.next({ type: 'tunUp', name: device.name });
  }

  #ping(address: string, { host, intervalMs }: PingOptions): void {
    void pingForever(this.packets, address, {
      host,
      intervalMs,
      clock: this.#clock,
      signal: this.#ending.signal,
      onEvent: (event) => {
        this.#events.next(event);
      },
    });
  }

  /** Something below has ended by itself. */
  #fail(error: unknown): void {
    if (this.#stopping !== undefined) return;
    this.#failure ??= { error };
    this.#ending.abort(error);
    // While it is being started, the start fails by the abort and takes everything down.
    if (this.#state.value === 'up') void this.#takeDown({ error });
  }

  #takeDown(failure: { readonly error: unknown } | undefined): Promise<void> {
    this.#stopping ??= this.#takeDownInOrder(failure);
    return this.#stopping;
  }

  async #takeDownInOrder(failure: { readonly error: unknown } | undefined): Promise<void> {
    this.#ending.abort(failure?.error);
    this.#state.next('stopping');
    // The line itself comes last: the module is asked on it first whether it is back in command mode.
    await this.#teardown.run('line');
    const moduleInCommandMode = this.#commandLine !== undefined && (await answersAt(this.#commandLine, this.#clock));
    if (this.#commandLine !== undefined) {
      this.#events.next({ type: 'moduleInCommandMode', verified: moduleInCommandMode });
    }
    await this.#teardown.run();
    this.#state.next('stopped');
    this.#state.complete();
    this.#events.complete();
    this.#settleEnded({ error: (this.#failure ?? failure)?.error, moduleInCommandMode });
  }
}

function said(text: string): string {
  return text === '' ? '' : `: ${text}`;
}

function notUp(): never {
  throw new CellmuxError('ERR_GATEWAY_NOT_UP', 'the gateway is not up', { hint: 'Await start() first.' });
}
