import { FtpEnd } from './ftp-end.ts';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A connection as the other end sees it. */
interface Connection {
  readonly socket: Pick<Socket, 'write' | 'end'> | FtpEnd['connection']['socket'];
  received: string;
  ended: boolean;
}

interface TcpConnection extends Connection {
  readonly socket: Socket;
}

/** The other ends of TCP connections on loopback: servers that the module dials, and clients that dial the module. */
export class NetworkEnds {
  readonly #servers = new Map<string, { server: Server; connections: TcpConnection[] }>();
  readonly #ftp = new Map<string, FtpEnd>();
  readonly #clients = new Map<string, TcpConnection>();
  readonly #taken = new Map<string, number>();

  /** A server for `host:port` of a conversation; gives where it is really. */
  async listen(name: string): Promise<string> {
    const connections: TcpConnection[] = [];
    const server = createServer({ allowHalfOpen: true }, (socket) => connections.push(watch(socket)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#servers.set(name, { server, connections });
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** A FTP server for `host:port` of a conversation. */
  async listenFtp(name: string): Promise<string> {
    const end = await FtpEnd.listen();
    this.#ftp.set(name, end);
    return `127.0.0.1:${end.port}`;
  }

  /** A free port for a listener of the module. */
  static async freePort(): Promise<number> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }

  /** Dials a listener of the module. */
  dial(peer: string, port: number): void {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    this.#clients.set(peer, watch(socket));
  }

  /** The connection of a peer: `tcp:host:port`, with `#n` for the n-th. */
  connection(peer: string): Connection | undefined {
    const client = this.#clients.get(peer);
    if (client !== undefined) return client;
    const ftp = peer.startsWith('ftp:') ? this.#ftp.get(peer.slice('ftp:'.length)) : undefined;
    if (ftp !== undefined) return ftp.isUsed ? ftp.connection : undefined;
    const [name = '', number = '1'] = peer.replace(/^\w+:/, '').split('#');
    return this.#servers.get(name)?.connections[Number(number) - 1];
  }

  /** What the peer has got and nobody has looked at. */
  received(peer: string): string {
    return (this.connection(peer)?.received ?? '').slice(this.#taken.get(peer) ?? 0);
  }

  take(peer: string, length: number): void {
    this.#taken.set(peer, (this.#taken.get(peer) ?? 0) + length);
  }

  close(): void {
    for (const end of this.#ftp.values()) end.close();
    for (const { server, connections } of this.#servers.values()) {
      for (const { socket } of connections) socket.destroy();
      server.close();
    }
    for (const { socket } of this.#clients.values()) socket.destroy();
  }
}

function watch(socket: Socket): TcpConnection {
  const connection: TcpConnection = { socket, received: '', ended: false };
  socket.on('data', (chunk: Buffer) => {
    connection.received += chunk.toString('latin1');
  });
  socket.on('end', () => {
    connection.ended = true;
  });
  socket.on('close', () => {
    connection.ended = true;
  });
  socket.on('error', () => undefined);
  return connection;
}
