import type { EventEmitter } from 'node:events';
import { CellmuxError } from '@cellmux/port';
import type { AtLane } from './at-lane.ts';
import { dialConnId, type DialHost, type DialledUser } from './conn-id-dial.ts';
import { checkDial, type ConnectOptions, type DialSettings } from './dial-settings.ts';
import type { IpEasyDatagramSocket } from './ip-easy-datagram-socket.ts';
import type { IpEasyEvent } from './ip-easy-event.ts';
import type { ResolvedOptions } from './ip-easy-options.ts';
import type { Endpoints, IpEasySocket } from './ip-easy-socket.ts';
import { asError, type AnyIpEasySocket, type SocketFactory } from './socket-factory.ts';

/** What {@link Connector} is made of. */
export interface ConnectorOptions {
  readonly dialHost: DialHost;
  readonly factory: SocketFactory;
  readonly options: ResolvedOptions;
  /** Settles when the module is prepared. */
  readonly ready: () => Promise<void>;
  readonly emit: (event: IpEasyEvent) => void;
}

/** How one kind of socket is brought to life. */
interface Opening {
  readonly makeUser: (connId: number, lane: AtLane) => DialledUser;
  readonly isEnded: () => boolean;
  readonly connected: (endpoints: Endpoints) => void;
  readonly failed: (error: unknown) => void;
}

/** Opens outgoing connections. */
export class Connector {
  readonly #options: ConnectorOptions;

  constructor(options: ConnectorOptions) {
    this.#options = options;
  }

  async connect(options: ConnectOptions): Promise<AnyIpEasySocket> {
    const { signal } = options;
    signal?.throwIfAborted();
    const socket = options.transport === 'udp' ? this.createDatagramSocket(options) : this.createConnection(options);
    const events: EventEmitter = socket;
    await new Promise<void>((resolve, reject) => {
      const onError = (error: unknown): void => {
        reject(signal?.aborted === true ? signal.reason : error);
      };
      events.once('error', onError);
      events.once('connect', () => {
        events.off('error', onError);
        resolve();
      });
      events.once('close', () => {
        onError(closedError());
      });
    });
    return socket;
  }

  createConnection(options: ConnectOptions, onConnect?: () => void): IpEasySocket {
    const { factory } = this.#options;
    const dial = checkDial({ ...options, transport: 'tcp' }, this.#options.options);
    const abort = new AbortController();
    const socket = factory.makeSocket(options, () => {
      abort.abort(closedError());
    });
    if (onConnect !== undefined) socket.once('connect', onConnect);
    endWith(socket, options.signal, (reason) => socket.destroy(reason));
    void this.#open(dial, abort.signal, {
      makeUser: (connId, lane) => factory.channelFor(socket, connId, dial.cid, lane),
      isEnded: () => socket.destroyed,
      connected: (endpoints) => {
        socket.connected(endpoints);
      },
      failed: (error) => {
        socket.destroy(asError(error));
      },
    });
    return socket;
  }

  createDatagramSocket(options: ConnectOptions): IpEasyDatagramSocket {
    const { factory } = this.#options;
    const dial = checkDial({ ...options, transport: 'udp' }, this.#options.options);
    const abort = new AbortController();
    const socket = factory.makeDatagramSocket(() => {
      abort.abort(closedError());
    });
    endWith(socket, options.signal, (reason) => {
      socket.ended(reason);
    });
    void this.#open(dial, abort.signal, {
      makeUser: (connId, lane) => factory.datagramChannelFor(socket, connId, dial.cid, lane),
      isEnded: () => socket.isClosed,
      connected: (endpoints) => {
        socket.connected(endpoints);
      },
      failed: (error) => {
        socket.ended(asError(error));
      },
    });
    return socket;
  }

  async #open(dial: DialSettings, signal: AbortSignal, opening: Opening): Promise<void> {
    const { dialHost, ready, emit } = this.#options;
    const { host, port } = dial;
    try {
      await ready();
      const { user, endpoints } = await dialConnId(dialHost, dial, signal, opening.makeUser);
      if (opening.isEnded()) {
        await user.close().catch(() => undefined);
        return;
      }
      emit({ type: 'socketOpened', connId: user.connId, host, port, portIndex: user.lane.index });
      opening.connected(endpoints);
    } catch (error) {
      if (!opening.isEnded()) emit({ type: 'socketRefused', host, port, error });
      opening.failed(error);
    }
  }
}

/** Ends a socket when the signal aborts before it is connected. */
function endWith(events: EventEmitter, signal: AbortSignal | undefined, end: (reason: Error) => void): void {
  if (signal === undefined) return;
  const onAbort = (): void => {
    end(asError(signal.reason));
  };
  const leave = (): void => {
    signal.removeEventListener('abort', onAbort);
  };
  if (signal.aborted) process.nextTick(onAbort);
  signal.addEventListener('abort', onAbort, { once: true });
  events.once('connect', leave);
  events.once('close', leave);
}

/** What calls get once the library or a socket has been closed. */
export function closedError(): CellmuxError {
  return new CellmuxError('ERR_IPEASY_CLOSED', 'IP Easy or this socket was closed');
}
