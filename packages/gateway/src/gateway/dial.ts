import { CellmuxError, type AbortOptions } from '@cellmux/port';
import type { Duplex } from 'node:stream';
import { formatHostPort, type HostPort } from '../core/host-port.ts';
import { Turnstile } from './turnstile.ts';

/** Opens a connection to a far host: through an IP Easy socket of the module, or in any other way. */
export type Dial = (target: HostPort, options?: AbortOptions) => Promise<Duplex>;

/** Bounds of {@link queuedDial}. */
export interface DialQueueOptions {
  /** Connections open at the same time; the module has six sockets. */
  readonly maximumOpen: number;
  /** Callers that may wait for one; default 64. One more is refused with `ERR_GATEWAY_SOCKETS_BUSY`. */
  readonly maximumWaiting?: number;
}

/** A {@link Dial} with a queue in front. */
export interface QueuedDial extends Dial {
  /** Connections that are open or being opened. */
  readonly open: number;
  /** Callers that wait for one. */
  readonly waiting: number;
}

/** The same dial with a queue in front: callers wait, first come first served, for one of a few connections. */
export function queuedDial(dial: Dial, { maximumOpen, maximumWaiting = 64 }: DialQueueOptions): QueuedDial {
  const turnstile = new Turnstile(maximumOpen);
  const queued: Dial = async (target, options = {}) => {
    options.signal?.throwIfAborted();
    if (turnstile.isFull && turnstile.waiting >= maximumWaiting) {
      throw new CellmuxError(
        'ERR_GATEWAY_SOCKETS_BUSY',
        `${formatHostPort(target)}: all ${maximumOpen} sockets are in use and ${maximumWaiting} connections wait already`,
        { hint: 'Try again later, or keep fewer connections open.', context: { maximumOpen, maximumWaiting } },
      );
    }
    await turnstile.enter(options.signal);
    try {
      const socket = await dial(target, options);
      socket.once('close', () => {
        turnstile.leave();
      });
      return socket;
    } catch (error) {
      turnstile.leave();
      throw error;
    }
  };
  return Object.defineProperties(queued, {
    open: { get: () => turnstile.inside },
    waiting: { get: () => turnstile.waiting },
  }) as QueuedDial;
}
