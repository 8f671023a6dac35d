import type { Socket } from 'node:net';
import { CellmuxError } from '../core/cellmux-error.ts';
import type { Clock } from '../clock.ts';
import { DrivenPort, type PortDriver } from '../driven-port.ts';
import type { PortRole } from '../circuits.ts';
import type { Port } from '../port.ts';

/** The most octets given to the socket at once: what a closed window can hold back in memory. */
const WRITE_LIMIT_BYTES = 64 * 1024;

class TcpDriver implements PortDriver {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  write(bytes: Uint8Array): number | Promise<number> {
    const count = Math.min(bytes.length, WRITE_LIMIT_BYTES);
    // A copy: the sender may use its array again before the socket has sent it.
    if (this.#socket.write(Buffer.from(bytes.subarray(0, count)))) return count;
    return new Promise((resolve) => {
      const done = (): void => {
        this.#socket.off('drain', done).off('close', done);
        resolve(count);
      };
      this.#socket.on('drain', done).on('close', done);
    });
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  async close(how: 'inOrder' | 'atOnce'): Promise<void> {
    if (this.#socket.destroyed) return;
    if (how === 'inOrder') {
      await new Promise<void>((resolve) => {
        this.#socket.once('close', () => {
          resolve();
        });
        this.#socket.end(() => {
          resolve();
        });
      });
    }
    this.#socket.destroy();
  }
}

/** How a TCP port is made; what `connectTcp` and `listenTcp` share. */
export interface TcpPortOptions {
  /** Which end of the line this is to be; default `dte` for one that connects, `dce` for one that listens. */
  readonly role?: PortRole;
  /** See `Port.received$`. */
  readonly backlogLimitBytes?: number;
  readonly clock?: Clock;
}

/** A connected socket as a Port. A TCP connection has no circuits: they keep what is set and tell nobody. */
export function tcpPort(socket: Socket, role: PortRole, options: TcpPortOptions): Port {
  const address = socket.remoteAddress ?? '?';
  const port = new DrivenPort({
    name: `tcp:${address.includes(':') ? `[${address}]` : address}:${socket.remotePort ?? '?'}`,
    role: options.role ?? role,
    driver: new TcpDriver(socket),
    backlogLimitBytes: options.backlogLimitBytes,
    clock: options.clock,
  });
  socket.setNoDelay(true);
  socket.on('data', (chunk: Buffer) => {
    port.received(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
  });
  socket.on('end', () => {
    port.farSideEnded();
  });
  socket.on('error', (error) => {
    port.failed(tcpError(`${port.name} was lost`, error, 'ERR_PORT_LOST'));
  });
  socket.on('close', () => {
    port.ended();
  });
  return port;
}

/** An error of the socket layer in our words, with what to do where that is plain. */
export function tcpError(message: string, cause: unknown, code: string): CellmuxError {
  const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown';
  const hints: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'Nothing listens there: start the other side, or check address and port.',
    ENOTFOUND: 'The name does not resolve: check its spelling.',
    EADDRINUSE: 'Something listens there already: end it or choose another port.',
    EACCES: 'Ports below 1024 need the right to listen on them: choose a higher one.',
    EADDRNOTAVAIL: 'The address is not one of this machine.',
    ETIMEDOUT: 'The host does not answer: check address and network.',
  };
  return new CellmuxError(code, `${message}: ${reason}`, { cause, hint: hints[reason], context: { reason } });
}
