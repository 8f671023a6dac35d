import type { EventEmitter } from 'node:events';
import type { Clock } from '@cellmux/port';
import { BehaviorSubject, type Observable } from 'rxjs';
import type { AtLane } from './at-lane.ts';
import type { TransferSettings } from './command-transfer.ts';
import type { ConnIdHost } from './conn-id-user.ts';
import { DatagramChannel } from './datagram-channel.ts';
import { IpEasyDatagramSocket } from './ip-easy-datagram-socket.ts';
import type { IpEasyEvent } from './ip-easy-event.ts';
import { IpEasySocket } from './ip-easy-socket.ts';
import { SocketChannel } from './socket-channel.ts';
import type { SocketSetup } from './socket-setup.ts';

/** A socket of either kind. */
export type AnyIpEasySocket = IpEasySocket | IpEasyDatagramSocket;

/** What {@link SocketFactory} is made of. */
export interface SocketFactoryOptions {
  readonly clock: Clock;
  readonly host: ConnIdHost;
  readonly setup: SocketSetup;
  readonly transfer: TransferSettings;
  readonly halfCloseMs: number;
  readonly highWaterMarkBytes: number;
  readonly emit: (event: IpEasyEvent) => void;
}

/** Makes sockets and the channels that carry them, and keeps the list of those that live. */
export class SocketFactory {
  readonly sockets$: Observable<readonly AnyIpEasySocket[]>;
  readonly #options: SocketFactoryOptions;
  readonly #sockets = new BehaviorSubject<readonly AnyIpEasySocket[]>([]);

  constructor(options: SocketFactoryOptions) {
    this.#options = options;
    this.sockets$ = this.#sockets.asObservable();
  }

  get sockets(): readonly AnyIpEasySocket[] {
    return this.#sockets.value;
  }

  makeSocket(
    {
      allowHalfOpen = false,
      halfCloseMs = this.#options.halfCloseMs,
    }: {
      readonly allowHalfOpen?: boolean | undefined;
      readonly halfCloseMs?: number | undefined;
    },
    onAbandoned: () => void = () => undefined,
  ): IpEasySocket {
    const { clock, highWaterMarkBytes } = this.#options;
    const socket = new IpEasySocket({ clock, halfCloseMs, allowHalfOpen, highWaterMarkBytes, onAbandoned });
    this.#track(socket);
    return socket;
  }

  makeDatagramSocket(onAbandoned: () => void = () => undefined): IpEasyDatagramSocket {
    const socket = new IpEasyDatagramSocket(onAbandoned);
    this.#track(socket);
    return socket;
  }

  channelFor(socket: IpEasySocket, connId: number, cid: number, lane: AtLane): SocketChannel {
    const { clock, host, transfer, emit } = this.#options;
    let by: 'peer' | 'here' | 'loss' = 'here';
    let error: unknown;
    const channel = new SocketChannel({
      connId,
      cid,
      lane,
      host,
      transfer,
      clock,
      sink: {
        onData: (bytes) => socket.received(bytes),
        onEnd: () => {
          by = 'peer';
          socket.peerEnded();
        },
        onFailed: (reason) => {
          by = 'loss';
          error = reason;
          socket.destroy(asError(reason));
        },
      },
    });
    socket.assign(channel);
    socket.once('close', () => {
      if (channel.wasOpen) emit({ type: 'socketClosed', connId, by, ...(by === 'loss' ? { error } : {}) });
    });
    return channel;
  }

  datagramChannelFor(socket: IpEasyDatagramSocket, connId: number, cid: number, lane: AtLane): DatagramChannel {
    const { host, transfer, setup, emit } = this.#options;
    let by: 'peer' | 'here' | 'loss' = 'here';
    let error: unknown;
    const channel = new DatagramChannel({
      connId,
      cid,
      lane,
      host,
      transfer,
      udpInfo: setup.udpInfo,
      onNoUdpInfo: () => {
        setup.forgetUdpInfo();
      },
      sink: {
        onDatagram: (datagram) => {
          socket.received(datagram);
        },
        onEnd: () => {
          by = 'peer';
          socket.ended();
        },
        onFailed: (reason) => {
          by = 'loss';
          error = reason;
          socket.ended(asError(reason));
        },
      },
    });
    socket.assign(channel);
    socket.once('close', () => {
      if (channel.wasOpen) emit({ type: 'socketClosed', connId, by, ...(by === 'loss' ? { error } : {}) });
    });
    return channel;
  }

  /** Ends all sockets. */
  destroyAll(): void {
    for (const socket of this.#sockets.value) {
      if (socket instanceof IpEasySocket) socket.destroy();
      else socket.close();
    }
  }

  /** No list any more. */
  complete(): void {
    this.#sockets.complete();
  }

  #track(socket: AnyIpEasySocket): void {
    this.#sockets.next([...this.#sockets.value, socket]);
    (socket as EventEmitter).once('close', () => {
      this.#sockets.next(this.#sockets.value.filter((other) => other !== socket));
    });
  }
}

/** Node's streams want an Error, whatever the reason was. */
export function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
