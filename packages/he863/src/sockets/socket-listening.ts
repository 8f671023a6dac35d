import { listenTcp, listenUdp, type Listener } from './listener.ts';
import type { ListenRequest } from './socket-requests.ts';
import type { SocketTable } from './socket-table.ts';
import type { Transport } from './transport.ts';

/** Whom a {@link SocketListening} serves. */
export interface SocketListeningOptions {
  readonly table: SocketTable;
  readonly connId: number;
  /** Whether somebody may come in now: one waits for #SA at a time. */
  readonly isWaiting: () => boolean;
  /** Somebody came in. */
  readonly connected: (transport: Transport) => void;
  /** The machine took the port away. */
  readonly failed: () => void;
}

/** The listening side of a connId: what #SL or #SLUDP asked for, and the port of the machine behind it. */
export class SocketListening {
  readonly #options: SocketListeningOptions;
  #request: ListenRequest = { transport: 'tcp', port: 0, closureType: 0 };
  #listener: Listener | undefined;
  #isWanted = false;

  constructor(options: SocketListeningOptions) {
    this.#options = options;
  }

  /** What was asked for last. */
  get request(): ListenRequest {
    return this.#request;
  }

  /** @throws OpenFailure when the machine's port cannot be had. */
  async start(request: ListenRequest): Promise<void> {
    const { table, connId, isWaiting, connected, failed } = this.#options;
    const { clock, options } = table;
    const { transport, port } = request;
    this.#request = request;
    this.#isWanted = true;
    const listener = await (transport === 'tcp' ? listenTcp : listenUdp)({
      address: options.listenHost,
      port: options.listenPorts[port] ?? port,
      clock,
      handlers: { admits: ({ address }) => isWaiting() && table.admits(address), connected, failed },
    });
    table.report(connId, `listening on ${listener.endpoint.address}:${listener.endpoint.port}`);
    // Closed from another port meanwhile, or asked for something else since: the listener that comes late goes.
    if (this.#isWanted && this.#request === request) this.#listener = listener;
    else listener.stop();
  }

  stop(): void {
    this.#isWanted = false;
    this.#listener?.stop();
    this.#listener = undefined;
  }
}
