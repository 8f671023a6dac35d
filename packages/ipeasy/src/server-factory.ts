import { type AbortOptions } from '@cellmux/port';
import type { DialHost } from './conn-id-dial.ts';
import type { Firewall } from './firewall.ts';
import type { IpEasyDatagramSocket } from './ip-easy-datagram-socket.ts';
import type { IpEasyEvent } from './ip-easy-event.ts';
import { IpEasyServer, type ServerHost, type ServerOptions } from './ip-easy-server.ts';
import type { IpEasySocket } from './ip-easy-socket.ts';
import type { SocketFactory } from './socket-factory.ts';

/** What {@link ServerFactory} is made of. */
export interface ServerFactoryOptions {
  readonly dialHost: DialHost;
  readonly factory: SocketFactory;
  readonly firewall: Firewall;
  /** Context of servers that name none. */
  readonly cid: number;
  /** Settles when the module is prepared. */
  readonly ready: () => Promise<void>;
  readonly emit: (event: IpEasyEvent) => void;
}

/** Whoever ends a connection that it has accepted has most often said all: the peer waits for the end. */
const SERVED_HALF_CLOSE_MS = 500;

/** Makes servers, and keeps those that have not been closed. */
export class ServerFactory {
  readonly #options: ServerFactoryOptions;
  readonly #servers = new Set<{ close(): unknown }>();

  constructor(options: ServerFactoryOptions) {
    this.#options = options;
  }

  createServer(options: ServerOptions, onConnection?: (socket: IpEasySocket) => void): IpEasyServer<IpEasySocket> {
    const { factory } = this.#options;
    const host: ServerHost<IpEasySocket> = {
      ...this.#host('tcp'),
      makeSocket: (connId, cid, lane, { allowHalfOpen, halfCloseMs = SERVED_HALF_CLOSE_MS }) => {
        const socket = factory.makeSocket({ allowHalfOpen, halfCloseMs });
        return {
          user: factory.channelFor(socket, connId, cid, lane),
          socket,
          connected: (endpoints) => {
            socket.connected(endpoints);
          },
          discard: () => {
            socket.destroy();
          },
        };
      },
    };
    return this.#keep(new IpEasyServer(host, options, onConnection));
  }

  createDatagramServer(
    options: ServerOptions,
    onConnection?: (socket: IpEasyDatagramSocket) => void,
  ): IpEasyServer<IpEasyDatagramSocket> {
    const { factory } = this.#options;
    const host: ServerHost<IpEasyDatagramSocket> = {
      ...this.#host('udp'),
      makeSocket: (connId, cid, lane) => {
        const socket = factory.makeDatagramSocket();
        return {
          user: factory.datagramChannelFor(socket, connId, cid, lane),
          socket,
          connected: (endpoints) => {
            socket.connected(endpoints);
          },
          discard: () => {
            socket.close();
          },
        };
      },
    };
    return this.#keep(new IpEasyServer(host, options, onConnection));
  }

  /** Listens; resolves once the module does, rejects as the server's `error` says. */
  async listen<Socket extends IpEasySocket | IpEasyDatagramSocket>(
    make: () => IpEasyServer<Socket>,
    port: number,
    { signal }: AbortOptions,
  ): Promise<IpEasyServer<Socket>> {
    await this.#options.ready();
    signal?.throwIfAborted();
    const server = make();
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        server.close();
        settle(() => {
          reject(signal?.reason);
        });
      };
      const settle = (how: () => void): void => {
        signal?.removeEventListener('abort', onAbort);
        server.off('error', onError);
        how();
      };
      const onError = (error: Error): void => {
        settle(() => {
          reject(error);
        });
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      server.on('error', onError);
      server.listen(port, () => {
        settle(resolve);
      });
    });
    return server;
  }

  /** Stops all servers; their connections go on. */
  closeAll(): void {
    for (const server of this.#servers) server.close();
  }

  #host(transport: 'tcp' | 'udp'): Omit<ServerHost<never>, 'makeSocket'> {
    const { dialHost, firewall, cid, ready, emit } = this.#options;
    return { ...dialHost, transport, ready, firewall, cid, emit };
  }

  #keep<Server extends { close(): unknown; once(event: 'close', listener: () => void): unknown }>(
    server: Server,
  ): Server {
    this.#servers.add(server);
    server.once('close', () => this.#servers.delete(server));
    return server;
  }
}
