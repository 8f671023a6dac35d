import type { DataCall, DataCallEnd } from '@cellmux/at';
import { CellmuxError, hasCode, type AbortOptions, type Clock } from '@cellmux/port';
import type { AtLane, LaneUser } from './at-lane.ts';
import { closeConnId } from './close-conn-id.ts';
import { receive, send, type TransferSettings } from './command-transfer.ts';
import type { ConnIdHost, ConnIdUser } from './conn-id-user.ts';
import { ipEasyError, isRefusal } from './ip-easy-error.ts';
import { OnlineStream } from './online-stream.ts';
import { Outgoing } from './outgoing.ts';
import { Unread } from './unread.ts';

/** What a channel tells the socket above it. */
export interface ChannelSink {
  /** Data in order; false asks for a pause until {@link SocketChannel.read}. */
  onData(bytes: Uint8Array): boolean;
  /** The peer closed, and all its data was given to `onData`. The connId is free again. */
  onEnd(): void;
  /** The connection is lost. The connId is free again, or will be. */
  onFailed(error: unknown): void;
}

/** What a channel is made of. */
export interface SocketChannelOptions {
  readonly connId: number;
  readonly cid: number;
  readonly lane: AtLane;
  readonly host: ConnIdHost;
  readonly transfer: TransferSettings;
  readonly clock: Clock;
  readonly sink: ChannelSink;
}

/** Consecutive refusals of #SRECV after which a socket that #SS calls open is given up. */
const RECEIVE_ATTEMPTS = 3;
/** Time to carry a stream out before CONNECT of #SO; the module only has to switch. */
const RESUME_TIMEOUT_MS = 30_000;
/** How long a stream that is closed waits for what it has sent to leave, and for the answer to the escape sequence. */
const LEAVE_TIMEOUT_MS = 15_000;

/**
 * One open connId: moves its data in command mode, where it shares its AT port with others, or online, where it has the
 * port for itself, and moves between the two.
 *
 * Data is asked for only while the socket above wants it; what it does not want stays in the module, whose TCP window
 * then stops the peer.
 */
export class SocketChannel implements LaneUser, ConnIdUser {
  readonly connId: number;
  readonly cid: number;
  readonly lane: AtLane;
  readonly #host: ConnIdHost;
  readonly #transfer: TransferSettings;
  readonly #clock: Clock;
  readonly #sink: ChannelSink;
  #mode: 'opening' | 'command' | 'online' | 'closed' = 'opening';
  #moving: Promise<void> | undefined;
  #wasOpen = false;
  #wanted = false;
  readonly #unread = new Unread();
  #refusals = 0;
  #waitingBytes: number | undefined;
  #activity = 0;
  #peerClosed = false;
  /** Why writes fail from now on. */
  #lostBy: unknown;
  /** The connection has ended and the connId went back to listening. */
  #stillListening = false;
  #outgoing: Outgoing | undefined;
  #wroteLast = false;
  #stream: OnlineStream | undefined;
  #isSendingOnline = false;
  #closing: Promise<void> | undefined;

  constructor({ connId, cid, lane, host, transfer, clock, sink }: SocketChannelOptions) {
    this.connId = connId;
    this.cid = cid;
    this.lane = lane;
    this.#host = host;
    this.#transfer = transfer;
    this.#clock = clock;
    this.#sink = sink;
  }

  get activity(): number {
    return this.#activity;
  }

  get isSettled(): boolean {
    return this.#mode === 'command' && this.#moving === undefined && !this.#peerClosed;
  }

  get mode(): 'opening' | 'command' | 'online' | 'closed' {
    return this.#mode;
  }

  /** True once a connection was there. */
  get wasOpen(): boolean {
    return this.#wasOpen;
  }

  /** True while data may be waiting in the module. */
  get hasUnread(): boolean {
    return this.#unread.isPossible;
  }

  /** Octets that wait in the module, as far as it has told; undefined when it has not. */
  get waitingBytes(): number | undefined {
    return this.#waitingBytes;
  }

  /** The dial succeeded in command mode. */
  opened(): void {
    if (this.#mode !== 'opening') return;
    this.#mode = 'command';
    this.#wasOpen = true;
    this.lane.join(this);
  }

  /** The dial succeeded online. */
  openedOnline(call: DataCall): void {
    this.#wasOpen = true;
    this.#attach(call);
  }

  /** Nothing was opened: the channel is over, without a word to the socket. */
  abandoned(): void {
    this.#mode = 'closed';
    this.lane.leave(this);
    this.#host.released(this);
  }

  /** The socket has room. */
  read(): void {
    this.#wanted = true;
    if (this.#stream !== undefined) this.#stream.read();
    else if (this.#unread.isExpected) this.lane.poke();
  }

  /** Sends octets in order; resolves when the module has them all. One call at a time. */
  write(chunks: readonly Uint8Array[]): Promise<void> {
    if (this.#mode === 'closed' || this.#peerClosed) return Promise.reject(peerClosedError(this.connId));
    const outgoing = new Outgoing(chunks);
    this.#outgoing = outgoing;
    this.#kick();
    return outgoing.sent;
  }

  /** SRING came for this connId. */
  noticeData(waitingBytes: number | undefined): void {
    this.#activity++;
    if (waitingBytes !== undefined) this.#waitingBytes = waitingBytes;
    this.#unread.announce();
    if (this.#wanted) this.lane.poke();
  }

  /** The module says that this connId is closed. What it still holds for us can be read, as far as it lets us. */
  noticeClosed(now: 'closed' | 'listening'): void {
    if (this.#mode !== 'command' || this.#peerClosed) return;
    this.#peerClosed = true;
    this.#lostBy = peerClosedError(this.connId);
    this.#stillListening = now === 'listening';
    this.#outgoing?.fail(peerClosedError(this.connId));
    this.#outgoing = undefined;
    if (!this.hasUnread) this.#end();
    else this.lane.poke();
  }

  /**
   * The connection is lost. `isFree`: the module is known to have closed the connId; else it is told to before anyone
   * else gets it.
   */
  fail(error: unknown, { isFree = false }: { readonly isFree?: boolean } = {}): void {
    if (this.#mode === 'closed') return;
    this.#lostBy = error;
    this.#finish();
    this.#outgoing?.fail(error);
    this.#outgoing = undefined;
    if (isFree) this.#host.released(this);
    else this.#closing ??= this.#reclaim();
    this.#sink.onFailed(error);
  }

  turn(): Promise<void> | undefined {
    if (this.#mode !== 'command' || this.#moving !== undefined) return undefined;
    const canRead = this.#wanted && this.#unread.isExpected;
    if (this.#outgoing !== undefined && !(canRead && this.#wroteLast)) {
      this.#wroteLast = true;
      return this.#send(this.#outgoing);
    }
    if (!canRead) return undefined;
    this.#wroteLast = false;
    return this.#receive();
  }

  /** Hands the whole port over to this stream; what waits in the module comes first. Resolves when online. */
  goOnline(): Promise<void> {
    if (this.#mode === 'online') return Promise.resolve();
    const release = this.lane.reserve();
    return this.#move(async () => {
      try {
        if (this.#mode === 'online') return;
        if (this.#mode !== 'command') throw peerClosedError(this.connId);
        const call = await this.lane.run(() => this.lane.goOnline(`AT#SO=${this.connId}`, RESUME_TIMEOUT_MS));
        this.lane.leave(this);
        this.#attach(call);
      } catch (error) {
        // NO CARRIER: the connection is gone.
        if (isRefusal(error)) void this.#host.sweep(this.lane);
        throw error;
      } finally {
        release();
      }
    });
  }

  /** Leaves the port to others; the connection stays open. Resolves when the module is in command mode. */
  goToCommandMode(): Promise<void> {
    if (this.#mode === 'command') return Promise.resolve();
    return this.#move(() => this.#suspend());
  }

  /** Closes the connection without waiting for the peer; resolves when the module has. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#mode === 'closed') return;
    this.#outgoing?.fail(peerClosedError(this.connId));
    this.#outgoing = undefined;
    await this.#moving?.catch(() => undefined);
    if (this.#isClosed()) return;
    const stream = this.#stream;
    if (stream !== undefined) await this.#leaveForGood(stream);
    if (this.#isClosed()) return;
    const peerClosed = this.#peerClosed;
    this.#finish();
    try {
      // A socket that the module calls closed needs no command.
      if (!peerClosed) await closeConnId(this.#host.near(this.lane), this.connId);
    } finally {
      this.#host.released(this);
    }
  }

  #isClosed(): boolean {
    return this.#mode === 'closed';
  }

  async #receive(): Promise<void> {
    this.#unread.readBegins();
    try {
      const received = await receive(this.lane.at, this.connId, this.#transfer, {
        onHeader: () => {
          this.#waitingBytes = undefined;
        },
      });
      this.#unread.readEnds({ isFull: received?.isFull === true });
      this.#refusals = 0;
      this.#activity++;
      if (this.#isClosed()) return;
      if (received !== undefined) this.#wanted = this.#sink.onData(received.bytes);
    } catch (error) {
      if (this.#isClosed()) return;
      if (!isRefusal(error)) {
        this.fail(ipEasyError(error, `socket ${this.connId}: receiving`));
        return;
      }
      // A closed connId refuses #SRECV: who closed it, #SS tells.
      this.#unread.readRefused();
      if (!this.#peerClosed) {
        this.#refusals++;
        if (this.#refusals >= RECEIVE_ATTEMPTS) this.fail(ipEasyError(error, `socket ${this.connId}: receiving`));
        else void this.#host.sweep(this.lane, { suspicious: hasCode(error, 'ERR_AT_ERROR') });
      }
    }
    if (this.#peerClosed && !this.#unread.isExpected) this.#end();
  }

  async #send(outgoing: Outgoing): Promise<void> {
    const slice = outgoing.take(this.#transfer.sendBytes);
    try {
      await send(this.lane.at, this.connId, slice, this.#transfer);
      this.#activity++;
      if (outgoing.isEmpty) {
        if (this.#outgoing === outgoing) this.#outgoing = undefined;
        outgoing.done();
      }
    } catch (error) {
      if (this.#outgoing === outgoing) this.#outgoing = undefined;
      const failure = ipEasyError(error, `socket ${this.connId}: sending`);
      if (!isRefusal(error)) {
        outgoing.fail(failure);
        return;
      }
      // A refusal is most often the first sign that the connection, the context or the module has gone.
      void this.#host.sweep(this.lane, { suspicious: hasCode(error, 'ERR_AT_ERROR') }).then(() => {
        outgoing.fail(this.#lostBy ?? failure);
      });
    }
  }

  #attach(call: DataCall): void {
    this.#mode = 'online';
    const stream = new OnlineStream(
      call,
      this.#clock,
      {
        onData: (bytes) => {
          if (this.#isClosed()) return true;
          this.#activity++;
          this.#wanted = this.#sink.onData(bytes);
          return this.#wanted;
        },
        onEnded: (end) => {
          if (this.#stream !== stream) return;
          this.#stream = undefined;
          if (!this.#isClosed()) this.#onlineEnded(end);
        },
      },
      this.#wanted,
    );
    this.#stream = stream;
    this.#kick();
  }

  #onlineEnded({ reason }: DataCallEnd): void {
    if (reason !== 'noCarrier') {
      this.fail(
        new CellmuxError('ERR_IPEASY_LINE_LOST', `socket ${this.connId}: its port was lost (${reason})`, {
          hint: 'The line or the multiplexer below went down: start it again, then open the connection again.',
        }),
      );
      return;
    }
    this.#peerClosed = true;
    this.#outgoing?.fail(peerClosedError(this.connId));
    this.#outgoing = undefined;
    void this.#host.whyEnded(this).then((lostBy) => {
      if (lostBy === undefined) this.#end();
      else this.fail(lostBy, { isFree: true });
    });
  }

  /** While the peer does not read, nothing gets through, the escape sequence neither: the port is not waited for. */
  async #leaveForGood(stream: OnlineStream): Promise<void> {
    const limit = new AbortController();
    const cancel = this.#clock.after(LEAVE_TIMEOUT_MS, () => {
      limit.abort(new CellmuxError('ERR_IPEASY_TIMEOUT', `socket ${this.connId}: the module does not leave data mode`));
    });
    try {
      await this.#suspend({ signal: limit.signal });
    } catch {
      await stream.abort();
    } finally {
      cancel();
    }
  }

  async #suspend(options: AbortOptions = {}): Promise<void> {
    const stream = this.#stream;
    if (stream === undefined || !(await stream.leave(options)) || this.#isClosed()) return;
    this.#stream = undefined;
    this.#mode = 'command';
    // Whether the module holds data it has not said: a suspended socket announces only what comes later.
    this.#unread.announce();
    this.lane.join(this);
  }

  #move(step: () => Promise<void>): Promise<void> {
    if (this.#mode === 'closed' || this.#peerClosed) return Promise.reject(peerClosedError(this.connId));
    const before = this.#moving ?? Promise.resolve();
    const moving = before
      .catch(() => undefined)
      .then(step)
      .catch((error: unknown) => {
        throw ipEasyError(error, `socket ${this.connId}: changing its mode`);
      })
      .finally(() => {
        if (this.#moving === moving) this.#moving = undefined;
        this.#kick();
      });
    this.#moving = moving;
    return moving;
  }

  #kick(): void {
    if (this.#mode !== 'online') this.lane.poke();
    else if (this.#moving === undefined && !this.#isSendingOnline) void this.#sendOnline();
  }

  async #sendOnline(): Promise<void> {
    this.#isSendingOnline = true;
    for (;;) {
      const outgoing = this.#outgoing;
      const stream = this.#stream;
      if (outgoing === undefined || stream === undefined || this.#moving !== undefined) break;
      try {
        await stream.send(outgoing);
        if (!outgoing.isEmpty) break;
        if (this.#outgoing === outgoing) this.#outgoing = undefined;
        outgoing.done();
      } catch (error) {
        if (this.#outgoing === outgoing) this.#outgoing = undefined;
        outgoing.fail(ipEasyError(error, `socket ${this.connId}: sending`));
      }
      // A write that follows at once comes in the same turn.
      await Promise.resolve();
    }
    this.#isSendingOnline = false;
  }

  /** The peer closed and everything was read. */
  #end(): void {
    if (this.#isClosed()) return;
    this.#finish();
    if (this.#stillListening) this.#closing ??= this.#reclaim();
    else this.#host.released(this);
    this.#sink.onEnd();
  }

  #finish(): void {
    this.#mode = 'closed';
    this.lane.leave(this);
    this.#stream?.stop();
  }

  async #reclaim(): Promise<void> {
    await closeConnId(this.#host.near(this.lane), this.connId).catch(() => undefined);
    this.#host.released(this);
  }
}

function peerClosedError(connId: number): CellmuxError {
  return new CellmuxError('ERR_IPEASY_CLOSED', `socket ${connId}: the connection is closed`, {
    hint: 'The peer has closed it, or this side has: open a new connection.',
  });
}
