import { EventEmitter } from 'node:events';
import { CellmuxError, checkInteger } from '@cellmux/port';
import type { Datagram, DatagramChannel } from './datagram-channel.ts';
import type { Endpoints, SocketAddress } from './ip-easy-socket.ts';

/** What comes with a `message`, as `dgram.RemoteInfo`. */
export interface RemoteInfo {
  readonly address: string;
  readonly family: 'IPv4';
  readonly port: number;
  readonly size: number;
}

/** A datagram or a part of one. */
type Message = string | Uint8Array;
type SendCallback = (error: Error | null) => void;

interface DatagramEvents {
  connect: [];
  message: [message: Buffer, remote: RemoteInfo];
  error: [error: Error];
  close: [];
}

/**
 * A UDP socket of the module with one peer, in the manner of a connected `dgram.Socket`. Message borders are kept. A
 * module buffers what is not read and drops the rest, as UDP does.
 *
 * Events: `connect`, `message` (message, remote), `error`, `close`.
 */
export class IpEasyDatagramSocket extends EventEmitter<DatagramEvents> implements AsyncDisposable {
  readonly #onAbandoned: () => void;
  #channel: DatagramChannel | undefined;
  #endpoints: Endpoints = {};
  #isOpen = false;
  #isClosed = false;

  constructor(onAbandoned: () => void) {
    super();
    this.#onAbandoned = onAbandoned;
  }

  /** connId of the module, 1..6; undefined while none is assigned. */
  get connId(): number | undefined {
    return this.#channel?.connId;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Sends one datagram to the peer; several parts are joined, of a message with `offset` and `length` that piece is sent,
   * as `dgram` has it. Resolves, and calls back, when the module has taken it.
   *
   * Rejects with `ERR_IPEASY_DATAGRAM_SIZE` for an empty one or one that is longer than a send command takes (1500 or
   * 1020 octets), `ERR_IPEASY_QUEUE_FULL`, `ERR_IPEASY_SEND_FAILED`, `ERR_IPEASY_CLOSED`, `ERR_OPTION_RANGE` for a piece
   * that the message does not have. With a callback the error goes there and the promise resolves.
   */
  send(message: Message | readonly Message[], callback?: SendCallback): Promise<void>;
  send(message: Message, offset: number, length: number, callback?: SendCallback): Promise<void>;
  async send(
    message: Message | readonly Message[],
    offset?: number | SendCallback,
    length?: number,
    last?: SendCallback,
  ): Promise<void> {
    const callback = typeof offset === 'function' ? offset : last;
    try {
      const whole = bytesOf(message);
      const bytes = typeof offset === 'number' ? piece(whole, offset, length) : whole;
      if (this.#channel === undefined || !this.#isOpen || this.#isClosed) throw notOpenError();
      await this.#channel.send(bytes);
    } catch (error) {
      if (callback === undefined) throw error;
      callback(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    callback?.(null);
  }

  /** Octets that wait to be sent. */
  getSendQueueSize(): number {
    return this.#channel?.queuedBytes ?? 0;
  }

  /** Datagrams that wait to be sent. */
  getSendQueueCount(): number {
    return this.#channel?.queuedCount ?? 0;
  }

  /** The own end. */
  address(): SocketAddress | Record<string, never> {
    return addressOf(this.#endpoints.localAddress, this.#endpoints.localPort);
  }

  /** The peer's end. */
  remoteAddress(): SocketAddress | Record<string, never> {
    return addressOf(this.#endpoints.remoteAddress, this.#endpoints.remotePort);
  }

  /** Leaves what arrives in the module until {@link resume}. */
  pause(): this {
    this.#channel?.pause();
    return this;
  }

  resume(): this {
    this.#channel?.resume();
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

  /** Closes; what is queued is not sent any more. Calling it again is fine. */
  close(callback?: () => void): this {
    if (callback !== undefined) {
      if (this.#isClosed) process.nextTick(callback);
      else this.once('close', callback);
    }
    this.#close(undefined);
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const channel = this.#channel;
    this.#close(undefined);
    await channel?.close();
  }

  /** @internal */
  assign(channel: DatagramChannel): void {
    this.#channel = channel;
  }

  /** @internal */
  connected(endpoints: Endpoints): void {
    if (this.#isClosed) return;
    this.#endpoints = endpoints;
    this.#isOpen = true;
    this.emit('connect');
  }

  /** @internal */
  received({ bytes, source }: Datagram): void {
    if (this.#isClosed) return;
    const { remoteAddress = '0.0.0.0', remotePort = 0 } = this.#endpoints;
    const remote = source ?? { address: remoteAddress, port: remotePort };
    const message = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.emit('message', message, { ...remote, family: 'IPv4', size: bytes.length });
  }

  /** @internal */
  ended(error?: unknown): void {
    this.#close(error instanceof Error ? error : undefined);
  }

  #close(error: Error | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#isOpen) void this.#channel?.close().catch(() => undefined);
    else this.#onAbandoned();
    // As streams do: never from within the call.
    process.nextTick(() => {
      if (error !== undefined) this.emit('error', error);
      this.emit('close');
    });
  }
}

function bytesOf(message: Message | readonly Message[]): Buffer {
  const parts = typeof message === 'string' || message instanceof Uint8Array ? [message] : message;
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
}

function piece(bytes: Buffer, offset: number, length = bytes.length - offset): Buffer {
  checkInteger('offset', offset, 0, bytes.length);
  checkInteger('length', length, 0, bytes.length - offset);
  return bytes.subarray(offset, offset + length);
}

function addressOf(address: string | undefined, port: number | undefined): SocketAddress | Record<string, never> {
  return address === undefined || port === undefined ? {} : { address, family: 'IPv4', port };
}

function notOpenError(): CellmuxError {
  return new CellmuxError('ERR_IPEASY_CLOSED', 'the datagram socket is not open');
}
