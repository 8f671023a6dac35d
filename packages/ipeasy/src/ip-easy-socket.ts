import { Duplex } from 'node:stream';
import { CellmuxError, hasCode, type Cancel, type Clock } from '@cellmux/port';
import type { SocketChannel } from './socket-channel.ts';

/** What `address()` gives, as `net.Socket` does. */
export interface SocketAddress {
  readonly address: string;
  readonly family: 'IPv4';
  readonly port: number;
}

/** Both ends of a connection, as far as they are known. */
export interface Endpoints {
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

/** Options of {@link IpEasySocket}. */
export interface IpEasySocketOptions {
  readonly clock: Clock;
  /** How long to wait for the peer after `end()` while nothing arrives, in ms; Infinity for as long as it takes. */
  readonly halfCloseMs: number;
  /** Keeps this side open when the peer has ended, until `end()`. */
  readonly allowHalfOpen: boolean;
  /** Octets kept here for a reader; beyond them data stays in the module. */
  readonly highWaterMarkBytes: number;
  /** Called when the socket is destroyed before it was connected. */
  readonly onAbandoned: () => void;
}

/** The longest time of Node's timers. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * A TCP connection of the module as a Node `Duplex` with the members of `net.Socket` that programs and libraries use.
 * Reading is true back-pressure: what is not read stays in the module, whose TCP window stops the peer. A write's
 * callback comes when the module has taken the octets.
 *
 * The module cannot close one direction alone. `end()` sends what was written and then waits for the peer's end; when
 * nothing has arrived for `halfCloseMs`, the connection is closed. `destroy()` closes it at once.
 *
 * Events: those of a Duplex, and `lookup`, `connect`, `ready`, `timeout` as `net.Socket` has them. Errors are CellmuxErrors:
 * `ERR_IPEASY_CLOSED` for a write after the peer's end, `ERR_IPEASY_SEND_FAILED`, `ERR_IPEASY_DATA_DAMAGED`,
 * `ERR_IPEASY_LINE_LOST`, `ERR_IPEASY_CONTEXT_LOST`, `ERR_IPEASY_MODULE_RESET`; before `connect` those of `connect()`.
 */
export class IpEasySocket extends Duplex {
  /** Idle time of `setTimeout` in ms; undefined while none was set. HTTP agents read it. */
  timeout: number | undefined;
  readonly #options: IpEasySocketOptions;
  #channel: SocketChannel | undefined;
  #connecting = true;
  /** The module has opened the connection, whether or not anybody has been told. */
  #isOpen = false;
  #endpoints: Endpoints = {};
  #received = 0;
  #sent = 0;
  #waitingWrite: (() => void) | undefined;
  #waitingFinal: (() => void) | undefined;
  #wantsData = false;
  #peerEnded = false;
  #sendingEnded = false;
  #cancelIdle: Cancel | undefined;
  #cancelHalfClose: Cancel | undefined;

  constructor(options: IpEasySocketOptions) {
    super({
      allowHalfOpen: options.allowHalfOpen,
      readableHighWaterMark: options.highWaterMarkBytes,
      writableHighWaterMark: options.highWaterMarkBytes,
      decodeStrings: true,
    });
    this.#options = options;
  }

  /** True until the connection is open or has failed. */
  get connecting(): boolean {
    return this.#connecting;
  }

  /** True while there is no connection yet. */
  get pending(): boolean {
    return this.#connecting || this.destroyed;
  }

  /** `opening`, `open`, `readOnly`, `writeOnly` or `closed`, as `net.Socket` says. */
  get readyState(): 'opening' | 'open' | 'readOnly' | 'writeOnly' | 'closed' {
    if (this.destroyed) return 'closed';
    if (this.#connecting) return 'opening';
    if (this.readable && this.writable) return 'open';
    if (this.readable) return 'readOnly';
    return this.writable ? 'writeOnly' : 'closed';
  }

  /** connId of the module, 1..6; undefined while none is assigned. */
  get connId(): number | undefined {
    return this.#channel?.connId;
  }

  /** `command`: shares its AT port; `online`: has it for itself; undefined while not connected. */
  get mode(): 'command' | 'online' | undefined {
    const mode = this.#channel?.mode;
    return mode === 'command' || mode === 'online' ? mode : undefined;
  }

  get remoteAddress(): string | undefined {
    return this.#endpoints.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.#endpoints.remotePort;
  }

  get remoteFamily(): 'IPv4' | undefined {
    return this.#endpoints.remoteAddress === undefined ? undefined : 'IPv4';
  }

  get localAddress(): string | undefined {
    return this.#endpoints.localAddress;
  }

  get localPort(): number | undefined {
    return this.#endpoints.localPort;
  }

  get localFamily(): 'IPv4' | undefined {
    return this.#endpoints.localAddress === undefined ? undefined : 'IPv4';
  }

  /** Octets that arrived here; what waits in the module is not counted. */
  get bytesRead(): number {
    return this.#received;
  }

  /** Octets written, including those that still wait to be sent. */
  get bytesWritten(): number {
    return this.#sent + this.writableLength;
  }

  /** Octets that wait in the module, where it has told. */
  get bytesWaiting(): number | undefined {
    return this.#channel?.waitingBytes;
  }

  /** The own end of the connection; `{}` when not connected. */
  address(): SocketAddress | Record<string, never> {
    const { localAddress, localPort } = this.#endpoints;
    if (localAddress === undefined || localPort === undefined) return {};
    return { address: localAddress, family: 'IPv4', port: localPort };
  }

  /**
   * Emits `timeout` after `ms` without data in either direction; 0 ends it, more than 2^31-1 counts as that. The
   * connection stays open.
   *
   * @throws CellmuxError `ERR_OPTION_RANGE` for what is negative or no number.
   */
  setTimeout(ms: number, callback?: () => void): this {
    if (!Number.isFinite(ms) || ms < 0) {
      throw new CellmuxError('ERR_OPTION_RANGE', `timeout must be a time in ms, 0 or more, not ${String(ms)}`, {
        context: { option: 'timeout', value: ms },
      });
    }
    this.timeout = Math.min(ms, LONGEST_TIMEOUT_MS);
    if (callback !== undefined) {
      if (ms === 0) this.removeListener('timeout', callback);
      else this.once('timeout', callback);
    }
    this.#touch();
    return this;
  }

  /** Nagle's algorithm is the module's business: data of a send command leaves at once. */
  setNoDelay(_enable?: boolean): this {
    return this;
  }

  /** Keep-alive is set when the connection is opened, in minutes, by `keepAliveMinutes`: the module takes no change later. */
  setKeepAlive(_enable?: boolean, _initialDelayMs?: number): this {
    return this;
  }

  /** What keeps a process alive is the line below, not a socket on it. */
  ref(): this {
    return this;
  }

  /** See {@link ref}. */
  unref(): this {
    return this;
  }

  /** Ends, and closes the connection as soon as what was written has been sent. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  /** As `destroy()`: the module has no way to reset a connection. */
  resetAndDestroy(): this {
    this.destroy();
    return this;
  }

  /**
   * Gives this connection a whole AT port: `#SO`, data then flows without commands. Others on that port wait. Resolves
   * when online. Rejects with `ERR_IPEASY_CLOSED`, `ERR_IPEASY_CANNOT_RESUME`.
   */
  async goOnline(): Promise<void> {
    await this.#connected().goOnline();
  }

  /** Suspends an online connection with the escape sequence and goes on in command mode. */
  async goToCommandMode(): Promise<void> {
    await this.#connected().goToCommandMode();
  }

  /** With `close` comes whether an error was the reason, as with `net.Socket`. */
  override emit(event: string | symbol, ...values: unknown[]): boolean {
    return event === 'close' && values.length === 0
      ? super.emit(event, this.errored !== null)
      : super.emit(event, ...values);
  }

  #isOver(): boolean {
    return this.destroyed;
  }

  #connected(): SocketChannel {
    if (this.#channel !== undefined && !this.#connecting && !this.destroyed) return this.#channel;
    throw new CellmuxError('ERR_IPEASY_CLOSED', 'the socket is not connected', {
      hint: "Wait for 'connect', or open a new connection.",
    });
  }

  /** @internal The channel that will carry this socket, while it is being opened. */
  assign(channel: SocketChannel): void {
    this.#channel = channel;
  }

  /** @internal The module could not resolve the name. */
  notResolved(error: unknown, host: string): void {
    if (!this.destroyed) this.emit('lookup', error, undefined, undefined, host);
  }

  /** @internal The connection is open; `resolved` is the name that the module had to resolve. */
  connected(endpoints: Endpoints, resolved?: string): void {
    if (this.destroyed) return;
    this.#endpoints = endpoints;
    this.#isOpen = true;
    const { remoteAddress } = endpoints;
    if (resolved !== undefined && remoteAddress !== undefined) this.emit('lookup', null, remoteAddress, 4, resolved);
    if (this.#isOver()) return;
    this.#connecting = false;
    this.emit('connect');
    this.emit('ready');
    this.#touch();
    if (this.#wantsData) this.#channel?.read();
    this.#waitingWrite?.();
    this.#waitingFinal?.();
    this.#waitingWrite = this.#waitingFinal = undefined;
  }

  /** @internal {@link ChannelSink.onData} */
  received(bytes: Uint8Array): boolean {
    if (this.destroyed || this.#peerEnded) return true;
    this.#received += bytes.length;
    this.#touch();
    if (this.#sendingEnded) this.#armHalfClose();
    this.#wantsData = this.push(bytes);
    return this.#wantsData;
  }

  /** @internal {@link ChannelSink.onEnd} */
  peerEnded(): void {
    if (this.#peerEnded) return;
    this.#peerEnded = true;
    this.#cancelHalfClose?.();
    this.push(null);
    // Without a reader but with nothing left to read, the end is seen at once; net.Socket does the same.
    this.read(0);
  }

  override _read(): void {
    this.#wantsData = true;
    if (!this.#connecting) this.#channel?.read();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#send([chunk], callback);
  }

  override _writev(
    chunks: readonly { chunk: Buffer; encoding: BufferEncoding }[],
    callback: (error?: Error | null) => void,
  ): void {
    this.#send(
      chunks.map(({ chunk }) => chunk),
      callback,
    );
  }

  override _final(callback: (error?: Error | null) => void): void {
    const finish = (): void => {
      this.#sendingEnded = true;
      callback();
      if (!this.#peerEnded) this.#armHalfClose();
      else if (this.#options.allowHalfOpen) void this.#channel?.close().catch(() => undefined);
    };
    if (this.#connecting) this.#waitingFinal = finish;
    else finish();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#cancelIdle?.();
    this.#cancelHalfClose?.();
    this.#connecting = false;
    this.#waitingWrite = this.#waitingFinal = undefined;
    if (!this.#isOpen) this.#options.onAbandoned();
    // The connId is given back once the module has closed it; `close` need not wait for a busy AT port.
    else void this.#channel?.close().catch(() => undefined);
    callback(error);
  }

  #send(chunks: readonly Buffer[], callback: (error?: Error | null) => void): void {
    const send = (): void => {
      let length = 0;
      for (const chunk of chunks) length += chunk.length;
      this.#touch();
      this.#channel?.write(chunks).then(
        () => {
          this.#touch();
          this.#sent += length;
          callback();
        },
        (error: unknown) => {
          this.#writeFailed(error, callback);
        },
      );
    };
    if (this.#connecting) this.#waitingWrite = send;
    else send();
  }

  #writeFailed(error: unknown, callback: (error: Error) => void): void {
    const failed = error instanceof Error ? error : new Error(String(error));
    // The error ends the stream with all that is still to be read: where someone is reading what the peer sent before
    // it closed, that comes first.
    if (!hasCode(error, 'ERR_IPEASY_CLOSED') || this.readableFlowing !== true || this.readableEnded || this.destroyed) {
      callback(failed);
      return;
    }
    const done = (): void => {
      this.off('end', done).off('close', done);
      callback(failed);
    };
    this.on('end', done).on('close', done);
  }

  #touch(): void {
    this.#cancelIdle?.();
    this.#cancelIdle = undefined;
    if (this.timeout === undefined || this.timeout === 0 || this.destroyed) return;
    this.#cancelIdle = this.#options.clock.after(this.timeout, () => {
      this.#cancelIdle = undefined;
      this.emit('timeout');
    });
  }

  #armHalfClose(): void {
    this.#cancelHalfClose?.();
    const { clock, halfCloseMs } = this.#options;
    if (halfCloseMs === Infinity) return;
    this.#cancelHalfClose = clock.after(halfCloseMs, () => {
      if (this.#peerEnded || this.destroyed) return;
      // What the peer has sent is not thrown away because nobody has read it yet.
      if (this.#channel?.hasUnread === true) {
        this.#armHalfClose();
        return;
      }
      void this.#channel?.close().then(
        () => {
          this.peerEnded();
        },
        () => {
          this.peerEnded();
        },
      );
    });
  }
}
