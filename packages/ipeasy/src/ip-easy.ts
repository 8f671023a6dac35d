import type { AtClient } from '@cellmux/at';
import { CellmuxError, checkInteger, diagnosticsChannel, type AbortOptions } from '@cellmux/port';
import { Subject, type Observable, type Subscription } from 'rxjs';
import type { AtLane } from './at-lane.ts';
import { useCommandSets } from './command-set.ts';
import type { TransferSettings } from './command-transfer.ts';
import type { DialHost } from './conn-id-dial.ts';
import { closedError, Connector, type ConnectListener } from './connector.ts';
import type { ActivationParameters, ContextDefinition, ContextState } from './contexts.ts';
import type { SocketInfo, SocketStatus } from './core/socket-status.ts';
import type { ConnectOptions, CreateConnectionOptions } from './dial-settings.ts';
import { Firewall } from './firewall.ts';
import type { FtpOptions } from './ftp/ftp-options.ts';
import { IpEasyFtp } from './ftp/ip-easy-ftp.ts';
import type { IpEasyDatagramSocket } from './ip-easy-datagram-socket.ts';
import { ipEasyError } from './ip-easy-error.ts';
import type { IpEasyEvent } from './ip-easy-event.ts';
import { IpEasyMail } from './ip-easy-mail.ts';
import { resolveOptions, type IpEasyOptions, type ResolvedOptions } from './ip-easy-options.ts';
import type { IpEasyServer, ServerOptions } from './ip-easy-server.ts';
import type { IpEasySocket } from './ip-easy-socket.ts';
import { Lanes, type AtPortState } from './lanes.ts';
import { ModuleContexts } from './module-contexts.ts';
import { Preparation } from './preparation.ts';
import { ServerFactory } from './server-factory.ts';
import { SocketFactory, type AnyIpEasySocket } from './socket-factory.ts';
import { askInfo, askSettings, askStatus, type SocketSettingsTable } from './socket-queries.ts';
import { SocketSetup } from './socket-setup.ts';
import { SocketTable } from './socket-table.ts';

const SEND_TIMEOUT_MS = 150_000;
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
  readonly #options: ResolvedOptions;
  readonly #lanes: Lanes;
  readonly #table: SocketTable;
  readonly #preparation: Preparation;
  readonly #contexts: ModuleContexts;
  readonly #factory: SocketFactory;
  readonly #connector: Connector;
  readonly #servers: ServerFactory;
  readonly #subscriptions: Subscription[] = [];
  readonly #leaveCommandSet: () => void;
  #ftp: Promise<IpEasyFtp> | undefined;
  #closing: Promise<void> | undefined;

  /**
   * @param ports AT clients on a bare line or on virtual ports of one module; all of them are used from here on.
   *
   * @throws CellmuxError `ERR_OPTION_RANGE`, `ERR_IPEASY_MIXED_SETS`
   */
  constructor(ports: readonly AtClient[], options: IpEasyOptions = {}) {
    checkInteger('ports.length', ports.length, 1, 16);
    const resolved = resolveOptions(options);
    const { clock, timeoutMs } = resolved;
    const emit = (event: IpEasyEvent): void => {
      this.#emit(event);
    };
    const ready = (): Promise<void> => this.#ready();
    this.#leaveCommandSet = useCommandSets(ports, 'multisocket');
    const setup = new SocketSetup(resolved.sockets, timeoutMs);
    const lanes = new Lanes(ports, resolved.maxOnlinePorts);
    const table = new SocketTable({
      lanes,
      clock,
      timeoutMs,
      watchMs: resolved.watchMs,
      emit,
      onReset: () => {
        this.#preparation.forget();
      },
    });
    const factory = new SocketFactory({
      clock,
      host: table,
      setup,
      transfer: transferSettings(resolved, setup),
      halfCloseMs: resolved.halfCloseMs,
      highWaterMarkBytes: resolved.highWaterMarkBytes,
      emit,
    });
    const dialHost: DialHost = { lanes, table, setup, timeoutMs, askAddresses: resolved.askAddresses };
    this.#options = resolved;
    this.#lanes = lanes;
    this.#table = table;
    this.#factory = factory;
    this.firewall = new Firewall(lanes, timeoutMs);
    this.mail = new IpEasyMail(() => lanes.any(), timeoutMs);
    this.#preparation = new Preparation({ lanes, setup, table, timeoutMs, emit });
    this.#contexts = new ModuleContexts({ lanes, setup, table, timeoutMs, ready, emit });
    this.#connector = new Connector({ dialHost, factory, options: resolved, ready, emit });
    const { cid } = resolved.sockets;
    this.#servers = new ServerFactory({ dialHost, factory, firewall: this.firewall, cid, ready, emit });
    this.events$ = this.#events.asObservable();
    this.sockets$ = factory.sockets$;
    this.ports$ = lanes.states$;
    for (const lane of lanes.all) this.#listenTo(lane);
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
    return this.#preparation.prepare(options);
  }

  /** Defines a context. Rejects with `ERR_AT_UNSAFE_TEXT`, `ERR_OPTION_RANGE`, or as the module refuses. */
  defineContext(definition: ContextDefinition, options: AbortOptions = {}): Promise<void> {
    return this.#contexts.define(definition, { signal: options.signal ?? definition.signal });
  }

  /**
   * Activates a context and gives its address; one that is active already is fine. Takes up to 150 s. Rejects with
   * `ERR_IPEASY_ACTIVATION_FAILED`, `ERR_IPEASY_AUTH_FAILED`, `ERR_IPEASY_NO_NETWORK` or `ERR_IPEASY_SIM`.
   */
  activate(parameters: ActivationParameters, options: AbortOptions = {}): Promise<{ address: string }> {
    return this.#contexts.activate(parameters, { signal: options.signal ?? parameters.signal });
  }

  /** Deactivates a context; its sockets end with `ERR_IPEASY_CONTEXT_LOST`. */
  deactivate(cid: number, options: AbortOptions = {}): Promise<void> {
    return this.#contexts.deactivate(cid, options);
  }

  /** All contexts that the module knows for IP Easy, and which are active. */
  contexts(options: AbortOptions = {}): Promise<readonly ContextState[]> {
    return this.#contexts.list(options);
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

  /**
   * A server for TCP connections from the network; see {@link firewall} for who may connect. Call `listen(port)` on it.
   *
   * @throws CellmuxError `ERR_OPTION_RANGE`
   */
  createServer(options: ServerOptions = {}, onConnection?: (socket: IpEasySocket) => void): IpEasyServer<IpEasySocket> {
    return this.#servers.createServer(options, onConnection);
  }

  /**
   * A server for UDP (`#SLUDP`): the first datagram of a peer makes a socket with that peer.
   *
   * @throws CellmuxError `ERR_OPTION_RANGE`
   */
  createDatagramServer(
    options: ServerOptions = {},
    onConnection?: (socket: IpEasyDatagramSocket) => void,
  ): IpEasyServer<IpEasyDatagramSocket> {
    return this.#servers.createDatagramServer(options, onConnection);
  }

  /** Listens on a port; resolves when the module does. Rejects as the server's `error` says. */
  listen(
    options: ServerOptions & AbortOptions & { readonly port: number },
    onConnection?: (socket: IpEasySocket) => void,
  ): Promise<IpEasyServer<IpEasySocket>> {
    return this.#servers.listen(() => this.createServer(options, onConnection), options.port, options);
  }

  /** The same for UDP. */
  listenDatagrams(
    options: ServerOptions & AbortOptions & { readonly port: number },
    onConnection?: (socket: IpEasyDatagramSocket) => void,
  ): Promise<IpEasyServer<IpEasyDatagramSocket>> {
    return this.#servers.listen(() => this.createDatagramServer(options, onConnection), options.port, options);
  }

  /**
   * Opens the FTP session of the module; it has one. Context 1 must be active, and a connId bound to it. Rejects with
   * `ERR_IPEASY_FTP_ALREADY_CONNECTED` while another one is open, `ERR_IPEASY_FTP_OTHER_PORT` when it was opened on
   * another AT port of the module, `ERR_IPEASY_FTP_REFUSED`, `ERR_IPEASY_CANNOT_RESOLVE`,
   * `ERR_IPEASY_CONTEXT_NOT_ACTIVE`, `ERR_AT_UNSAFE_TEXT`, `ERR_AT_LINE_TOO_LONG`.
   */
  async ftp(options: FtpOptions & AbortOptions): Promise<IpEasyFtp> {
    await this.#ready();
    if (this.#ftp !== undefined) {
      throw new CellmuxError('ERR_IPEASY_FTP_ALREADY_CONNECTED', 'there is an FTP session already', {
        hint: 'Close it first: the module has one.',
      });
    }
    const { clock, timeoutMs } = this.#options;
    const onClosed = (): void => {
      if (this.#ftp === opening) this.#ftp = undefined;
    };
    const opening = IpEasyFtp.open({ lane: this.#lanes.forStream(), clock, timeoutMs, onClosed }, options);
    this.#ftp = opening;
    opening.catch(onClosed);
    return opening;
  }

  /** `#SS`: what all connIds are doing. */
  status(options: AbortOptions = {}): Promise<readonly SocketStatus[]> {
    return this.#ask('the status of the sockets', askStatus, options);
  }

  /** `#SI`: the counters of all connIds. */
  info(options: AbortOptions = {}): Promise<readonly SocketInfo[]> {
    return this.#ask('the counters of the sockets', askInfo, options);
  }

  /** `#SCFG?` and `#SCFGEXT?`: the settings of all connIds as the module has them, in its units. */
  settings(options: AbortOptions = {}): Promise<SocketSettingsTable> {
    return this.#ask('the settings of the sockets', askSettings, options);
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
    this.#servers.closeAll();
    this.#factory.destroyAll();
    await this.#table.close(reason);
    this.#lanes.fail(reason);
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    this.#leaveCommandSet();
    this.#events.complete();
    this.#factory.complete();
  }

  #ready(): Promise<void> {
    return this.#closing === undefined ? this.#preparation.ready() : Promise.reject(closedError());
  }

  async #ask<T>(
    what: string,
    query: (at: AtClient, timeoutMs: number) => Promise<T>,
    { signal }: AbortOptions,
  ): Promise<T> {
    try {
      return await this.#lanes.any().run((at) => query(at, this.#options.timeoutMs), { signal });
    } catch (error) {
      throw ipEasyError(error, what);
    }
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

/** The limits are known once the module has been asked. */
function transferSettings(options: ResolvedOptions, setup: SocketSetup): TransferSettings {
  return {
    receiveBytes: options.receiveBytes,
    receiveTimeoutMs: options.timeoutMs,
    sendTimeoutMs: SEND_TIMEOUT_MS,
    dataMode: options.sockets.dataMode,
    get sendBytes() {
      return Math.min(options.sendBytes ?? setup.sendLimitBytes, setup.sendLimitBytes);
    },
    get sendCommand() {
      return setup.sendCommand;
    },
  };
}
