import { connect, type Socket } from 'node:net';
import type { Cancel, Clock } from '@cellmux/port';
import { SOCKET_ERRORS } from './machine/socket-transitions.ts';
import { OpenFailure, type Endpoint, type Received, type Transport, type TransportHandlers } from './transport.ts';

/** How long a connection that was closed in order may take to say goodbye before it is reset. */
export const TCP_LINGER_MS = 30_000;

/** A TCP connection of the machine. */
export class TcpTransport implements Transport {
  readonly kind = 'tcp';
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #waiting: ((flushed: boolean) => void)[] = [];
  #handlers: TransportHandlers | undefined;
  #queuedBytes = 0;
  #isClosed = false;
  #peerFinished = false;
  #ending = false;
  #broken = false;
  #linger: Cancel | undefined;

  /** Takes over a connected socket that nobody reads yet and that was made with `allowHalfOpen`. */
  constructor(socket: Socket, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
    this.local = { address: plain(socket.localAddress), port: socket.localPort ?? 0 };
    this.remote = { address: plain(socket.remoteAddress), port: socket.remotePort ?? 0 };
    // Packets are gathered by #SCFG's own rules; the kernel's must not add a delay of their own.
    socket.setNoDelay(true);
    socket.on('readable', () => {
      this.#onReadable();
    });
    socket.on('end', () => {
      this.#peerFinished = true;
      if (!this.#ending) this.#handlers?.peerFinished();
    });
    socket.on('error', () => {
      this.#broken = true;
    });
    this.closed = new Promise((resolve) => {
      const done = (): void => {
        this.#onClose();
        resolve();
      };
      if (socket.closed) queueMicrotask(done);
      else socket.once('close', done);
    });
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  start(handlers: TransportHandlers): void {
    this.#handlers = handlers;
    if (this.#isClosed) handlers.broken();
    else this.#onReadable();
  }

  read(maximum: number): Received | undefined {
    // At the end of the stream `read` has to be called once more for 'end' to come.
    const size = Math.min(maximum, this.#socket.readableLength);
    const bytes = (size > 0 ? this.#socket.read(size) : this.#socket.read(0)) as Uint8Array | null;
    return bytes === null || bytes.length === 0 ? undefined : { bytes };
  }

  write(bytes: Uint8Array): void {
    if (this.#ending || this.#isClosed) return;
    this.#queuedBytes += bytes.length;
    this.#socket.write(bytes, () => {
      this.#queuedBytes -= bytes.length;
      if (this.#queuedBytes > 0 || this.#isClosed) return;
      for (const resolve of this.#waiting.splice(0)) resolve(!this.#broken);
      this.#handlers?.drained();
    });
  }

  flushed(): Promise<boolean> {
    if (this.#queuedBytes === 0) return Promise.resolve(!this.#broken);
    if (this.#isClosed) return Promise.resolve(false);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  end(): void {
    if (this.#ending || this.#isClosed) return;
    this.#ending = true;
    this.#linger = this.#clock.after(TCP_LINGER_MS, () => {
      this.abort();
    });
    this.#socket.end();
    this.#discard();
  }

  abort(): void {
    const shuttingDown = this.#ending;
    this.#ending = true;
    if (this.#isClosed || this.#socket.destroyed) return;
    // While a FIN is under way libuv refuses a reset, and Node then never tells that the socket is closed.
    if (shuttingDown) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }

  setKeepAlive(minutes: number): void {
    this.#socket.setKeepAlive(minutes > 0, minutes * 60_000);
  }

  #onReadable(): void {
    if (this.#ending) this.#discard();
    else this.#handlers?.readable();
  }

  /** A close with unread bytes in the kernel would be a reset, which can destroy what the peer has not read yet. */
  #discard(): void {
    while (this.#socket.read() !== null);
  }

  #onClose(): void {
    this.#isClosed = true;
    this.#linger?.();
    for (const resolve of this.#waiting.splice(0)) resolve(this.#queuedBytes === 0 && !this.#broken);
    if (!this.#ending) this.#handlers?.broken();
  }
}

/** Options of {@link connectTransport}. */
export interface TcpConnectOptions {
  readonly address: string;
  readonly port: number;
  /** `<connTo>` in milliseconds. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Connects to an address of the network.
 *
 * @throws OpenFailure with 559 after the timeout, 560 when the peer refuses, 561 on a reset, 562 otherwise.
 */
export function connectTransport({
  address,
  port,
  timeoutMs,
  clock,
  signal,
}: TcpConnectOptions): Promise<TcpTransport> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, allowHalfOpen: true });
    const give = (outcome: () => void): void => {
      cancel();
      signal.removeEventListener('abort', onAbort);
      socket.removeListener('error', onError);
      socket.removeListener('connect', onConnect);
      outcome();
    };
    const fail = (cme: number, cause?: unknown): void => {
      give(() => {
        socket.on('error', () => undefined);
        socket.destroy();
        reject(new OpenFailure(cme, cause));
      });
    };
    const onAbort = (): void => {
      fail(SOCKET_ERRORS.remoteDisconnected, signal.reason);
    };
    const onError = (error: NodeJS.ErrnoException): void => {
      fail(failureOf(error.code), error);
    };
    const onConnect = (): void => {
      give(() => {
        resolve(new TcpTransport(socket, clock));
      });
    };
    const cancel = clock.after(timeoutMs, () => {
      fail(SOCKET_ERRORS.openTimeout);
    });
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('error', onError);
    socket.once('connect', onConnect);
    if (signal.aborted) onAbort();
  });
}

function failureOf(code: string | undefined): number {
  if (code === 'ECONNREFUSED') return SOCKET_ERRORS.cannotOpen;
  if (code === 'ETIMEDOUT') return SOCKET_ERRORS.openTimeout;
  if (code === 'ECONNRESET') return SOCKET_ERRORS.remoteDisconnected;
  return SOCKET_ERRORS.connectionFailed;
}

/** An IPv4 address that the kernel shows as a mapped IPv6 one, as IPv4. */
export function plain(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:/, '');
}
