import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { createServer, isIPv6, type Server, type Socket } from 'node:net';
import type { Clock } from '@cellmux/port';
import { SOCKET_ERRORS } from './machine/socket-transitions.ts';
import { plain, TcpTransport } from './tcp-transport.ts';
import { OpenFailure, type Endpoint, type Transport } from './transport.ts';
import { UdpTransport } from './udp-transport.ts';

/** Connections that the kernel may complete while one waits for #SA: they are refused as soon as they are seen. */
const LISTEN_BACKLOG = 4;

/** What a listener asks of its owner. */
export interface ListenerHandlers {
  /** Whether the peer may come in: the firewall, and that nobody waits already. */
  admits(remote: Endpoint): boolean;
  /** Somebody came in. The owner must take or abort it. */
  connected(transport: Transport): void;
  /** The machine took the listener away. */
  failed(): void;
}

/** A port of the machine on which a connId listens. */
export interface Listener {
  /** Where it listens on the machine. */
  readonly endpoint: Endpoint;
  /** Stops listening; a connection that was handed over lives on. */
  stop(): void;
}

/** Options of {@link listenTcp} and {@link listenUdp}. */
export interface ListenOptions {
  readonly address: string;
  readonly port: number;
  readonly clock: Clock;
  readonly handlers: ListenerHandlers;
}

/**
 * Listens for TCP connections. The kernel has already said yes to a peer when the firewall is asked: a peer that it
 * drops sees its connection reset instead of no answer at all.
 *
 * @throws OpenFailure with 557 when the machine's port cannot be had.
 */
export async function listenTcp({ address, port, clock, handlers }: ListenOptions): Promise<Listener> {
  const server: Server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket: Socket) => {
    const remote = { address: plain(socket.remoteAddress), port: socket.remotePort ?? 0 };
    socket.on('error', () => undefined);
    if (stopped || !handlers.admits(remote)) socket.resetAndDestroy();
    else handlers.connected(new TcpTransport(socket, clock));
  });
  let stopped = false;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      reject(new OpenFailure(SOCKET_ERRORS.cannotSetupSocket, error));
    });
    server.listen({ host: address, port, backlog: LISTEN_BACKLOG }, resolve);
  });
  server.removeAllListeners('error');
  server.on('error', () => {
    handlers.failed();
  });
  const bound = server.address();
  return {
    endpoint: { address, port: typeof bound === 'object' && bound !== null ? bound.port : port },
    stop: () => {
      stopped = true;
      server.close();
    },
  };
}

/**
 * Listens for datagrams: the first one from a peer that the firewall lets in is a connection with that peer, on the same
 * port.
 *
 * @throws OpenFailure with 557 when the machine's port cannot be had.
 */
export async function listenUdp({ address, port, handlers }: ListenOptions): Promise<Listener> {
  const socket: DatagramSocket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (error) => {
      reject(new OpenFailure(SOCKET_ERRORS.cannotSetupSocket, error));
    });
    socket.bind(port, address, resolve);
  });
  socket.removeAllListeners('error');
  socket.on('error', () => undefined);
  let handedOver = false;
  socket.on('message', (bytes, from) => {
    const remote = { address: plain(from.address), port: from.port };
    if (handedOver || !handlers.admits(remote)) return;
    handedOver = true;
    const transport = new UdpTransport(socket, remote);
    transport.prepend({ bytes, source: remote });
    handlers.connected(transport);
  });
  return {
    endpoint: { address, port: socket.address().port },
    stop: () => {
      if (!handedOver) socket.close();
    },
  };
}
