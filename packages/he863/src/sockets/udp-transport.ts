import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { SOCKET_ERRORS } from './machine/socket-transitions.ts';
import { plain } from './tcp-transport.ts';
import { OpenFailure, type Endpoint, type Received, type Transport, type TransportHandlers } from './transport.ts';

/** Datagrams and bytes that wait here for room in the receive buffer; what comes on top is dropped, as UDP does. */
export const UDP_QUEUE_DATAGRAMS = 64;
export const UDP_QUEUE_BYTES = 64 * 1024;

/** A UDP socket of the machine with one peer: datagrams of others are not seen. */
export class UdpTransport implements Transport {
  readonly kind = 'udp';
  readonly remote: Endpoint;
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #waiting: ((flushed: boolean) => void)[] = [];
  readonly #onDropped: (() => void) | undefined;
  #local: Endpoint;
  #queue: Received[] = [];
  #queueBytes = 0;
  #handlers: TransportHandlers | undefined;
  #queuedBytes = 0;
  #isClosed = false;
  #ending = false;

  /** Takes over a bound socket. `onDropped` is called for each datagram that found no room. */
  constructor(socket: Socket, remote: Endpoint, onDropped?: () => void) {
    this.#socket = socket;
    this.remote = remote;
    this.#onDropped = onDropped;
    const { address, port } = socket.address();
    this.#local = { address: plain(address), port };
    socket.on('message', (bytes, from) => {
      this.#onMessage(bytes, from);
    });
    // ICMP's "port unreachable" for a datagram that was sent: UDP promises nothing, the module says nothing.
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#isClosed = true;
        for (const done of this.#waiting.splice(0)) done(false);
        resolve();
      });
    });
  }

  get local(): Endpoint {
    return this.#local;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  start(handlers: TransportHandlers): void {
    this.#handlers = handlers;
    if (this.#queue.length > 0) handlers.readable();
  }

  read(maximum: number): Received | undefined {
    const next = this.#queue[0];
    // An empty buffer takes any datagram: none is larger than 64 KiB.
    if (next === undefined || maximum <= 0) return undefined;
    this.#queue.shift();
    this.#queueBytes -= next.bytes.length;
    return next;
  }

  /** A datagram that arrived before this transport existed. */
  prepend(received: Received): void {
    this.#queue.unshift(received);
    this.#queueBytes += received.bytes.length;
  }

  write(bytes: Uint8Array): void {
    if (this.#ending || this.#isClosed) return;
    this.#queuedBytes += bytes.length;
    this.#socket.send(bytes, this.remote.port, this.remote.address, () => {
      this.#queuedBytes -= bytes.length;
      if (this.#queuedBytes > 0) return;
      for (const done of this.#waiting.splice(0)) done(true);
      if (this.#ending) this.#close();
      else this.#handlers?.drained();
    });
  }

  flushed(): Promise<boolean> {
    if (this.#queuedBytes === 0) return Promise.resolve(true);
    if (this.#isClosed) return Promise.resolve(false);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  end(): void {
    if (this.#ending) return;
    this.#ending = true;
    if (this.#queuedBytes === 0) this.#close();
  }

  abort(): void {
    this.#ending = true;
    this.#close();
  }

  setKeepAlive(): void {
    // TCP only.
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.close();
  }

  #onMessage(bytes: Uint8Array, from: RemoteInfo): void {
    if (this.#ending || plain(from.address) !== this.remote.address || from.port !== this.remote.port) return;
    if (bytes.length === 0) return;
    if (this.#queue.length >= UDP_QUEUE_DATAGRAMS || this.#queueBytes + bytes.length > UDP_QUEUE_BYTES) {
      this.#onDropped?.();
      return;
    }
    this.#queue.push({ bytes, source: { address: plain(from.address), port: from.port } });
    this.#queueBytes += bytes.length;
    this.#handlers?.readable();
  }
}

/** Options of {@link openUdp}. */
export interface UdpOpenOptions {
  readonly address: string;
  readonly port: number;
  /** `<lPort>`; 0 for any. */
  readonly localPort: number;
  readonly onDropped?: () => void;
}

/**
 * Makes a UDP socket that talks to one peer.
 *
 * @throws OpenFailure with 557 when the local port cannot be had.
 */
export async function openUdp({ address, port, localPort, onDropped }: UdpOpenOptions): Promise<UdpTransport> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (error) => {
      reject(new OpenFailure(SOCKET_ERRORS.cannotSetupSocket, error));
    });
    socket.bind(localPort, resolve);
  });
  socket.removeAllListeners('error');
  return new UdpTransport(socket, { address, port }, onDropped);
}
