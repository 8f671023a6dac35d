import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { concatBytes, latin1 } from '@cellmux/port';

/** The network's side of one TCP connection, as a test plays it. */
export class NetworkPeer {
  readonly socket: Socket;
  ended = false;
  closed = false;
  failed: string | undefined;
  readonly #chunks: Uint8Array[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes: Uint8Array) => this.#chunks.push(bytes));
    socket.on('end', () => (this.ended = true));
    socket.on('error', (error: NodeJS.ErrnoException) => (this.failed = error.code));
    socket.on('close', () => (this.closed = true));
  }

  get received(): Uint8Array {
    return concatBytes(this.#chunks);
  }

  get text(): string {
    return Buffer.from(this.received).toString('latin1');
  }

  send(data: string | Uint8Array): void {
    this.socket.write(typeof data === 'string' ? latin1(data) : data);
  }
}

/** A TCP server on a free port of 127.0.0.1. */
export class NetworkServer {
  readonly #server: Server;
  readonly peers: NetworkPeer[] = [];
  readonly port: number;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => this.peers.push(new NetworkPeer(socket)));
  }

  static async listen(): Promise<NetworkServer> {
    const server = createServer({ allowHalfOpen: true });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new NetworkServer(server);
  }

  /** The newest connection. */
  get peer(): NetworkPeer {
    const peer = this.peers.at(-1);
    if (peer === undefined) throw new Error('nobody has connected');
    return peer;
  }

  close(): void {
    for (const { socket } of this.peers) socket.destroy();
    this.#server.close();
  }
}

/** Connects to a port of the machine, from an address of 127.0.0.0/8 where one is given. */
export async function dialNetwork(port: number, localAddress = '127.0.0.1'): Promise<NetworkPeer> {
  const socket = connect({ port, host: '127.0.0.1', localAddress, allowHalfOpen: true });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return new NetworkPeer(socket);
}
