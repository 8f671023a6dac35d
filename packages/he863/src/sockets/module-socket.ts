import type { CommandContext, CommandResult, DataPhaseEnd } from '@cellmux/at';
import type { PortSession } from '../module/module-services.ts';
import type { DatagramRead } from './machine/receive-buffer.ts';
import type { SocketConfiguration, SocketExtendedConfiguration } from './machine/socket-settings.ts';
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
import { openTransport } from './open-transport.ts';
import { SocketConnection } from './socket-connection.ts';
import { SocketListening } from './socket-listening.ts';
import { CLOSURE, DIRECTION, SHUTDOWN_WAIT_MS, type DialRequest, type ListenRequest } from './socket-requests.ts';
import type { SocketTable } from './socket-table.ts';
import { OpenFailure, type Endpoint, type Transport } from './transport.ts';
import { UnsolicitedLines } from './unsolicited-lines.ts';

type Context = CommandContext<PortSession>;

/** What makes one socket different from another. */
export interface ModuleSocketOptions {
  readonly connId: number;
  readonly table: SocketTable;
  /** Its settings as they are now. */
  readonly configuration: () => SocketConfiguration;
  readonly extended: () => SocketExtendedConfiguration;
  /** True: the escape sequence closes, as with the old commands (guide §3.2.2.7). */
  readonly escapeCloses?: boolean;
  /** A listener accepts by itself, and says this first. */
  readonly acceptsWith?: (peer: Endpoint) => string;
}

/** One connId: its state, its connection or listener, and what the host has not read. */
export class ModuleSocket {
  readonly connId: number;
  readonly connection: SocketConnection;
  /** One of {@link DIRECTION}. */
  direction: number = DIRECTION.none;
  /** One of {@link CLOSURE}: the first cause since the last open. */
  lastClosure: number = CLOSURE.none;
  readonly #table: SocketTable;
  readonly #options: ModuleSocketOptions;
  readonly #lines: UnsolicitedLines;
  #state: SocketState = 'closed';
  readonly #listening: SocketListening;
  #shownLocal: Endpoint = { address: '', port: 0 };
  #closureType = 0;
  #cid = 0;
  #exchange: OnlineExchange | undefined;
  #dialing: AbortController | undefined;

  constructor(options: ModuleSocketOptions) {
    this.#options = options;
    this.#table = options.table;
    this.connId = options.connId;
    this.connection = new SocketConnection({
      clock: this.#table.clock,
      windowBytes: this.#table.options.receiveWindowBytes,
      acknowledgeMs: this.#table.options.acknowledgeMs,
      onData: () => {
        this.#apply('data');
        this.#exchange?.wake();
      },
      onPeerGone: (broken) => {
        this.#onPeerGone(broken);
      },
      onDrained: () => {
        this.#exchange?.drained();
      },
      onIdle: () => {
        this.lastClosure ||= CLOSURE.inactivity;
        this.#apply('inactive');
      },
      onOverrun: (bytes) => {
        this.#table.report(this.connId, `the host ignored flow control: ${bytes} bytes dropped`);
      },
    });
    this.#listening = new SocketListening({
      table: this.#table,
      connId: this.connId,
      isWaiting: () => this.#state === 'listening',
      connected: (transport) => {
        this.#onConnection(transport);
      },
      failed: () => {
        this.#apply('contextLost');
      },
    });
    const { buffer } = this.connection;
    this.#lines = new UnsolicitedLines({
      connId: options.connId,
      buffer,
      viewBytes: () => {
        const { viewBytes, viewCounts } = this.#table.options;
        const isHex = this.extended.recvDataMode === 1 && viewCounts === 'characters';
        return isHex ? Math.max(1, viewBytes >> 1) : viewBytes;
      },
      extended: options.extended,
      isDatagram: () => this.kind === 'udp',
      isPending: () => this.#state === 'pending' && buffer.length > 0,
      isRinging: () => this.#state === 'incoming',
      present: (bytes) => this.#table.present(bytes, this.extended.recvDataMode),
      viewed: (bytes) => {
        this.#wasRead(bytes);
      },
    });
  }

  get state(): SocketState {
    return this.#state;
  }
  get configuration(): SocketConfiguration {
    return this.#options.configuration();
  }
  get extended(): SocketExtendedConfiguration {
    return this.#options.extended();
  }
  /** The context that it worked on last. */
  get cid(): number {
    return this.#cid;
  }
  get kind(): 'tcp' | 'udp' | undefined {
    return this.connection.transport?.kind;
  }
  /** What it listens for, while it does. */
  get listening(): ListenRequest | undefined {
    return this.#state === 'listening' || this.#state === 'incoming' ? this.#listening.request : undefined;
  }
  /** The fields of #SS behind the connId. */
  status(): string {
    const status = SOCKET_STATUS[this.#state];
    if (status === SOCKET_STATUS.closed) return '0';
    const local = `${status},${this.#shownLocal.address},${this.#shownLocal.port}`;
    if (status === SOCKET_STATUS.listening) return local;
    const { address, port } = this.connection.shownRemote;
    return `${local},${address},${port}`;
  }

  /** #SD. */
  async dial(context: Context, request: DialRequest): Promise<CommandResult> {
    const refused = this.#refusal('dial');
    if (refused !== undefined) return refused;
    const { cid, connTo } = this.configuration;
    const local = this.#table.contexts.addressOf(cid);
    if (local === undefined) return { cme: SOCKET_ERRORS.contextNotOpened };
    if (request.online && !this.#table.mayGoOnline()) return { cme: SOCKET_ERRORS.wrongMode };
    this.#apply('dial');
    this.#begin(context.session, cid, request.closureType, DIRECTION.dialer);
    const dialing = new AbortController();
    this.#dialing = dialing;
    const signal = AbortSignal.any([context.signal, dialing.signal]);
    try {
      const opened = await openTransport(this.#table.module, { ...request, timeoutMs: connTo * 100, signal });
      if (this.#state !== 'opening') {
        opened.transport.abort();
        throw new OpenFailure(SOCKET_ERRORS.remoteDisconnected);
      }
      this.connection.shownRemote = opened.shownRemote;
      this.#shownLocal = { address: local, port: this.#table.shownLocalPort(opened.transport.local.port) };
      this.#apply(request.online ? 'openedOnline' : 'openedCommand');
      this.#table.report(this.connId, 'connected');
      this.#watch();
      this.#take(opened.transport);
    } catch (error) {
      if (this.#dialing === dialing) this.#apply('openFailed');
      if (!(error instanceof OpenFailure)) throw error;
      this.#table.report(this.connId, `could not connect: ${error.cme}`);
      return this.#table.options.dialFailure === 'noCarrier' ? 'NO CARRIER' : { cme: error.cme };
    } finally {
      if (this.#dialing === dialing) this.#dialing = undefined;
    }
    return request.online ? this.#goOnline(context) : 'OK';
  }

  /** #SO. */
  async resume(context: Context): Promise<CommandResult> {
    const refused = this.#refusal('resume');
    if (refused !== undefined) return refused;
    if (!this.#table.mayGoOnline()) return { cme: SOCKET_ERRORS.wrongMode };
    this.#usedBy(context.session);
    this.#apply('resume');
    return this.#goOnline(context);
  }

  /** #SA. */
  async accept(context: Context, online: boolean): Promise<CommandResult> {
    const event = online ? 'accept' : 'acceptCommand';
    const refused = this.#state === 'incoming' ? undefined : this.#refusal(event);
    if (refused !== undefined) return refused;
    if (online && !this.#table.mayGoOnline()) return { cme: SOCKET_ERRORS.wrongMode };
    this.#usedBy(context.session);
    this.#apply(event);
    this.#watch();
    if (online) return this.#goOnline(context);
    if (this.connection.buffer.length > 0) this.#apply('data');
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
    this.#begin(context.session, cid, request.closureType, DIRECTION.listener);
    this.#shownLocal = { address: local, port: request.port };
    this.#apply('listen');
    try {
      await this.#listening.start(request);
      return 'OK';
    } catch (error) {
      if (!(error instanceof OpenFailure)) throw error;
      this.#apply('unlisten');
      return { cme: error.cme };
    }
  }

  /** #SL and #SLUDP with `<listenState>` 0. */
  unlisten(): CommandResult {
    return asResult(this.#apply('unlisten'));
  }

  /** #SH. Resolves when the kernel has everything, or after {@link SHUTDOWN_WAIT_MS}. */
  async shutdown(): Promise<CommandResult> {
    const { transport } = this.connection;
    const answer = this.#apply('shutdown');
    if (answer !== 'OK' || transport === undefined) return asResult(answer);
    await new Promise<void>((resolve) => {
      const cancel = this.#table.clock.after(SHUTDOWN_WAIT_MS, () => {
        transport.abort();
        resolve();
      });
      void transport.flushed().then(() => {
        cancel();
        resolve();
      });
    });
    return 'OK';
  }

  /** Takes what #SRECV asks for, or says why not. */
  receive(maximum: number, datagram: boolean): DatagramRead | { readonly refused: CommandResult } {
    const refused = this.#refusal('receive');
    if (refused !== undefined) {
      const empty = this.#state === 'suspended';
      return { refused: empty ? { cme: this.#table.options.srecvEmptyCme } : refused };
    }
    const read = this.connection.read(maximum, datagram);
    this.#wasRead(read.bytes.length);
    return read;
  }

  /** Why #SSEND must not ask for its text, if so. */
  sendRefusal(): CommandResult | undefined {
    const refused = this.#refusal('send');
    if (refused !== undefined) return refused;
    const accepted = this.direction === DIRECTION.listener;
    return accepted && !this.#table.options.sendOnAccepted ? { cme: SOCKET_ERRORS.operationNotAllowed } : undefined;
  }

  /** Sends what #SSEND was given; resolves when it has left. */
  async send(bytes: Uint8Array): Promise<CommandResult> {
    // It may have closed while the text was typed.
    const hasLeft = this.#refusal('send') === undefined && (await this.connection.send(bytes));
    return hasLeft ? 'OK' : { cme: SOCKET_ERRORS.txError };
  }

  /** The network took the context; `silent` is a power cycle, after which nobody is told. */
  contextLost(silent = false): void {
    if (this.#state !== 'closed') this.lastClosure ||= CLOSURE.network;
    if (silent) this.#lines.session = undefined;
    this.#dialing?.abort();
    this.#apply('contextLost');
  }

  /** A port is gone: it is told nothing more. Its online socket is suspended when its data phase ends. */
  sessionClosed(session: PortSession): void {
    if (this.#lines.session !== session) return;
    this.#lines.session = undefined;
    // Nobody is left whom an old listener could connect.
    if (this.#options.acceptsWith !== undefined) this.#apply('unlisten');
  }

  #begin(session: PortSession, cid: number, closureType: number, direction: number): void {
    this.#lines.session = session;
    this.#lines.rearm();
    this.#cid = cid;
    this.#closureType = closureType;
    this.direction = direction;
    this.lastClosure = CLOSURE.none;
    this.connection.reset();
  }

  /** #SO and #SA: the port that hears what the connId says, unless that is its opener's alone. */
  #usedBy(session: PortSession): void {
    if (this.#table.options.unsolicitedTo === 'lastUser') this.#lines.session = session;
    else this.#lines.session ??= session;
  }

  #watch(): void {
    this.connection.watch(this.configuration.maxTo * 1000);
  }

  #onConnection(transport: Transport): void {
    const { session } = this.#lines;
    if (this.#state !== 'listening' || session === undefined) {
      transport.abort();
      return;
    }
    const { address, port } = transport.remote;
    this.#begin(session, this.#cid, this.#closureType, DIRECTION.listener);
    this.connection.shownRemote = { address: this.#table.shownAddress(address), port };
    this.#apply('peerConnects');
    this.#take(transport);
  }

  /** SRING; or, where it accepts by itself, CONNECT as soon as the port is free. */
  #ring(): void {
    const { acceptsWith } = this.#options;
    const automatic = this.extended.listenAutoRsp === 1 && this.#table.options.listenAutoAccept;
    if (acceptsWith === undefined && !automatic) {
      this.#lines.ring();
      return;
    }
    this.#lines.ring(async (context) => {
      if (!this.#table.mayGoOnline()) {
        this.#apply('peerReset');
        return 'silent';
      }
      if (acceptsWith !== undefined) context.info(acceptsWith(this.connection.shownRemote));
      return this.accept(context, true);
    });
  }

  #take(transport: Transport): void {
    this.#table.track(transport);
    if (this.extended.keepalive > 0) transport.setKeepAlive(this.extended.keepalive);
    this.connection.attach(transport);
  }

  #onPeerGone(broken: boolean): void {
    const { buffer } = this.connection;
    this.lastClosure ||= broken ? CLOSURE.remoteReset : CLOSURE.remoteFin;
    if (broken && this.#table.options.unreadAfterReset === 'dropped') buffer.clear();
    if (this.#state === 'incoming') {
      // It has said something before it left: #SA still gets that.
      if (!broken && buffer.length > 0) return;
      if (this.#table.options.abandonedIncoming === 'closed') {
        this.#apply('abandoned');
        return;
      }
    } else if (!broken && this.#closureType === 255) return;
    this.#apply(broken ? 'peerReset' : 'peerFin');
    if (this.#state === 'pending' && buffer.length === 0) this.#apply('delivered');
  }

  /** The host has read: there is room again, and more to say or nothing left. */
  #wasRead(bytes: number): void {
    this.connection.moved('toHost', bytes);
    this.#lines.rearm();
    this.connection.pull();
    if (this.#state !== 'pending') return;
    if (this.connection.buffer.length > 0) this.#lines.announce();
    else this.#apply(this.#endsWhenRead() ? 'delivered' : 'drained');
  }

  /** `<closureType>` 255 outlives the peer's FIN, not a reset. */
  #endsWhenRead(): boolean {
    return this.connection.isBroken || (this.connection.isPeerGone && this.#closureType !== 255);
  }

  async #goOnline(context: Context): Promise<CommandResult> {
    const { transport } = this.connection;
    const phase = await context.connect();
    if (transport === undefined || transport !== this.connection.transport || this.#state !== 'online') {
      await phase.close();
      return 'NO CARRIER';
    }
    const { pktSz, txTo } = this.configuration;
    const exchange = new OnlineExchange({
      phase,
      transport,
      clock: this.#table.clock,
      pktSz,
      txTo,
      forwardCharacter: this.#table.forwardCharacter,
      restartTimer: this.#table.options.txTimerFrom === 'last',
      owner: this.connection,
      isFinished: () => this.connection.buffer.length === 0 && this.#endsWhenRead(),
    });
    this.#exchange = exchange;
    const why = await exchange.run();
    this.#exchange = undefined;
    // Ended by something else meanwhile (inactivity, a lost context): the state has moved on already.
    if (this.#state !== 'online' || this.connection.transport !== transport) return 'NO CARRIER';
    return this.#leaveOnline(why);
  }

  #leaveOnline(why: DataPhaseEnd): CommandResult {
    if (why === 'closed') return asResult(this.#apply('delivered'));
    if (why !== 'escaped' && why !== 'lineLost') return asResult(this.#apply('hangUp'));
    if (this.#options.escapeCloses === true) return asResult(this.#apply('hangUp'));
    // §3.2.1.6: the peer went while <closureType> 255 kept the socket; the escape is its end.
    const { buffer, isPeerGone } = this.connection;
    if (isPeerGone && buffer.length === 0) return asResult(this.#apply('delivered'));
    const answer = this.#apply('escape');
    this.#lines.rearm();
    if (buffer.length > 0) this.#apply('data');
    return asResult(answer);
  }

  /** What the table answers to a command that it refuses; undefined when the command may go on. */
  #refusal(event: SocketEvent): CommandResult | undefined {
    const { answer } = socketStep(this.#state, event);
    return answer === undefined ? undefined : asResult(answer);
  }

  #apply(event: SocketEvent): SocketAnswer | undefined {
    const before = this.#state;
    const { to, effects, answer } = socketStep(before, event);
    this.#state = to;
    for (const effect of effects) this.#perform(effect);
    if (to === 'closed' && before !== 'closed') {
      this.connection.stopWatching();
      this.#table.report(this.connId, `closed (${event})`);
    }
    return answer;
  }

  #perform(effect: SocketEffect): void {
    switch (effect) {
      case 'close':
      case 'abort':
      case 'refusePeer':
        // What the host typed last is still in the exchange; a call that is online ends with its socket.
        this.#exchange?.hangUp();
        this.connection.release(effect === 'close' ? 'close' : 'abort');
        if (effect === 'abort') this.#dialing?.abort();
        return;
      case 'dropBuffer':
        this.connection.buffer.clear();
        return;
      case 'stopListening':
        this.#listening.stop();
        return;
      case 'announce':
        this.#lines.announce();
        return;
      case 'ring':
        this.#ring();
        return;
      case 'noCarrier':
        this.#lines.noCarrier();
        return;
      case 'listenerAborted':
        this.#lines.listenerAborted();
        return;
      case 'closeWhenDelivered':
        this.#exchange?.wake();
        return;
    }
  }
}

function asResult(answer: SocketAnswer | undefined): CommandResult {
  return typeof answer === 'number' ? { cme: answer } : (answer ?? 'OK');
}
