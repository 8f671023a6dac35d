import { createServer, type AddressInfo, type Server } from 'node:net';
import { Observable, Subject } from 'rxjs';
import type { Port } from '../port.ts';
import { tcpError, tcpPort, type TcpPortOptions } from './tcp-port.ts';

/** Options of {@link listenTcp}. */
export interface ListenTcpOptions extends TcpPortOptions {
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** 0 lets the system choose; see {@link TcpListener.address}. */
  readonly port: number;
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
 * Rejects with `ERR_PORT_CANNOT_LISTEN` when the address is taken, not of this machine or not allowed.
 */
export function listenTcp({ host = '127.0.0.1', port, ...options }: ListenTcpOptions): Promise<TcpListener> {
  return new Promise((resolve, reject) => {
    const ports = new Subject<Port>();
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      if (!ports.observed) {
        socket.destroy();
        return;
      }
      ports.next(tcpPort(socket, 'dce', options));
    });
    const onError = (error: Error): void => {
      reject(tcpError(`cannot listen on ${host}:${port}`, error, 'ERR_PORT_CANNOT_LISTEN'));
    };
    server.once('error', onError);
    server.listen({ host, port }, () => {
      server.off('error', onError);
      resolve(new Listener(server, ports));
    });
  });
}
