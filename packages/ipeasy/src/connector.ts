import type { EventEmitter } from 'node:events';
import { CellmuxError, hasCode } from '@cellmux/port';
import type { AtLane } from './at-lane.ts';
import { dialConnId, type DialHost, type DialledUser } from './conn-id-dial.ts';
import { isIpv4 } from './core/command-lines.ts';
import { checkDial, type ConnectOptions, type CreateConnectionOptions, type DialSettings } from './dial-settings.ts';
import type { IpEasyDatagramSocket } from './ip-easy-datagram-socket.ts';
import type { IpEasyEvent } from './ip-easy-event.ts';
import type { ResolvedOptions } from './ip-easy-options.ts';
import type { Endpoints, IpEasySocket } from './ip-easy-socket.ts';
import { asError, type AnyIpEasySocket, type SocketFactory } from './socket-factory.ts';

/** Called once connected, with nothing; whatever a caller's function takes. */
export type ConnectListener = (...values: never[]) => void;

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

  createConnection(options: CreateConnectionOptions, onConnect?: ConnectListener): IpEasySocket {
    const { factory } = this.#options;
    const abort = new AbortController();
    const make = (): IpEasySocket => {
      const made = factory.makeSocket(options, () => {
        abort.abort(closedError());
      });
      if (options.timeout !== undefined) made.setTimeout(options.timeout);
      return made;
    };
    let dial: DialSettings;
    try {
      dial = checkDial({ ...options, transport: 'tcp' }, this.#options.options);
    } catch (error) {
      if (!isOfHost(error)) throw error;
      // A host comes from outside more often than not, in a URL: it is for those who listen for `error`. HTTP agents do
      // so a tick after they got the socket.
      const refused = make();
      setImmediate(() => refused.destroy(error));
      return refused;
    }
    const socket = make();
    socket.once('connect', () => onConnect?.());
    endWith(socket, options.signal, (reason) => socket.destroy(reason));
    void this.#open(dial, abort.signal, {
      makeUser: (connId, lane) => factory.channelFor(socket, connId, dial.cid, lane),
      isEnded: () => socket.destroyed,
      connected: (endpoints) => {
        socket.connected(endpoints, isIpv4(dial.host) ? undefined : dial.host);
      },
      failed: (error) => {
        if (hasCode(error, 'ERR_IPEASY_CANNOT_RESOLVE')) socket.notResolved(error, dial.host);
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

function isOfHost(error: unknown): error is CellmuxError {
  return hasCode(error, 'ERR_IPEASY_HOST') || hasCode(error, 'ERR_IPEASY_HOST_TOO_LONG');
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
