import type { CommandContext, CommandResult } from '@cellmux/at';
import type { Cancel } from '@cellmux/port';
import type { PortSession } from '../module/module-services.ts';
import { listenTcp, listenUdp, type Listener } from './listener.ts';
import { ReceiveBuffer, type DatagramRead } from './machine/receive-buffer.ts';
import type { ConnId, SocketConfiguration, SocketExtendedConfiguration } from './machine/socket-settings.ts';
import {
  SOCKET_ERRORS,
  SOCKET_STATUS,
  socketStep,
  type SocketAnswer,
  type SocketEffect,
  type SocketEvent,
  type SocketState,
} from './machine/socket-transitions.ts';
import { OnlineExchange } from './online-exchange.ts';
import type { SocketTable } from './socket-table.ts';
import { connectTransport } from './tcp-transport.ts';
import { OpenFailure, type Endpoint, type Transport } from './transport.ts';
import { openUdp } from './udp-transport.ts';

/** How long #SH waits for the peer to take what was sent, before it gives up. */
export const SHUTDOWN_WAIT_MS = 10_000;
/** How long a name may take to be resolved. */
export const RESOLVE_TIMEOUT_MS = 20_000;

/** What #SD asks for. */
export interface DialRequest {
  readonly transport: 'tcp' | 'udp';
  readonly port: number;
  readonly host: string;
  /** 0: close when the peer closes. 255: stay until the host ends it. */
  readonly closureType: number;
  readonly localPort: number;
  readonly online: boolean;
}

/** What #SL and #SLUDP ask for. */
export interface ListenRequest {
  readonly transport: 'tcp' | 'udp';
  readonly port: number;
  readonly closureType: number;
}

type Context = CommandContext<PortSession>;

/** Why a connId was closed last, as #SLASTCLOSURE numbers it. */
export const CLOSURE = { none: 0, remoteFin: 1, remoteReset: 2, inactivity: 3, network: 4 } as const;

/** One connId: its state, its connection or listener, and what the host has not read. */
export class ModuleSocket {
  readonly connId: ConnId;
  /** Bytes given to the network, and bytes given to the host, since the last open. */
  sent = 0;
  received = 0;
  /** `<dir>` of #ST: 0 none, 1 dialer, 2 listener. */
  direction = 0;
  lastClosure = 0;
  readonly #table: SocketTable;
  readonly #buffer = new ReceiveBuffer();
  #state: SocketState = 'closed';
  #owner: PortSession | undefined;
  #transport: Transport | undefined;
  #listener: Listener | undefined;
  #listenPort = 0;
  #listenTransport: 'tcp' | 'udp' = 'tcp';
  #shownLocal: Endpoint = { address: '', port: 0 };
  #shownRemote: Endpoint = { address: '', port: 0 };
  #closureType = 0;
  #cid = 0;
  #peerGone = false;
  #exchange: OnlineExchange | undefined;
  #dialing: AbortController | undefined;
  #lastActivityMs = 0;
  #inactivity: Cancel | undefined;
  #announcementQueued = false;
  #announced = false;

  constructor(connId: ConnId, table: SocketTable) {
    this.connId = connId;
    this.#table = table;
  }

  get state(): SocketState {
    return this.#state;
  }
  get configuration(): SocketConfiguration {
    return this.#table.settings.configuration(this.connId);
  }
  get extended(): SocketExtendedConfiguration {
    return this.#table.settings.extended(this.connId);
  }
  /** The context that it works on while it is not closed. */
  get cid(): number {
    return this.#cid;
  }
  /** Bytes that the host has not read. */
  get unreadBytes(): number {
    return this.#buffer.length;
  }
  /** Bytes that have not left yet; 0 for UDP. */
  get unacknowledgedBytes(): number {
    return this.#transport?.kind === 'tcp' ? this.#transport.queuedBytes : 0;
  }
  get transport(): Transport | undefined {
    return this.#transport;
  }
  get listenPort(): number {
    return this.#listenPort;
  }
  get listenTransport(): 'tcp' | 'udp' {
    return this.#listenTransport;
  }
  get closureType(): number {
    return this.#closureType;
  }
  get kind(): 'tcp' | 'udp' | undefined {
    return this.#transport?.kind;
  }

  /** The fields of #SS behind the connId. */
  status(): string {
    const status = SOCKET_STATUS[this.#state];
    const { address, port } = this.#shownLocal;
    if (status === 0) return '0';
    if (status === SOCKET_STATUS.listening) return `${status},${address},${port}`;
    return `${status},${address},${port},${this.#shownRemote.address},${this.#shownRemote.port}`;
  }

  /** #SD. */
  async dial(context: Context, request: DialRequest): Promise<CommandResult> {
    const refused = this.#refusal('dial');
    if (refused !== undefined) return refused;
    const { cid } = this.configuration;
    const local = this.#table.contexts.addressOf(cid);
    if (local === undefined) return { cme: SOCKET_ERRORS.contextNotOpened };
    if (request.online && !this.#table.mayGoOnline()) return { cme: SOCKET_ERRORS.wrongMode };
    this.#apply('dial');
    this.#begin(context.session, cid, request.closureType, 1);
    const dialing = new AbortController();
    this.#dialing = dialing;
    const abort = (): void => {
      dialing.abort(context.signal.reason);
    };
    context.signal.addEventListener('abort', abort, { once: true });
    try {
      if (context.signal.aborted) abort();
      const transport = await this.#open(request, dialing.signal);
      if (dialing.signal.aborted || this.#state !== 'opening') {
        transport.abort();
        throw new OpenFailure(SOCKET_ERRORS.remoteDisconnected);
      }
      this.#shownLocal = { address: local, port: this.#table.shownLocalPort(transport.local.port) };
      this.#apply(request.online ? 'openedOnline' : 'openedCommand');
      this.#take(transport);
    } catch (error) {
      if (this.#dialing === dialing) this.#apply('openFailed');
      if (!(error instanceof OpenFailure)) throw error;
      this.#table.report(this.connId, `could not connect: ${error.cme}`);
      return this.#table.options.dialFailure === 'noCarrier' ? 'NO CARRIER' : { cme: error.cme };
    } finally {
      context.signal.removeEventListener('abort', abort);
      if (this.#dialing === dialing) this.#dialing = undefined;
    }
    this.#table.report(this.connId, 'connected');
    return request.online ? this.#goOnline(context) : 'OK';
  }

  /** #SO. */
  async resume(context: Context): Promise<CommandResult> {
    const refused = this.#refusal('resume');
    if (refused !== undefined) return refused;
    if (!this.#table.mayGoOnline()) return { cme: SOCKET_ERRORS.wrongMode };
    this.#owner = context.session;
    this.#apply('resume');
    return this.#goOnline(context);
  }

  /** #SA. */
  async accept(context: Context, online: boolean): Promise<CommandResult> {
    const refused = this.#refusal(online ? 'accept' : 'acceptCommand', 'OK');
    if (refused !== undefined) return refused;
    if (online && !this.#table.mayGoOnline()) return { cme: SOCKET_ERRORS.wrongMode };
    this.#owner = context.session;
    this.#apply(online ? 'accept' : 'acceptCommand');
    this.#touch();
    this.#watchInactivity();
    if (online) return this.#goOnline(context);
    if (this.#buffer.length > 0) this.#apply('data');
    else if (this.#peerGone) this.#apply('peerFin');
    return 'OK';
  }

  /** #SL and #SLUDP with `<listenState>` 1. */
  async listen(context: Context, request: ListenRequest): Promise<CommandResult> {
    const refused = this.#refusal('listen');
    if (refused !== undefined) return refused;
    const { cid } = this.configuration;
    const local = this.#table.contexts.addressOf(cid);
    if (local === undefined) return { cme: SOCKET_ERRORS.contextNotOpened };
    if (this.#table.isListening(request.transport, request.port)) return { cme: SOCKET_ERRORS.alreadyListening };
    this.#begin(context.session, cid, request.closureType, 2);
    this.#listenPort = request.port;
    this.#listenTransport = request.transport;
    this.#shownLocal = { address: local, port: request.port };
    this.#apply('listen');
    try {
      const { listenHost, listenPorts } = this.#table.options;
      const listener = await (request.transport === 'tcp' ? listenTcp : listenUdp)({
        address: listenHost,
        port: listenPorts[request.port] ?? request.port,
        clock: this.#table.clock,
        handlers: {
          admits: (remote) => this.#state === 'listening' && this.#table.admits(remote.address),
          connected: (transport) => {
            this.#onConnection(transport);
          },
          failed: () => {
            this.#apply('contextLost');
          },
        },
      });
      // A state that has moved on means that it was closed meanwhile; the listener that came late goes too.
      if ((this.#state as SocketState) === 'closed') listener.stop();
      else this.#listener = listener;
      this.#table.report(this.connId, `listening on ${listener.endpoint.address}:${listener.endpoint.port}`);
      return 'OK';
    } catch (error) {
      if (!(error instanceof OpenFailure)) throw error;
      this.#apply('unlisten');
      return { cme: error.cme };
    }
  }

  /** #SL and #SLUDP with `<listenState>` 0. */
  unlisten(): CommandResult {
    return this.#result(this.#apply('unlisten'));
  }

  /** #SH. Resolves when the peer has everything, or after {@link SHUTDOWN_WAIT_MS}. */
  async shutdown(): Promise<CommandResult> {
    const transport = this.#transport;
    const answer = this.#apply('shutdown');
    if (answer === 'OK' && transport !== undefined && !transport.isClosed) {
      let cancel: Cancel = () => undefined;
      const timeout = new Promise<void>((resolve) => {
        cancel = this.#table.clock.after(SHUTDOWN_WAIT_MS, resolve);
      });
      await Promise.race([transport.flushed(), timeout]);
      cancel();
      if (transport.queuedBytes > 0) transport.abort();
    }
    return this.#result(answer);
  }

  /** Takes what #SRECV asks for, or says why not. */
  receive(maximum: number, datagram: boolean): DatagramRead | CommandResult {
    const refused = this.#refusal('receive');
    if (refused !== undefined) {
      const empty = this.#state === 'suspended';
      return empty ? { cme: this.#table.options.srecvEmptyCme } : refused;
    }
    const read = datagram
      ? this.#buffer.takeDatagram(maximum)
      : { bytes: this.#buffer.take(maximum), left: 0, source: undefined };
    this.received += read.bytes.length;
    this.#touch();
    this.#announced = false;
    this.#afterRead();
    return read;
  }

  /** Whether #SSEND may ask for its text: undefined, or the answer. */
  sendRefusal(): CommandResult | undefined {
    const refused = this.#refusal('send');
    if (refused !== undefined) return refused;
    if (this.direction === 2 && !this.#table.options.sendOnAccepted) return { cme: SOCKET_ERRORS.operationNotAllowed };
    return undefined;
  }

  /** Sends what #SSEND was given: resolves when it has left. */
  async send(bytes: Uint8Array): Promise<CommandResult> {
    const refused = this.#refusal('send');
    const transport = this.#transport;
    if (refused !== undefined || transport === undefined || transport.isClosed) return { cme: SOCKET_ERRORS.txError };
    const encoded = this.#table.encoder(this.connId).encodeWhole(bytes);
    transport.write(encoded);
    this.sent += encoded.length;
    this.#touch();
    return (await transport.flushed()) ? 'OK' : { cme: SOCKET_ERRORS.txError };
  }

  /** The network or the module took the context. `silent` is a power cycle: nothing is said. */
  contextLost(silent = false): void {
    this.lastClosure ||= this.#state === 'closed' ? CLOSURE.none : CLOSURE.network;
    if (silent) this.#owner = undefined;
    this.#dialing?.abort();
    this.#apply('contextLost');
  }

  /** A port is gone: nothing is said to it any more. Its online socket is suspended by the end of its data phase. */
  sessionClosed(session: PortSession): void {
    if (this.#owner !== session) return;
    this.#owner = undefined;
    this.#announcementQueued = false;
  }

  #begin(session: PortSession, cid: number, closureType: number, direction: number): void {
    this.#owner = session;
    this.#cid = cid;
    this.#closureType = closureType;
    this.direction = direction;
    this.sent = 0;
    this.received = 0;
    this.lastClosure = CLOSURE.none;
    this.#peerGone = false;
    this.#announced = false;
    this.#buffer.clear();
    this.#table.encoder(this.connId).reset();
  }

  async #open(request: DialRequest, signal: AbortSignal): Promise<Transport> {
    const { clock, resolver } = this.#table.module;
    const resolving = new AbortController();
    const cancel = clock.after(RESOLVE_TIMEOUT_MS, () => {
      resolving.abort();
    });
    const both = AbortSignal.any([signal, resolving.signal]);
    const target = await resolver.target(request.host, request.port, request.transport, both).catch(() => undefined);
    cancel();
    if (signal.aborted) throw new OpenFailure(SOCKET_ERRORS.remoteDisconnected);
    if (target === undefined) throw new OpenFailure(SOCKET_ERRORS.cannotResolve);
    this.#shownRemote = { address: target.shownAddress, port: target.shownPort };
    const { address, port } = target;
    if (request.transport === 'udp') return openUdp({ address, port, localPort: request.localPort });
    return connectTransport({ address, port, timeoutMs: this.configuration.connTo * 100, clock, signal });
  }

  #onConnection(transport: Transport): void {
    const owner = this.#owner;
    if (this.#state !== 'listening' || owner === undefined) {
      transport.abort();
      return;
    }
    this.#shownRemote = { address: this.#table.shownAddress(transport.remote.address), port: transport.remote.port };
    const automatic = this.extended.listenAutoRsp === 1 && this.#table.options.listenAutoAccept;
    this.#begin(owner, this.#cid, this.#closureType, 2);
    const { effects } = socketStep(this.#state, 'peerConnects');
    this.#state = 'incoming';
    this.#take(transport);
    if (!automatic) {
      this.#run(effects);
      return;
    }
    void owner.server.unsolicited(async (context: Context) => {
      const result = this.#state === 'incoming' ? await this.accept(context, true) : 'silent';
      return typeof result === 'object' ? 'silent' : result;
    });
  }

  #take(transport: Transport): void {
    this.#transport = transport;
    if (this.extended.keepalive > 0) transport.setKeepAlive(this.extended.keepalive);
    this.#touch();
    this.#watchInactivity();
    transport.start({
      readable: () => {
        if (this.#transport === transport) this.#pull();
      },
      peerFinished: () => {
        if (this.#transport === transport) this.#onPeerGone(false);
      },
      broken: () => {
        if (this.#transport === transport) this.#onPeerGone(true);
      },
      drained: () => {
        this.#exchange?.drained();
      },
    });
  }

  /** Takes from the network as much as there is room for. */
  #pull(): void {
    const window = this.#table.options.receiveWindowBytes;
    for (;;) {
      const got = this.#transport?.read(window - this.#buffer.length);
      if (got === undefined) return;
      const bytes = this.#table.encoder(this.connId).decode(got.bytes);
      this.#buffer.push(bytes, got.source);
      this.#touch();
      if (bytes.length === 0) continue;
      this.#apply('data');
      this.#exchange?.wake();
    }
  }

  #onPeerGone(broken: boolean): void {
    this.#peerGone = true;
    this.lastClosure ||= broken ? CLOSURE.remoteReset : CLOSURE.remoteFin;
    if (broken && this.#table.options.unreadAfterReset === 'dropped') this.#buffer.clear();
    // <closureType> 255 outlives the peer's FIN, not a reset.
    if (!broken && this.#closureType === 255 && this.#state !== 'incoming') return;
    if (this.#state === 'incoming' && !broken && this.#buffer.length > 0) return;
    this.#apply(broken ? 'peerReset' : 'peerFin');
    if (this.#state === 'pending' && this.#buffer.length === 0) this.#apply('delivered');
  }

  /** Bytes were read: there is room, and perhaps nothing left. */
  #afterRead(): void {
    this.#pull();
    if (this.#state !== 'pending') return;
    if (this.#buffer.length > 0) this.#announce();
    else this.#apply(this.#endsWhenRead() ? 'delivered' : 'drained');
  }

  #endsWhenRead(): boolean {
    return this.#peerGone && (this.#closureType !== 255 || this.#transport?.isClosed !== false);
  }

  async #goOnline(context: Context): Promise<CommandResult> {
    const transport = this.#transport;
    const phase = await context.connect();
    if (transport === undefined || this.#state !== 'online') {
      await phase.close();
      return 'NO CARRIER';
    }
    const { pktSz, txTo } = this.configuration;
    const codec = this.#table.encoder(this.connId);
    const exchange = new OnlineExchange({
      phase,
      transport,
      clock: this.#table.clock,
      pktSz,
      txTo,
      forwardCharacter: this.#table.forwardCharacter,
      restartTimer: this.#table.options.txTimerFrom === 'last',
      owner: {
        take: (maximum) => {
          const bytes = this.#buffer.take(maximum);
          if (bytes.length > 0) this.#pull();
          return bytes;
        },
        putBack: (bytes) => {
          this.#buffer.unshift(bytes);
        },
        moved: (direction, bytes) => {
          if (direction === 'toHost') this.received += bytes;
          else this.sent += bytes;
          this.#touch();
        },
        isFinished: () => this.#buffer.length === 0 && this.#endsWhenRead(),
        overrun: (bytes) => {
          this.#table.report(this.connId, `the host ignored flow control: ${bytes} bytes dropped`);
        },
        encode: (bytes) => codec.encode(bytes),
      },
    });
    this.#exchange = exchange;
    const why = await exchange.run();
    const tail = codec.finish();
    if (tail.length > 0 && !transport.isClosed) transport.write(tail);
    this.#exchange = undefined;
    // Closed meanwhile (inactivity, a lost context): the state has moved on already.
    if (this.#state !== 'online' || this.#transport !== transport) return 'NO CARRIER';
    if (why === 'closed') return this.#result(this.#apply('delivered'));
    if (why === 'escaped' || why === 'lineLost') return this.#suspend();
    return this.#result(this.#apply('hangUp'));
  }

  #suspend(): CommandResult {
    if (this.#peerGone && this.#buffer.length === 0) return this.#result(this.#apply('delivered'));
    const answer = this.#apply('escape');
    this.#announced = false;
    if (this.#buffer.length > 0) this.#apply('data');
    return this.#result(answer);
  }

  #touch(): void {
    this.#lastActivityMs = this.#table.clock.now();
  }

  /** `<maxTo>`: one timer that looks, when it is due, how long nothing has moved. */
  #watchInactivity(): void {
    this.#inactivity?.();
    const limitMs = this.configuration.maxTo * 1000;
    if (limitMs === 0) return;
    const idleMs = this.#table.clock.now() - this.#lastActivityMs;
    this.#inactivity = this.#table.clock.after(Math.max(limitMs - idleMs, 1), () => {
      this.#inactivity = undefined;
      if (this.#table.clock.now() - this.#lastActivityMs < limitMs || this.#state === 'incoming') {
        this.#watchInactivity();
        return;
      }
      this.lastClosure ||= CLOSURE.inactivity;
      this.#apply('inactive');
    });
  }

  /** SRING: queued once, made when the port can print it, so that nothing stale or endless waits behind a busy port. */
  #announce(): void {
    const owner = this.#owner;
    if (this.#announcementQueued || owner === undefined) return;
    if (this.extended.srMode === 0 && this.#announced) return;
    this.#announcementQueued = true;
    void owner.server.unsolicited((context: Context) => {
      if (this.#owner !== owner) return 'silent';
      this.#announcementQueued = false;
      if (this.#state !== 'pending' || this.#buffer.length === 0) return 'silent';
      this.#announced = true;
      context.info(this.#announcement());
      return 'silent';
    });
  }

  #announcement(): string {
    const { srMode, recvDataMode } = this.extended;
    const amount = this.#buffer.length;
    if (srMode === 0) return `SRING: ${this.connId}`;
    if (srMode === 1) return `SRING: ${this.connId},${amount}`;
    const { viewBytes } = this.#table.options;
    if (srMode === 3 && this.kind === 'udp') {
      const { bytes, left, source } = this.#buffer.takeDatagram(viewBytes);
      this.#viewed(bytes.length);
      const from = `"${source?.address ?? ''}",${source?.port ?? 0}`;
      return `SRING: ${from},${this.connId},${bytes.length},${left},${this.#table.present(bytes, recvDataMode)}`;
    }
    const bytes = this.#buffer.take(viewBytes);
    this.#viewed(bytes.length);
    return `SRING: ${this.connId},${amount},${this.#table.present(bytes, recvDataMode)}`;
  }

  #viewed(bytes: number): void {
    this.received += bytes;
    this.#touch();
    // Behind this line: the next one, or the end.
    queueMicrotask(() => {
      this.#announced = false;
      this.#afterRead();
    });
  }

  #say(make: (context: Context) => CommandResult): void {
    void this.#owner?.server.unsolicited(make);
  }

  /** What the table answers to a command that it refuses; undefined when the command may go on. */
  #refusal(event: SocketEvent, accepted?: SocketAnswer): CommandResult | undefined {
    const { answer } = socketStep(this.#state, event);
    return answer === undefined || answer === accepted ? undefined : this.#result(answer);
  }

  #result(answer: SocketAnswer | undefined): CommandResult {
    return typeof answer === 'number' ? { cme: answer } : (answer ?? 'OK');
  }

  #apply(event: SocketEvent): SocketAnswer | undefined {
    const before = this.#state;
    const { to, effects, answer } = socketStep(before, event);
    this.#state = to;
    this.#run(effects);
    // Whatever ended it, a call that is still online ends with it.
    if (before === 'online' && to === 'closed') this.#exchange?.hangUp();
    if (to === 'closed' && before !== 'closed') this.#table.report(this.connId, `closed (${event})`);
    return answer;
  }

  #run(effects: readonly SocketEffect[]): void {
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: SocketEffect): void {
    switch (effect) {
      case 'close':
      case 'abort':
      case 'refusePeer': {
        const transport = this.#transport;
        this.#transport = undefined;
        this.#dialing?.abort();
        if (effect !== 'refusePeer') this.#inactivity?.();
        if (effect === 'close') {
          // What the host typed last is still in the exchange.
          this.#exchange?.hangUp();
          transport?.end();
        } else transport?.abort();
        return;
      }
      case 'dropBuffer':
        this.#buffer.clear();
        return;
      case 'startListening':
        return;
      case 'stopListening':
        this.#listener?.stop();
        this.#listener = undefined;
        return;
      case 'announce':
        this.#announce();
        return;
      case 'ring':
        this.#say((context) => {
          if (this.#state === 'incoming') context.info(`SRING: ${this.connId}`);
          return 'silent';
        });
        return;
      case 'noCarrier':
        this.#say(() => 'NO CARRIER');
        return;
      case 'listenerAborted':
        this.#say((context) => {
          context.info('#SL: ABORTED');
          return 'silent';
        });
        return;
      case 'closeWhenDelivered':
        this.#exchange?.wake();
        return;
    }
  }
}
