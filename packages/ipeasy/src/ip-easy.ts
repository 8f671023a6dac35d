import type { AtClient } from '@cellmux/at';
import { CellmuxError, checkInteger, checkOneOf, diagnosticsChannel, type AbortOptions } from '@cellmux/port';
import { BehaviorSubject, Subject, type Observable, type Subscription } from 'rxjs';
import { AtLane } from './at-lane.ts';
import { ConnIdPool } from './conn-id-pool.ts';
import {
  activate,
  contextAddress,
  contextStates,
  deactivate,
  defineContext,
  type ActivationParameters,
  type ContextDefinition,
  type ContextState,
} from './contexts.ts';
import { dialLine, hostProblem, isIpv4 } from './core/command-lines.ts';
import { COMMAND_LINE_LIMIT, CONNECTIONS } from './core/limits.ts';
import { parseSocketInfo, parseSocketStatus, type SocketInfo, type SocketStatus } from './core/socket-status.ts';
import { parseSocketUrc } from './core/urc.ts';
import type { IpEasyEvent } from './ip-easy-event.ts';
import { cmeOf, ipEasyError, isRefusal } from './ip-easy-error.ts';
import { resolveOptions, type IpEasyOptions, type ResolvedOptions } from './ip-easy-options.ts';
import { IpEasySocket, type Endpoints } from './ip-easy-socket.ts';
import { closeConnId, SocketChannel, type ChannelHost } from './socket-channel.ts';
import { SocketSetup } from './socket-setup.ts';

/** What `connect` takes. */
export interface ConnectOptions extends AbortOptions {
  /** Name or IPv4 address. */
  readonly host: string;
  /** 1..65535 */
  readonly port: number;
  /** Default `tcp`. */
  readonly transport?: 'tcp';
  /** Context, 1..5; default that of the options. */
  readonly cid?: number;
  /** `command` (default): shares an AT port with others; `online`: has one for itself, fastest. */
  readonly mode?: 'command' | 'online';
  /** Keeps this side open when the peer has ended; needs firmware that supports closure type 255. Default false. */
  readonly allowHalfOpen?: boolean;
  /** Overrides that of the options. */
  readonly halfCloseMs?: number;
  /** Overrides that of the options. */
  readonly whenFull?: 'wait' | 'fail';
  /** 1000..120000 ms; default that of the options. */
  readonly connectTimeoutMs?: number;
}

/** Name resolution comes on top of the connect time-out of the module. */
const RESOLVE_TIMEOUT_MS = 20_000;

const channel = diagnosticsChannel('cellmux:ipeasy:event');

/**
 * The IP Easy sockets of a module, over one AT port or several: contexts, six connections, their state. Commands, chunk
 * limits and indications stay inside; what comes out are sockets as Node programs know them.
 *
 * @example
 * const ipEasy = new IpEasy([new AtClient(port)]);
 * await ipEasy.prepare();
 * await ipEasy.defineContext({ cid: 1, apn: 'internet' });
 * await ipEasy.activate({ cid: 1 });
 * const socket = await ipEasy.connect({ host: 'example.org', port: 80 });
 * socket.end('GET / HTTP/1.0\r\n\r\n');
 */
export class IpEasy implements AsyncDisposable {
  readonly events$: Observable<IpEasyEvent>;
  /** The sockets that are open or being opened, now and after each change. */
  readonly sockets$: Observable<readonly IpEasySocket[]>;
  readonly #events = new Subject<IpEasyEvent>();
  readonly #sockets = new BehaviorSubject<readonly IpEasySocket[]>([]);
  readonly #options: ResolvedOptions;
  readonly #lanes: readonly AtLane[];
  readonly #setup: SocketSetup;
  readonly #pool = new ConnIdPool();
  readonly #channels = new Map<number, SocketChannel>();
  readonly #subscriptions: Subscription[] = [];
  readonly #host: ChannelHost;
  #prepared: Promise<void> | undefined;
  #sweeping: Promise<void> | undefined;
  #sweepAgain = false;
  #closing: Promise<void> | undefined;

  /** @param ports AT clients on a bare line or on virtual ports of one module; all of them are used from here on. */
  constructor(ports: readonly AtClient[], options: IpEasyOptions = {}) {
    checkInteger('ports.length', ports.length, 1, 16);
    this.#options = resolveOptions(options);
    this.#setup = new SocketSetup(this.#options.sockets, this.#options.timeoutMs);
    this.events$ = this.#events.asObservable();
    this.sockets$ = this.#sockets.asObservable();
    this.#lanes = ports.map((at, index) => new AtLane(at, index));
    const setup = this.#setup;
    const resolved = this.#options;
    this.#host = {
      transfer: {
        receiveBytes: resolved.receiveBytes,
        receiveTimeoutMs: resolved.timeoutMs,
        sendTimeoutMs: 150_000,
        dataMode: resolved.sockets.dataMode,
        get sendBytes() {
          return Math.min(resolved.sendBytes ?? setup.sendLimitBytes, setup.sendLimitBytes);
        },
        get sendCommand() {
          return setup.sendCommand;
        },
      },
      sweep: (lane) => {
        this.#sweep(lane);
      },
      commandLane: (preferred) => this.#commandLane(preferred),
      released: (released) => {
        if (this.#channels.get(released.connId) !== released) return;
        this.#channels.delete(released.connId);
        this.#pool.release(released.connId);
      },
    };
    for (const lane of this.#lanes) this.#listenTo(lane);
  }

  /** Sockets that are open or being opened. */
  get sockets(): readonly IpEasySocket[] {
    return this.#sockets.value;
  }

  /**
   * Brings the module into a known state: echo off and numbered errors on every port, leftover sockets closed, all six
   * connIds configured, limits asked for. Done by itself before the first use; calling it again does it again.
   */
  prepare(options: AbortOptions = {}): Promise<void> {
    const prepared = this.#prepare(options);
    this.#prepared = prepared;
    prepared.catch(() => {
      if (this.#prepared === prepared) this.#prepared = undefined;
    });
    return prepared;
  }

  /** Defines a context. Rejects with `ERR_AT_UNSAFE_TEXT`, `ERR_OPTION_RANGE`, or as the module refuses. */
  defineContext(definition: ContextDefinition, { signal }: AbortOptions = {}): Promise<void> {
    return this.#anyLane().run((at) => defineContext(at, definition, this.#options.timeoutMs), { signal });
  }

  /**
   * Activates a context and gives its address; one that is active already is fine. Takes up to 150 s. Rejects with
   * `ERR_IPEASY_ACTIVATION_FAILED`, `ERR_IPEASY_AUTH_FAILED`, `ERR_IPEASY_NO_NETWORK` or `ERR_IPEASY_SIM`.
   */
  async activate(parameters: ActivationParameters, { signal }: AbortOptions = {}): Promise<{ address: string }> {
    await this.#ready();
    const { cid } = parameters;
    const address = await this.#anyLane().run(
      async (at) => {
        await this.#bindSome(at, cid);
        return (await activate(at, parameters)) ?? (await contextAddress(at, cid, this.#options.timeoutMs));
      },
      { signal },
    );
    this.#emit({ type: 'contextActivated', cid, address });
    return { address };
  }

  /** Deactivates a context; its sockets close. */
  async deactivate(cid: number, { signal }: AbortOptions = {}): Promise<void> {
    await this.#anyLane().run((at) => deactivate(at, cid), { signal });
    this.#emit({ type: 'contextDeactivated', cid });
  }

  /** All contexts that the module knows for IP Easy, and which are active. */
  contexts(): Promise<readonly ContextState[]> {
    return this.#anyLane().run(async (at) => {
      const states = await contextStates(at, this.#options.timeoutMs);
      const all: ContextState[] = [];
      for (const state of states) {
        all.push(
          state.isActive ? { ...state, address: await contextAddress(at, state.cid, this.#options.timeoutMs) } : state,
        );
      }
      return all;
    });
  }

  /**
   * Opens a connection. Rejects with `ERR_IPEASY_HOST`, `ERR_IPEASY_HOST_TOO_LONG`, `ERR_IPEASY_CANNOT_RESOLVE` (558),
   * `ERR_IPEASY_CONNECT_TIMEOUT` (559), `ERR_IPEASY_REFUSED` (560 to 562), `ERR_IPEASY_CONTEXT_NOT_ACTIVE` (556),
   * `ERR_IPEASY_NO_FREE_SOCKET`.
   */
  async connect(options: ConnectOptions): Promise<IpEasySocket> {
    const socket = this.createConnection(options);
    return new Promise((resolve, reject) => {
      const onError = (error: Error): void => {
        reject(error);
      };
      socket.once('error', onError);
      socket.once('connect', () => {
        socket.off('error', onError);
        resolve(socket);
      });
      socket.once('close', () => {
        if (options.signal?.aborted === true) reject(options.signal.reason);
        else reject(closedError());
      });
    });
  }

  /**
   * The same without waiting: gives a socket at once, which buffers until `connect` or fails with `error`, as
   * `net.createConnection` does. Can be handed to libraries as it is: it is bound to this object.
   */
  readonly createConnection = (options: ConnectOptions, onConnect?: () => void): IpEasySocket => {
    const settings = this.#checkConnect(options);
    const abort = new AbortController();
    const socket = new IpEasySocket({
      clock: this.#options.clock,
      halfCloseMs: options.halfCloseMs ?? this.#options.halfCloseMs,
      allowHalfOpen: options.allowHalfOpen ?? false,
      highWaterMarkBytes: this.#options.highWaterMarkBytes,
      onAbandoned: () => {
        abort.abort(closedError());
      },
    });
    if (onConnect !== undefined) socket.once('connect', onConnect);
    this.#track(socket);
    const { signal } = options;
    const onAbort = (): void => {
      const reason: unknown = signal?.reason;
      socket.destroy(reason instanceof Error ? reason : undefined);
    };
    if (signal?.aborted === true) process.nextTick(onAbort);
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('connect', () => signal?.removeEventListener('abort', onAbort));
    socket.once('close', () => signal?.removeEventListener('abort', onAbort));
    this.#open(socket, settings, abort.signal).catch((error: unknown) => {
      if (!socket.destroyed) this.#emit({ type: 'socketRefused', host: settings.host, port: settings.port, error });
      socket.destroy(error instanceof Error ? error : undefined);
    });
    return socket;
  };

  /** `#SS`: what all connIds are doing. */
  status(): Promise<readonly SocketStatus[]> {
    return this.#anyLane().run((at) => this.#askStatus(at));
  }

  /** `#SI`: the counters of all connIds. */
  info(): Promise<readonly SocketInfo[]> {
    return this.#anyLane().run(async (at) => {
      const { lines } = await at.command('AT#SI', { timeoutMs: this.#options.timeoutMs });
      return lines.map(parseSocketInfo).filter((info) => info !== undefined);
    });
  }

  /** Closes all sockets and stops using the AT ports, which stay open. Contexts stay active. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const reason = closedError();
    this.#pool.fail(reason);
    const channels = [...this.#channels.values()];
    for (const socket of this.#sockets.value) socket.destroy();
    await Promise.allSettled(channels.map((open) => open.close()));
    for (const lane of this.#lanes) lane.fail(reason);
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    this.#events.complete();
    this.#sockets.complete();
  }

  async #prepare({ signal }: AbortOptions): Promise<void> {
    const { timeoutMs } = this.#options;
    for (const lane of this.#lanes) {
      await lane.run(
        async (at) => {
          await at.command('ATE0', { timeoutMs });
          await at.command('AT+CMEE=1', { timeoutMs });
        },
        { signal },
      );
    }
    const closedLeftovers = await this.#anyLane().run(
      async (at) => {
        try {
          // Own sockets are in use when it is done again: they are nobody's leftovers.
          const closed = this.#channels.size === 0 ? await this.#setup.closeLeftovers(at) : 0;
          await this.#setup.configure(at);
          return closed;
        } catch (error) {
          throw ipEasyError(error, 'preparing the sockets');
        }
      },
      { signal },
    );
    this.#emit({ type: 'prepared', closedLeftovers });
  }

  #ready(): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(closedError());
    return this.#prepared ?? this.prepare();
  }

  async #open(socket: IpEasySocket, dial: DialSettings, signal: AbortSignal): Promise<void> {
    await this.#ready();
    const connId = await this.#pool.acquire({
      signal,
      whenFull: dial.whenFull,
      prefer: (id) => this.#setup.cidOf(id) === dial.cid,
    });
    const lane = dial.mode === 'online' ? this.#onlineLane() : this.#anyLane();
    let by: 'peer' | 'here' = 'here';
    const channel = new SocketChannel(connId, lane, this.#host, {
      onData: (bytes) => socket.received(bytes),
      onEnd: () => {
        by = 'peer';
        socket.peerEnded();
      },
      onFailed: (error) => {
        socket.off('close', onClose);
        this.#emit({ type: 'socketClosed', connId, by: 'loss', error });
        socket.destroy(error instanceof Error ? error : new Error(String(error)));
      },
    });
    const onClose = (): void => {
      this.#emit({ type: 'socketClosed', connId, by });
    };
    this.#channels.set(connId, channel);
    socket.assign(channel);
    try {
      const endpoints = await lane.run(
        async (at) => {
          signal.throwIfAborted();
          return this.#dial(at, lane, channel, dial);
        },
        { signal },
      );
      if (socket.destroyed) {
        await channel.close();
        return;
      }
      socket.once('close', onClose);
      this.#emit({ type: 'socketOpened', connId, host: dial.host, port: dial.port, portIndex: lane.index });
      socket.connected(endpoints);
    } catch (error) {
      // Where the module refused, it has closed the connId; after a time-out it may still be dialling.
      if (!isRefusal(error) && !signal.aborted)
        await closeConnId(this.#commandLane(lane), connId).catch(() => undefined);
      channel.abandoned();
      throw dialError(error, dial);
    }
  }

  async #dial(at: AtClient, lane: AtLane, channel: SocketChannel, dial: DialSettings): Promise<Endpoints> {
    const { connId } = channel;
    await this.#setup.bind(at, connId, dial.cid, dial.connectTimeoutMs);
    const line = dialLine({ ...dial, connId, localPort: 0, closureType: dial.allowHalfOpen ? 255 : 0 });
    const timeoutMs = dial.connectTimeoutMs + RESOLVE_TIMEOUT_MS;
    if (dial.mode === 'online') {
      channel.openedOnline(await lane.goOnline(line, timeoutMs));
      return { remotePort: dial.port, ...(isIpv4(dial.host) ? { remoteAddress: dial.host } : {}) };
    }
    await at.command(line, { timeoutMs });
    const endpoints = this.#options.askAddresses ? await this.#askEndpoints(at, connId) : undefined;
    channel.opened();
    return endpoints ?? { remotePort: dial.port, ...(isIpv4(dial.host) ? { remoteAddress: dial.host } : {}) };
  }

  async #askEndpoints(at: AtClient, connId: number): Promise<Endpoints | undefined> {
    try {
      const { lines } = await at.command(`AT#SS=${connId}`, { timeoutMs: this.#options.timeoutMs });
      const status = lines.map(parseSocketStatus).find((found) => found?.connId === connId);
      return status?.remoteAddress === undefined ? undefined : status;
    } catch (error) {
      if (isRefusal(error)) return undefined;
      throw error;
    }
  }

  async #askStatus(at: AtClient): Promise<readonly SocketStatus[]> {
    const { lines } = await at.command('AT#SS', { timeoutMs: this.#options.timeoutMs });
    return lines.map(parseSocketStatus).filter((status) => status !== undefined);
  }

  /** At least one connId must be bound to a context that is to be activated. */
  async #bindSome(at: AtClient, cid: number): Promise<void> {
    for (let connId = 1; connId <= CONNECTIONS; connId++) if (this.#setup.cidOf(connId) === cid) return;
    // From the other end: connId 1 should stay with the first context, for FTP and e-mail.
    for (let connId = CONNECTIONS; connId >= 1; connId--) {
      if (this.#channels.has(connId)) continue;
      await this.#setup.bind(at, connId, cid);
      return;
    }
  }

  #checkConnect(options: ConnectOptions): DialSettings {
    const { host } = options;
    checkInteger('port', options.port, 1, 65_535);
    checkOneOf('transport', options.transport ?? 'tcp', ['tcp']);
    const dial: DialSettings = {
      host,
      port: options.port,
      transport: 'tcp',
      cid: checkInteger('cid', options.cid ?? this.#options.sockets.cid, 1, 5),
      mode: checkOneOf('mode', options.mode ?? 'command', ['command', 'online']),
      allowHalfOpen: options.allowHalfOpen ?? false,
      whenFull: checkOneOf('whenFull', options.whenFull ?? this.#options.whenFull, ['wait', 'fail']),
      connectTimeoutMs: checkInteger(
        'connectTimeoutMs',
        options.connectTimeoutMs ?? this.#options.sockets.connectTimeoutMs,
        1000,
        120_000,
      ),
    };
    checkHost(host);
    const length = dialLine({
      ...dial,
      connId: CONNECTIONS,
      localPort: 0,
      closureType: dial.allowHalfOpen ? 255 : 0,
    }).length;
    if (length > COMMAND_LINE_LIMIT) {
      throw new CellmuxError(
        'ERR_IPEASY_HOST_TOO_LONG',
        `${host}: the command to dial it has ${length} characters, the module takes ${COMMAND_LINE_LIMIT}`,
        {
          hint: 'Use a shorter name for the host, or its address.',
          context: { host, length, limit: COMMAND_LINE_LIMIT },
        },
      );
    }
    return dial;
  }

  #listenTo(lane: AtLane): void {
    const lost = (error: unknown): void => {
      const reason = new CellmuxError('ERR_IPEASY_LINE_LOST', `AT port ${lane.index + 1} was lost`, {
        cause: error,
        hint: 'The line or the multiplexer below went down: start it again, then use a new IpEasy.',
      });
      lane.fail(reason);
      for (const open of [...this.#channels.values()]) if (open.lane === lane) open.fail(reason);
      if (this.#closing === undefined) this.#emit({ type: 'portLost', portIndex: lane.index, error });
    };
    this.#subscriptions.push(
      lane.at.urcs$.subscribe({
        next: ({ text }) => {
          this.#indication(lane, text);
        },
        error: lost,
        complete: () => {
          lost(undefined);
        },
      }),
    );
  }

  #indication(lane: AtLane, line: string): void {
    const urc = parseSocketUrc(line);
    switch (urc?.type) {
      case 'sring': {
        const found = this.#channels.get(urc.connId);
        if (found !== undefined) found.noticeData(urc.waitingBytes);
        else this.#emit({ type: 'strayIndication', line });
        return;
      }
      case 'noCarrier':
        if (urc.connId === undefined) this.#sweep(lane);
        else this.#channels.get(urc.connId)?.noticeClosed();
        return;
      case 'listenerAborted':
      case 'contextActivated':
      case undefined:
        return;
    }
  }

  /** Asks `#SS` which sockets have died: the plain NO CARRIER does not say. One question answers many of them. */
  #sweep(lane: AtLane): void {
    if (this.#sweeping !== undefined) {
      this.#sweepAgain = true;
      return;
    }
    this.#sweepAgain = false;
    this.#sweeping = this.#commandLane(lane)
      .run(
        async (at) => {
          // Only of those that are open before the question can the answer speak.
          const judged = [...this.#channels.values()].filter((open) => open.mode === 'command');
          if (judged.length === 0) return;
          this.#sweepAgain = false;
          const one = judged.length === 1 ? judged[0] : undefined;
          const { lines } = await at.command(one === undefined ? 'AT#SS' : `AT#SS=${one.connId}`, {
            timeoutMs: this.#options.timeoutMs,
          });
          for (const line of lines) {
            const status = parseSocketStatus(line);
            const open = judged.find((candidate) => candidate.connId === status?.connId);
            if (status === undefined || open === undefined) continue;
            if (status.state === 'closed') open.noticeClosed();
            else if (status.state === 'suspendedWithData') open.noticeData(open.waitingBytes);
          }
        },
        { front: true },
      )
      .catch((error: unknown) => {
        this.#emit({ type: 'strayIndication', line: `#SS: ${cmeOf(error) ?? 'no answer'}` });
      })
      .finally(() => {
        this.#sweeping = undefined;
        if (this.#sweepAgain) this.#sweep(lane);
      });
  }

  /** The port for a single command or a new connection in command mode: not online, fewest users. */
  #anyLane(): AtLane {
    return this.#commandLane(this.#lanes[0] as AtLane, 'fewest');
  }

  #commandLane(preferred: AtLane, choice: 'preferred' | 'fewest' = 'preferred'): AtLane {
    const usable = this.#lanes.filter((lane) => lane.closedBy === undefined);
    const free = usable.filter((lane) => !lane.isOnline);
    if (choice === 'preferred' && (free.includes(preferred) || free.length === 0)) return preferred;
    const load = (lane: AtLane): number => lane.users + lane.waitingJobs;
    const [best] = [...(free.length > 0 ? free : usable)].sort((a, b) => load(a) - load(b));
    return best ?? preferred;
  }

  /** The port for a stream of its own: one that nobody uses, if there is one. The last is looked at first. */
  #onlineLane(): AtLane {
    const online = this.#lanes.filter((lane) => lane.isOnline);
    if (online.length >= Math.min(this.#options.maxOnlinePorts, this.#lanes.length)) {
      const [waitFor] = online;
      if (this.#options.maxOnlinePorts > 0 && waitFor !== undefined) return waitFor;
      throw new CellmuxError('ERR_IPEASY_NO_ONLINE_PORT', 'no port may go online', {
        hint: "Raise maxOnlinePorts, or connect with mode: 'command'.",
      });
    }
    const free = this.#lanes.filter((lane) => !lane.isOnline && lane.closedBy === undefined).reverse();
    const [best] = free.sort((a, b) => a.users - b.users);
    return best ?? (this.#lanes[0] as AtLane);
  }

  #track(socket: IpEasySocket): void {
    this.#sockets.next([...this.#sockets.value, socket]);
    socket.once('close', () => {
      this.#sockets.next(this.#sockets.value.filter((other) => other !== socket));
    });
  }

  #emit(event: IpEasyEvent): void {
    this.#events.next(event);
    if (channel.hasSubscribers) channel.publish(event);
  }
}

interface DialSettings {
  readonly host: string;
  readonly port: number;
  readonly transport: 'tcp';
  readonly cid: number;
  readonly mode: 'command' | 'online';
  readonly allowHalfOpen: boolean;
  readonly whenFull: 'wait' | 'fail';
  readonly connectTimeoutMs: number;
}

function checkHost(host: string): void {
  const problem = hostProblem(host);
  if (problem === undefined) return;
  throw new CellmuxError('ERR_IPEASY_HOST', `host ${JSON.stringify(host.slice(0, 80))} ${problem}`, {
    hint: 'Give a name of letters, digits, dots and hyphens (international names in their xn-- form) or an IPv4 address.',
  });
}

function dialError(error: unknown, { host, port }: DialSettings): unknown {
  const where = `${host}:${port}`;
  const code = (error as { code?: unknown } | undefined)?.code;
  // Older firmware ends a dial that failed with NO CARRIER or a bare ERROR.
  if (code === 'ERR_AT_NO_CARRIER' || code === 'ERR_AT_ERROR') {
    return new CellmuxError('ERR_IPEASY_REFUSED', `${where}: the module could not connect and does not say why`, {
      cause: error,
      hint: 'Check that the context is active, and host and port.',
    });
  }
  if (code === 'ERR_AT_TIMEOUT') {
    return new CellmuxError('ERR_IPEASY_CONNECT_TIMEOUT', `${where}: the module did not answer in time`, {
      cause: error,
    });
  }
  return ipEasyError(error, where);
}

function closedError(): CellmuxError {
  return new CellmuxError('ERR_IPEASY_CLOSED', 'IP Easy or this socket was closed');
}
