import type { AtClient } from '@cellmux/at';
import { CellmuxError, checkInteger, diagnosticsChannel, type AbortOptions } from '@cellmux/port';
import { Subject, type Observable, type Subscription } from 'rxjs';
import type { AtLane } from './at-lane.ts';
import type { TransferSettings } from './command-transfer.ts';
import { keepEscapeFromPeers } from './keep-escape-from-peers.ts';
import type { DialHost } from './conn-id-dial.ts';
import { closedError, Connector, type ConnectListener } from './connector.ts';
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
import { useCommandSet } from './command-set.ts';
import { CONNECTIONS } from './core/limits.ts';
import {
  parseExtendedSocketConfig,
  parseSocketConfig,
  type ExtendedSocketConfig,
  type SocketConfig,
} from './core/socket-config.ts';
import { parseSocketInfo, type SocketInfo, type SocketStatus } from './core/socket-status.ts';
import type { ConnectOptions, CreateConnectionOptions } from './dial-settings.ts';
import { Firewall } from './firewall.ts';
import type { FtpOptions } from './ftp/ftp-options.ts';
import { IpEasyFtp } from './ftp/ip-easy-ftp.ts';
import type { IpEasyDatagramSocket } from './ip-easy-datagram-socket.ts';
import type { IpEasyEvent } from './ip-easy-event.ts';
import { ipEasyError } from './ip-easy-error.ts';
import { IpEasyMail } from './ip-easy-mail.ts';
import { resolveOptions, type IpEasyOptions, type ResolvedOptions } from './ip-easy-options.ts';
import { IpEasyServer, type Accepted, type ServerOptions } from './ip-easy-server.ts';
import type { IpEasySocket } from './ip-easy-socket.ts';
import { Lanes, type AtPortState } from './lanes.ts';
import { SocketFactory, type AnyIpEasySocket } from './socket-factory.ts';
import { SocketSetup } from './socket-setup.ts';
import { SocketTable } from './socket-table.ts';

/** What `settings()` gives. */
export interface SocketSettingsTable {
  readonly sockets: readonly SocketConfig[];
  readonly extended: readonly ExtendedSocketConfig[];
}

const SEND_TIMEOUT_MS = 150_000;
/** Whoever ends a connection that it has accepted has most often said all: the peer waits for the end. */
const SERVED_HALF_CLOSE_MS = 500;
const diagnostics = diagnosticsChannel('cellmux:ipeasy:event');

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
  /** What happens; hot. Completes on close. */
  readonly events$: Observable<IpEasyEvent>;
  /** The sockets that are open or being opened, now and after each change. Completes on close. */
  readonly sockets$: Observable<readonly AnyIpEasySocket[]>;
  /** What each AT port is doing, now and after each change. Completes on close. */
  readonly ports$: Observable<readonly AtPortState[]>;
  /** Who may connect to servers. */
  readonly firewall: Firewall;
  /** E-mail by the module's own commands. */
  readonly mail: IpEasyMail;
  readonly #events = new Subject<IpEasyEvent>();
  readonly #factory: SocketFactory;
  readonly #options: ResolvedOptions;
  readonly #lanes: Lanes;
  readonly #setup: SocketSetup;
  readonly #table: SocketTable;
  readonly #dialHost: DialHost;
  readonly #connector: Connector;
  readonly #subscriptions: Subscription[] = [];
  readonly #servers = new Set<{ close(): unknown }>();
  readonly #leaveCommandSet: readonly (() => void)[];
  #ftp: Promise<IpEasyFtp> | undefined;
  #prepared: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  /** @param ports AT clients on a bare line or on virtual ports of one module; all of them are used from here on. */
  constructor(ports: readonly AtClient[], options: IpEasyOptions = {}) {
    checkInteger('ports.length', ports.length, 1, 16);
    const resolved = resolveOptions(options);
    const setup = new SocketSetup(resolved.sockets, resolved.timeoutMs);
    this.#options = resolved;
    this.#setup = setup;
    this.events$ = this.#events.asObservable();
    this.#lanes = new Lanes(ports, resolved.maxOnlinePorts);
    this.ports$ = this.#lanes.states$;
    this.firewall = new Firewall(this.#lanes, resolved.timeoutMs);
    this.mail = new IpEasyMail(() => this.#lanes.any(), resolved.timeoutMs);
    this.#leaveCommandSet = ports.map((at) => useCommandSet(at, 'multisocket'));
    this.#table = new SocketTable({
      lanes: this.#lanes,
      clock: resolved.clock,
      timeoutMs: resolved.timeoutMs,
      watchMs: resolved.watchMs,
      emit: (event) => {
        this.#emit(event);
      },
      onReset: () => {
        this.#prepared = undefined;
      },
    });
    // The limits are known once the module has been asked.
    const transfer: TransferSettings = {
      receiveBytes: resolved.receiveBytes,
      receiveTimeoutMs: resolved.timeoutMs,
      sendTimeoutMs: SEND_TIMEOUT_MS,
      dataMode: resolved.sockets.dataMode,
      get sendBytes() {
        return Math.min(resolved.sendBytes ?? setup.sendLimitBytes, setup.sendLimitBytes);
      },
      get sendCommand() {
        return setup.sendCommand;
      },
    };
    this.#factory = new SocketFactory({
      clock: resolved.clock,
      host: this.#table,
      setup,
      transfer,
      halfCloseMs: resolved.halfCloseMs,
      highWaterMarkBytes: resolved.highWaterMarkBytes,
      emit: (event) => {
        this.#emit(event);
      },
    });
    this.sockets$ = this.#factory.sockets$;
    this.#dialHost = {
      lanes: this.#lanes,
      table: this.#table,
      setup,
      timeoutMs: resolved.timeoutMs,
      askAddresses: resolved.askAddresses,
    };
    this.#connector = new Connector({
      dialHost: this.#dialHost,
      factory: this.#factory,
      options: resolved,
      ready: () => this.#ready(),
      emit: (event) => {
        this.#emit(event);
      },
    });
    for (const lane of this.#lanes.all) this.#listenTo(lane);
  }

  /** Sockets that are open or being opened. */
  get sockets(): readonly AnyIpEasySocket[] {
    return this.#factory.sockets;
  }

  /**
   * Brings the module into a known state: echo off and numbered errors on every port, leftover sockets closed, all six
   * connIds configured, limits asked for. Done by itself before the first use, and again after the module was reset.
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
  defineContext(definition: ContextDefinition, options: AbortOptions = {}): Promise<void> {
    const signal = options.signal ?? definition.signal;
    return this.#lanes.any().run((at) => defineContext(at, definition, this.#options.timeoutMs), { signal });
  }

  /**
   * Activates a context and gives its address; one that is active already is fine. Takes up to 150 s. Rejects with
   * `ERR_IPEASY_ACTIVATION_FAILED`, `ERR_IPEASY_AUTH_FAILED`, `ERR_IPEASY_NO_NETWORK` or `ERR_IPEASY_SIM`.
   */
  async activate(parameters: ActivationParameters, options: AbortOptions = {}): Promise<{ address: string }> {
    await this.#ready();
    const { cid } = parameters;
    const address = await this.#lanes.any().run(
      async (at) => {
        await this.#bindSome(at, cid);
        return (await activate(at, parameters)) ?? (await contextAddress(at, cid, this.#options.timeoutMs));
      },
      { signal: options.signal ?? parameters.signal },
    );
    this.#emit({ type: 'contextActivated', cid, address });
    return { address };
  }

  /** Deactivates a context; its sockets end with `ERR_IPEASY_CONTEXT_LOST`. */
  async deactivate(cid: number, { signal }: AbortOptions = {}): Promise<void> {
    const lane = this.#lanes.any();
    await lane.run((at) => deactivate(at, cid), { signal });
    this.#emit({ type: 'contextDeactivated', cid });
    if (this.#table.users.some((user) => user.cid === cid)) await this.#table.sweep(lane);
  }

  /** All contexts that the module knows for IP Easy, and which are active. */
  contexts({ signal }: AbortOptions = {}): Promise<readonly ContextState[]> {
    const { timeoutMs } = this.#options;
    return this.#lanes.any().run(
      async (at) => {
        const states: ContextState[] = [];
        for (const state of await contextStates(at, timeoutMs)) {
          states.push(state.isActive ? { ...state, address: await contextAddress(at, state.cid, timeoutMs) } : state);
        }
        return states;
      },
      { signal },
    );
  }

  /**
   * Opens a connection; with `transport: 'udp'` a datagram socket. Rejects with `ERR_IPEASY_HOST`,
   * `ERR_IPEASY_HOST_TOO_LONG`, `ERR_OPTION_RANGE`, `ERR_IPEASY_CANNOT_RESOLVE` (558), `ERR_IPEASY_CONNECT_TIMEOUT`
   * (559), `ERR_IPEASY_REFUSED` (560 to 562), `ERR_IPEASY_CONTEXT_NOT_ACTIVE` (556), `ERR_IPEASY_NO_FREE_SOCKET`,
   * `ERR_IPEASY_NO_ONLINE_PORT`.
   */
  connect(options: ConnectOptions & { readonly transport: 'udp' }): Promise<IpEasyDatagramSocket>;
  connect(options: ConnectOptions & { readonly transport?: 'tcp' | undefined }): Promise<IpEasySocket>;
  connect(options: ConnectOptions): Promise<AnyIpEasySocket> {
    return this.#connector.connect(options);
  }

  /**
   * The same without waiting: gives a socket at once, which buffers until `connect` or fails with `error`, as
   * `net.createConnection` does; a host that cannot be dialled is such an `error` too. Can be handed to libraries as it
   * is: it is bound to this object.
   *
   * @throws CellmuxError `ERR_OPTION_RANGE`
   */
  readonly createConnection = (options: CreateConnectionOptions, onConnect?: ConnectListener): IpEasySocket =>
    this.#connector.createConnection(options, onConnect);

  /** A UDP socket to one peer, at once; see {@link createConnection}. */
  createDatagramSocket(options: ConnectOptions): IpEasyDatagramSocket {
    return this.#connector.createDatagramSocket(options);
  }

  /** A server for TCP connections from the network; see {@link firewall} for who may connect. Call `listen(port)` on it. */
  createServer(options: ServerOptions = {}, onConnection?: (socket: IpEasySocket) => void): IpEasyServer<IpEasySocket> {
    return this.#keep(
      new IpEasyServer<IpEasySocket>(
        {
          ...this.#serverHost('tcp'),
          makeSocket: (
            connId,
            cid,
            lane,
            { allowHalfOpen, halfCloseMs = SERVED_HALF_CLOSE_MS },
          ): Accepted<IpEasySocket> => {
            const socket = this.#factory.makeSocket({ allowHalfOpen, halfCloseMs }, () => undefined);
            const user = this.#factory.channelFor(socket, connId, cid, lane);
            return {
              user,
              socket,
              connected: (endpoints) => {
                socket.connected(endpoints);
              },
            };
          },
        },
        options,
        onConnection,
      ),
    );
  }

  /** A server for UDP (`#SLUDP`): the first datagram of a peer makes a socket with that peer. */
  createDatagramServer(
    options: ServerOptions = {},
    onConnection?: (socket: IpEasyDatagramSocket) => void,
  ): IpEasyServer<IpEasyDatagramSocket> {
    return this.#keep(
      new IpEasyServer<IpEasyDatagramSocket>(
        {
          ...this.#serverHost('udp'),
          makeSocket: (connId, cid, lane): Accepted<IpEasyDatagramSocket> => {
            const socket = this.#factory.makeDatagramSocket();
            const user = this.#factory.datagramChannelFor(socket, connId, cid, lane);
            return {
              user,
              socket,
              connected: (endpoints) => {
                socket.connected(endpoints);
              },
            };
          },
        },
        options,
        onConnection,
      ),
    );
  }

  /** Listens on a port; resolves when the module does. Rejects as the server's `error` says. */
  async listen(
    options: ServerOptions & AbortOptions & { readonly port: number },
    onConnection?: (socket: IpEasySocket) => void,
  ): Promise<IpEasyServer<IpEasySocket>> {
    await this.#ready();
    const { signal } = options;
    signal?.throwIfAborted();
    const server = this.createServer(options, onConnection);
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        server.close();
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      server.once('error', reject);
      server.listen(options.port, () => {
        signal?.removeEventListener('abort', onAbort);
        server.off('error', reject);
        resolve();
      });
    });
    return server;
  }

  /**
   * Opens the FTP session of the module; it has one. Context 1 must be active, and a connId bound to it. Rejects with
   * `ERR_IPEASY_FTP_ALREADY_CONNECTED` while another one is open, `ERR_IPEASY_FTP_REFUSED`, `ERR_IPEASY_CANNOT_RESOLVE`,
   * `ERR_IPEASY_CONTEXT_NOT_ACTIVE`, `ERR_AT_UNSAFE_TEXT`, `ERR_AT_LINE_TOO_LONG`.
   */
  async ftp(options: FtpOptions & AbortOptions): Promise<IpEasyFtp> {
    await this.#ready();
    if (this.#ftp !== undefined) {
      throw new CellmuxError('ERR_IPEASY_FTP_ALREADY_CONNECTED', 'there is an FTP session already', {
        hint: 'Close it first: the module has one.',
      });
    }
    const opening = IpEasyFtp.open(
      {
        lane: this.#lanes.forStream(),
        clock: this.#options.clock,
        timeoutMs: this.#options.timeoutMs,
        onClosed: () => {
          if (this.#ftp === opening) this.#ftp = undefined;
        },
      },
      options,
    );
    this.#ftp = opening;
    opening.catch(() => {
      if (this.#ftp === opening) this.#ftp = undefined;
    });
    return opening;
  }

  /** `#SS`: what all connIds are doing. */
  status({ signal }: AbortOptions = {}): Promise<readonly SocketStatus[]> {
    return this.#lanes.any().run((at) => this.#table.askStatus(at), { signal });
  }

  /** `#SI`: the counters of all connIds. */
  info({ signal }: AbortOptions = {}): Promise<readonly SocketInfo[]> {
    return this.#lanes.any().run(
      async (at) => {
        const { lines } = await at.command('AT#SI', { timeoutMs: this.#options.timeoutMs });
        return lines.map(parseSocketInfo).filter((info) => info !== undefined);
      },
      { signal },
    );
  }

  /** `#SCFG?` and `#SCFGEXT?`: the settings of all connIds as the module has them, in its units. */
  settings({ signal }: AbortOptions = {}): Promise<SocketSettingsTable> {
    const { timeoutMs } = this.#options;
    return this.#lanes.any().run(
      async (at) => {
        const { lines } = await at.command('AT#SCFG?', { timeoutMs });
        const extended = await at.command('AT#SCFGEXT?', { timeoutMs });
        return {
          sockets: lines.map(parseSocketConfig).filter((config) => config !== undefined),
          extended: extended.lines.map(parseExtendedSocketConfig).filter((config) => config !== undefined),
        };
      },
      { signal },
    );
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
    const ftp = await this.#ftp?.catch(() => undefined);
    await ftp?.close().catch(() => undefined);
    for (const server of this.#servers) server.close();
    this.#factory.destroyAll();
    await this.#table.close(reason);
    this.#lanes.fail(reason);
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    for (const leave of this.#leaveCommandSet) leave();
    this.#events.complete();
    this.#factory.complete();
  }

  async #prepare({ signal }: AbortOptions): Promise<void> {
    const { timeoutMs } = this.#options;
    for (const lane of this.#lanes.all) {
      await lane.run(
        async (at) => {
          await at.command('ATE0', { timeoutMs });
          await at.command('AT+CMEE=1', { timeoutMs });
          await keepEscapeFromPeers(at, timeoutMs);
        },
        { signal },
      );
    }
    const closedLeftovers = await this.#lanes.any().run(
      async (at) => {
        try {
          // Own sockets are in use when it is done again: they are nobody's leftovers.
          const closed = this.#table.users.length === 0 ? await this.#setup.closeLeftovers(at) : 0;
          await this.#setup.configure(at, (connId) => !this.#table.isUsed(connId));
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

  #serverHost(transport: 'tcp' | 'udp') {
    return {
      ...this.#dialHost,
      transport,
      ready: () => this.#ready(),
      firewall: this.firewall,
      cid: this.#options.sockets.cid,
      emit: (event: IpEasyEvent) => {
        this.#emit(event);
      },
    };
  }

  /** At least one connId must be bound to a context that is to be activated. */
  async #bindSome(at: AtClient, cid: number): Promise<void> {
    for (let connId = 1; connId <= CONNECTIONS; connId++) if (this.#setup.cidOf(connId) === cid) return;
    // From the other end: connId 1 should stay with the first context, for FTP and e-mail.
    for (let connId = CONNECTIONS; connId >= 1; connId--) {
      if (this.#table.isUsed(connId)) continue;
      await this.#setup.bind(at, connId, cid);
      return;
    }
  }

  #keep<Server extends { close(): unknown; once(event: 'close', listener: () => void): unknown }>(
    server: Server,
  ): Server {
    this.#servers.add(server);
    server.once('close', () => this.#servers.delete(server));
    return server;
  }

  #listenTo(lane: AtLane): void {
    const lost = (error: unknown): void => {
      if (this.#closing !== undefined || lane.closedBy !== undefined) return;
      const reason = new CellmuxError('ERR_IPEASY_LINE_LOST', `AT port ${lane.index + 1} was lost`, {
        cause: error,
        hint: 'The line or the multiplexer below went down: start it again, then use a new IpEasy.',
      });
      lane.fail(reason);
      this.#table.portLost(lane, reason);
      this.#emit({ type: 'portLost', portIndex: lane.index, error });
    };
    this.#subscriptions.push(
      lane.at.urcs$.subscribe({
        next: ({ text }) => {
          this.#table.indication(lane, text);
        },
        error: lost,
        complete: () => {
          lost(undefined);
        },
      }),
    );
  }

  #emit(event: IpEasyEvent): void {
    this.#events.next(event);
    if (diagnostics.hasSubscribers) diagnostics.publish(event);
  }
}
