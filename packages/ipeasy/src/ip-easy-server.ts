import { EventEmitter } from 'node:events';
import type { DataCall } from '@cellmux/at';
import { CellmuxError, checkInteger, checkOneOf, hasCode } from '@cellmux/port';
import { take } from 'rxjs';
import type { AtLane } from './at-lane.ts';
import { onClosedConnId } from './close-conn-id.ts';
import { askEndpoints, type DialHost } from './conn-id-dial.ts';
import type { ConnIdUser } from './conn-id-user.ts';
import type { Firewall } from './firewall.ts';
import type { IpEasyEvent } from './ip-easy-event.ts';
import { ipEasyError, isRefusal } from './ip-easy-error.ts';
import type { Endpoints } from './ip-easy-socket.ts';
import { ListeningConnId } from './listening-conn-id.ts';

/** Somebody who wants to connect, as far as the module tells. */
export interface IncomingConnection {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  /** The port listened on. */
  readonly port: number;
}

/** Options of {@link IpEasyServer}. */
export interface ServerOptions {
  /** Context, 1..5; default that of the options. */
  readonly cid?: number | undefined;
  /** Whether to let somebody in; default: everybody whom the firewall lets through. */
  readonly accept?: ((incoming: IncomingConnection) => boolean | Promise<boolean>) | undefined;
  /** How connections begin: `command` (default) shares an AT port, `online` has one for itself. TCP only. */
  readonly mode?: 'command' | 'online' | undefined;
  /**
   * The module accepts by itself and goes online at once (`ListenAutoRsp` of `#SCFGEXT`; the HE863 guide has no such
   * value, modules of other families do). One AT port is kept for that while the server listens: no command that could
   * become data of the connection is given there. Of several ports, the last one that takes commands is never kept. Nobody is asked, and the module does not tell who it is. TCP only,
   * without `accept`. Default false.
   */
  readonly automatic?: boolean | undefined;
  /** Listens on after each connection, as long as a connId is free; default true. */
  readonly rearm?: boolean | undefined;
  /** Keeps this side of accepted connections open when the peer has ended. Default false. */
  readonly allowHalfOpen?: boolean | undefined;
  /** See `ConnectOptions.halfCloseMs`, for accepted connections; default 500. */
  readonly halfCloseMs?: number | undefined;
  /** When all six connIds are taken at `listen()`: queue or fail; default that of the options. */
  readonly whenFull?: 'wait' | 'fail' | undefined;
}

/** A socket that a server hands out. */
interface ServedSocket {
  once(event: 'close', listener: () => void): unknown;
}

/** What an accepted connection becomes. */
export interface Accepted<Socket> {
  readonly user: ConnIdUser & { opened(): void; openedOnline?(call: DataCall): void };
  readonly socket: Socket;
  readonly connected: (endpoints: Endpoints) => void;
  /** Nobody will ever hear of the socket; the connId is not touched. */
  readonly discard: () => void;
}

/** What a server needs of the library around it. */
export interface ServerHost<Socket> extends DialHost {
  readonly transport: 'tcp' | 'udp';
  /** Settles when the module is prepared. */
  readonly ready: () => Promise<void>;
  readonly firewall: Firewall;
  readonly cid: number;
  readonly emit: (event: IpEasyEvent) => void;
  readonly makeSocket: (connId: number, cid: number, lane: AtLane, options: ServerOptions) => Accepted<Socket>;
}

interface ServerEvents<Socket> {
  listening: [];
  connection: [socket: Socket];
  warning: [warning: Error & { readonly code: string }];
  error: [error: Error];
  close: [];
}

/**
 * Listens on a port of the module, in the manner of `net.Server`. Each connection keeps a connId, and while it listens
 * the server keeps one more: five connections at a time at most.
 *
 * Events: `listening`, `connection` (socket), `warning` (nobody can connect: the firewall has no rule), `error`
 * (`ERR_IPEASY_ALREADY_LISTENING`, `ERR_IPEASY_CONTEXT_NOT_ACTIVE`, `ERR_IPEASY_CONTEXT_LOST`,
 * `ERR_IPEASY_NO_ONLINE_PORT`, …; the server is closed then), `close` once it has stopped and all its connections have
 * ended.
 */
export class IpEasyServer<Socket extends ServedSocket>
  extends EventEmitter<ServerEvents<Socket>>
  implements AsyncDisposable
{
  readonly #host: ServerHost<Socket>;
  readonly #options: ServerOptions;
  readonly #abort = new AbortController();
  readonly #sockets = new Set<Socket>();
  #state: 'idle' | 'listening' | 'closed' = 'idle';
  #port = 0;
  #listener: ListeningConnId | undefined;
  #arming: Promise<void> | undefined;
  #hasClosed = false;
  /** Listening on has failed while connections were open. */
  #isOwed = false;

  /** @internal */
  constructor(host: ServerHost<Socket>, options: ServerOptions, onConnection: ((socket: Socket) => void) | undefined) {
    super();
    checkServerOptions(options, host.transport);
    this.#host = host;
    this.#options = options;
    if (onConnection !== undefined) this.on('connection', onConnection);
  }

  /** True from `listening` to the end. */
  get listening(): boolean {
    return this.#state === 'listening';
  }

  /** Connections that are open. */
  get connections(): readonly Socket[] {
    return [...this.#sockets];
  }

  /** Listens on a port, 1..65535. A second call throws `ERR_IPEASY_LISTENING`. */
  listen(port: number, onListening?: () => void): this {
    checkInteger('port', port, 1, 65_535);
    if (this.#state !== 'idle' || this.#port !== 0) {
      throw new CellmuxError('ERR_IPEASY_LISTENING', 'the server has been told to listen before');
    }
    this.#port = port;
    if (onListening !== undefined) this.once('listening', onListening);
    void this.#begin();
    return this;
  }

  async #begin(): Promise<void> {
    const { automatic = false, whenFull = 'wait' } = this.#options;
    try {
      // Later, the port is kept quiet.
      if (automatic) await this.#warn();
      await this.#arm(whenFull);
    } catch (error) {
      this.#failed(error);
      return;
    }
    if (this.#isClosed()) return;
    this.#state = 'listening';
    this.emit('listening');
    if (!automatic) await this.#warn().catch(() => undefined);
  }

  /** Where it listens; null before. The address is that of the context. */
  address(): { readonly port: number; readonly family: 'IPv4' } | null {
    return this.#state === 'listening' ? { port: this.#port, family: 'IPv4' } : null;
  }

  /** Stops listening; connections go on. */
  close(callback?: () => void): this {
    if (callback !== undefined) {
      if (this.#hasClosed) process.nextTick(callback);
      else this.once('close', callback);
    }
    if (this.#state === 'closed') return this;
    this.#state = 'closed';
    this.#abort.abort(new CellmuxError('ERR_IPEASY_CLOSED', 'the server was closed'));
    void this.#stop();
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#hasClosed) return;
    await new Promise<void>((resolve) => this.close(resolve));
  }

  /** What keeps a process alive is the line below. */
  ref(): this {
    return this;
  }

  /** See {@link ref}. */
  unref(): this {
    return this;
  }

  async #stop(): Promise<void> {
    await this.#arming?.catch(() => undefined);
    await this.#listener?.close().catch(() => undefined);
    this.#listener = undefined;
    this.#closeWhenEmpty();
  }

  #closeWhenEmpty(): void {
    if (this.#state !== 'closed' || this.#sockets.size > 0 || this.#hasClosed || this.#listener !== undefined) return;
    this.#hasClosed = true;
    process.nextTick(() => this.emit('close'));
  }

  #arm(whenFull: 'wait' | 'fail'): Promise<void> {
    this.#arming = this.#armNow(whenFull).finally(() => (this.#arming = undefined));
    return this.#arming;
  }

  async #armNow(whenFull: 'wait' | 'fail'): Promise<void> {
    const { table, setup, lanes, timeoutMs, transport } = this.#host;
    const { signal } = this.#abort;
    const { automatic = false, mode } = this.#options;
    const cid = this.#options.cid ?? this.#host.cid;
    await this.#host.ready();
    // Where no port may go online, that is said now and not to the first who connects.
    if (automatic || mode === 'online') lanes.forStream();
    if (automatic) await lanes.whenSpare({ signal });
    const connId = await table.acquire({ signal, whenFull, prefer: (id) => setup.cidOf(id) === cid });
    const lane = automatic ? lanes.forStream() : lanes.any();
    const listener = new ListeningConnId(connId, cid, lane, table, {
      onIncoming: () => {
        void this.#incoming(listener).catch((error: unknown) => {
          this.#failed(error);
        });
      },
      onClosed: (error) => {
        if (this.#listener === listener) this.#listener = undefined;
        if (this.#state === 'closed') this.#closeWhenEmpty();
        else if (error === undefined) this.#rearm();
        else this.#failed(error);
      },
    });
    table.add(listener);
    this.#listener = listener;
    try {
      await lane.run(
        async (at) => {
          await setup.bind(at, connId, cid);
          await setup.extend(at, connId, { acceptsByItself: automatic });
          if (automatic) this.#awaitCall(listener);
          const closure = transport === 'tcp' && this.#options.allowHalfOpen === true ? ',255' : '';
          const line = `AT#SL${transport === 'udp' ? 'UDP' : ''}=${connId},1,${this.#port}${closure}`;
          await onClosedConnId(at, connId, () => at.command(line, { timeoutMs }));
        },
        { signal },
      );
      listener.opened();
      this.#host.emit({ type: 'listening', connId, port: this.#port });
    } catch (error) {
      this.#listener = undefined;
      listener.handedOver();
      table.released(listener);
      throw ipEasyError(error, `port ${this.#port}: listening`);
    }
  }

  #rearm(): void {
    if (this.#state !== 'listening') return;
    if (this.#options.rearm === false) {
      this.close();
      return;
    }
    this.#arm('wait').catch((error: unknown) => {
      // A connection on this port may stand in the way (with UDP it always does): then it is tried when one has ended.
      if (this.#sockets.size > 0 && !hasCode(error, 'ERR_IPEASY_LINE_LOST')) this.#isOwed = true;
      else this.#failed(error);
    });
  }

  #socketClosed(socket: Socket): void {
    this.#sockets.delete(socket);
    this.#closeWhenEmpty();
    if (!this.#isOwed) return;
    this.#isOwed = false;
    this.#rearm();
  }

  /** Answers somebody who connects: the callback decides, and the AT port serves others meanwhile. */
  async #incoming(listener: ListeningConnId): Promise<void> {
    const { lanes, timeoutMs, askAddresses, emit, transport } = this.#host;
    const { accept } = this.#options;
    const { connId, lane, cid } = listener;
    listener.decide();
    const ask = (): Promise<Endpoints | undefined> =>
      lanes.near(lane).run((at) => askEndpoints(at, connId, timeoutMs), { front: true });
    let endpoints = accept === undefined ? undefined : await ask();
    const isWelcome = accept === undefined || (await accept({ ...endpoints, port: this.#port }));
    if (this.#state === 'closed' || !isWelcome) {
      // The module stops listening when it refuses somebody.
      emit({ type: 'incomingRefused', connId, port: this.#port });
      listener.undecided();
      await listener.close().catch(() => undefined);
      if (this.#listener === listener) this.#listener = undefined;
      this.#rearm();
      return;
    }
    const isOnline = this.#options.mode === 'online';
    const onLane = isOnline ? lanes.forStream() : lane;
    const { user, socket, connected, discard } = this.#host.makeSocket(connId, cid, onLane, this.#options);
    // From here on the connId's indications are the connection's: data may be announced right behind the OK.
    this.#host.table.replace(listener, user);
    const release = isOnline ? onLane.reserve() : undefined;
    try {
      if (isOnline) {
        const call = await onLane.run(() => onLane.goOnline(`AT#SA=${connId}`, timeoutMs), { front: true });
        user.openedOnline?.(call);
      } else {
        await lanes.near(lane).run((at) => at.command(`AT#SA=${connId},1`, { timeoutMs }), { front: true });
      }
    } catch (error) {
      this.#host.table.replace(user, listener);
      discard();
      if (!isRefusal(error)) throw ipEasyError(error, `port ${this.#port}: accepting a connection`);
      // Who wanted to connect has gone: what the connId is doing now, #SS tells.
      listener.undecided();
      void this.#host.table.sweep(lane);
      return;
    } finally {
      release?.();
    }
    listener.handedOver();
    if (this.#listener === listener) this.#listener = undefined;
    if (askAddresses && !isOnline) endpoints ??= await ask().catch(() => undefined);
    this.#admit(connId, socket, () => {
      connected(endpoints ?? {});
    });
    // Nothing is read before somebody can hear it.
    user.opened();
    if (transport === 'udp') this.#isOwed = true;
    else this.#rearm();
  }

  #admit(connId: number, socket: Socket, connected: () => void): void {
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#socketClosed(socket);
    });
    this.#host.emit({ type: 'incomingAccepted', connId, port: this.#port });
    connected();
    this.emit('connection', socket);
  }

  /** Keeps the port quiet until the module has gone online on it, or the listener is gone. */
  #awaitCall(listener: ListeningConnId): void {
    const { lane } = listener;
    const release = lane.hold();
    const calls = lane.at.incomingCalls$.pipe(take(1)).subscribe((call) => {
      void this.#cameOnline(listener, call);
    });
    listener.whenLeft(() => {
      calls.unsubscribe();
      release();
    });
  }

  /** The module has accepted somebody. */
  async #cameOnline(listener: ListeningConnId, call: DataCall): Promise<void> {
    const { connId, cid, lane } = listener;
    lane.wentOnline(call);
    const { user, socket, connected, discard } = this.#host.makeSocket(connId, cid, lane, this.#options);
    this.#host.table.replace(listener, user);
    user.openedOnline?.(call);
    listener.handedOver();
    if (this.#listener === listener) this.#listener = undefined;
    // The OK of listening may have come just before.
    await this.#arming?.catch(() => undefined);
    if (this.#isClosed()) {
      discard();
      await user.close().catch(() => undefined);
      this.#closeWhenEmpty();
      return;
    }
    this.#admit(connId, socket, () => {
      connected({});
    });
    this.#rearm();
  }

  #isClosed(): boolean {
    return this.#state === 'closed';
  }

  /** A listener that nobody can reach is most often a forgotten rule. */
  async #warn(): Promise<void> {
    await this.#host.ready();
    const rules = await this.#host.firewall.rules().catch(() => undefined);
    if (rules?.length !== 0) return;
    const message = `port ${this.#port}: the firewall has no rule, so nobody can connect; call firewall.allow(address, mask)`;
    this.#host.emit({ type: 'warning', code: 'WARN_IPEASY_NO_FIREWALL_RULE', message });
    this.emit('warning', Object.assign(new Error(message), { code: 'WARN_IPEASY_NO_FIREWALL_RULE' }));
  }

  #failed(error: unknown): void {
    if (this.#state === 'closed') return;
    this.close();
    this.emit('error', error instanceof Error ? error : new Error(String(error)));
  }
}

/** @throws CellmuxError `ERR_OPTION_RANGE` */
function checkServerOptions({ mode, automatic, accept }: ServerOptions, transport: 'tcp' | 'udp'): void {
  if (mode !== undefined) checkOneOf('mode', mode, transport === 'udp' ? ['command'] : ['command', 'online']);
  if (automatic !== true) return;
  if (transport === 'udp' || accept !== undefined || mode === 'command') {
    throw new CellmuxError('ERR_OPTION_RANGE', 'automatic accepting is for TCP, online, and asks nobody', {
      hint: "Leave out accept and mode: 'command', or automatic.",
      context: { option: 'automatic', value: automatic },
    });
  }
}
