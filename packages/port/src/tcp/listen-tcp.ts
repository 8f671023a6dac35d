import { createServer, type AddressInfo, type Server } from 'node:net';
import { Subject } from 'rxjs';
import type { Observable } from 'rxjs';
import type { PortRole } from '../circuits.ts';
import type { Clock } from '../clock.ts';
import { checkInteger } from '../core/check-option.ts';
import { checkBacklogLimit } from '../machine-limits.ts';
import type { Port } from '../port.ts';
import { socketPort } from './socket-port.ts';
import { reasonOf, tcpError } from './tcp-errors.ts';

/** Connections that are open at a time, by default. */
export const TCP_CONNECTION_LIMIT = 64;

/** Options of {@link listenTcp}. */
export interface ListenTcpOptions {
  /** The local address; default `127.0.0.1`. */
  readonly host?: string;
  /** 0 to 65535; 0 lets the system choose: see {@link TcpListener.address}. */
  readonly port: number;
  /** Which end of the line the accepted ports are; default `dce`. */
  readonly role?: PortRole;
  /** Connections at a time, 1 to 65535; more are dropped. Default {@link TCP_CONNECTION_LIMIT}. */
  readonly connectionLimit?: number;
  /** Backlog of each port in bytes, 131072 to 2^30; default 262144. */
  readonly backlogLimitBytes?: number;
  readonly clock?: Clock;
}

/** A TCP server whose connections are ports. */
export interface TcpListener extends AsyncDisposable {
  /** Where it listens. */
  readonly address: { readonly host: string; readonly port: number };
  /** Each connection as a Port, hot; a connection that comes while nobody subscribes is closed. Completes on close. */
  readonly ports$: Observable<Port>;
  /** Stops listening; connections go on. Calling it again is fine. */
  close(): Promise<void>;
}

class Listener implements TcpListener {
  readonly address: { readonly host: string; readonly port: number };
  readonly ports$: Observable<Port>;
  readonly #server: Server;
  readonly #ports: Subject<Port>;

  constructor(server: Server, ports: Subject<Port>) {
    const { address, port } = server.address() as AddressInfo;
    this.address = { host: address, port };
    this.ports$ = ports.asObservable();
    this.#server = server;
    this.#ports = ports;
    // Running out of descriptors, say: that connection is lost, the next one may not be.
    server.on('error', () => undefined);
  }

  close(): Promise<void> {
    this.#server.close();
    this.#ports.complete();
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * Listens for TCP connections; each becomes a Port.
 *
 * Rejects with `ERR_PORT_CANNOT_LISTEN` when the address is taken, not of this machine or not allowed
 * (`context.reason` is the system's code), or with `ERR_OPTION_RANGE`.
 */
export async function listenTcp(options: ListenTcpOptions): Promise<TcpListener> {
  const { host = '127.0.0.1', role = 'dce', clock } = options;
  const port = checkInteger('port', options.port, 0, 65_535);
  const backlogLimitBytes = checkBacklogLimit(options.backlogLimitBytes);
  const connectionLimit = checkInteger('connectionLimit', options.connectionLimit ?? TCP_CONNECTION_LIMIT, 1, 65_535);
  const ports = new Subject<Port>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const address = socket.remoteAddress ?? '?';
    const name = `tcp:${address.includes(':') ? `[${address}]` : address}:${socket.remotePort ?? 0}`;
    if (ports.observed) ports.next(socketPort(socket, { name, role, clock, backlogLimitBytes }));
    else socket.destroy();
  });
  server.maxConnections = connectionLimit;
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port }, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } catch (error) {
    throw tcpError('ERR_PORT_CANNOT_LISTEN', `cannot listen on ${host}:${port}`, reasonOf(error), error);
  }
  return new Listener(server, ports);
}
