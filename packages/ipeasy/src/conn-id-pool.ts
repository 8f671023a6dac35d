import { CellmuxError, type AbortOptions } from '@cellmux/port';
import { CONNECTIONS } from './core/limits.ts';

interface Waiter {
  readonly give: (connId: number) => void;
  readonly refuse: (reason: unknown) => void;
}

/** Options of {@link ConnIdPool.acquire}. */
export interface AcquireOptions extends AbortOptions {
  /** `fail` rejects with `ERR_IPEASY_NO_FREE_SOCKET` when all are taken; `wait` queues. */
  readonly whenFull: 'wait' | 'fail';
  /** The connIds preferred, best first: a free one of these is taken before any other. */
  readonly prefer?: (connId: number) => boolean;
}

/** The six connIds of the module, over all its ports; who waits is served in the order of asking. */
export class ConnIdPool {
  readonly #free: number[] = Array.from({ length: CONNECTIONS }, (_, index) => index + 1);
  readonly #waiters: Waiter[] = [];
  #closedBy: CellmuxError | undefined;

  /** connIds that nobody holds. */
  get free(): number {
    return this.#free.length;
  }

  /** Callers that wait. */
  get waiting(): number {
    return this.#waiters.length;
  }

  acquire({ signal, whenFull, prefer = () => true }: AcquireOptions): Promise<number> {
    if (this.#closedBy !== undefined) return Promise.reject(this.#closedBy);
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    const connId = this.#free.find(prefer) ?? this.#free[0];
    if (connId !== undefined) {
      this.#free.splice(this.#free.indexOf(connId), 1);
      return Promise.resolve(connId);
    }
    if (whenFull === 'fail') {
      return Promise.reject(
        new CellmuxError('ERR_IPEASY_NO_FREE_SOCKET', `all ${CONNECTIONS} sockets of the module are in use`, {
          hint: "Close one, or wait for one with whenFull: 'wait'.",
          context: { limit: CONNECTIONS },
        }),
      );
    }
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        signal?.removeEventListener('abort', onAbort);
      };
      const waiter: Waiter = {
        give: (id) => {
          leave();
          resolve(id);
        },
        refuse: (reason) => {
          leave();
          reject(reason);
        },
      };
      const onAbort = (): void => {
        const index = this.#waiters.indexOf(waiter);
        if (index >= 0) this.#waiters.splice(index, 1);
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiters.push(waiter);
    });
  }

  /** Gives a connId back. To be called once for each that was acquired. */
  release(connId: number): void {
    const next = this.#waiters.shift();
    if (next !== undefined) next.give(connId);
    // The one that was used longest ago comes first again: late words about an old connection then meet a closed connId.
    else if (!this.#free.includes(connId)) this.#free.push(connId);
  }

  /** Takes one connId out of the free ones for good (a listener that the caller set up itself); false when taken. */
  take(connId: number): boolean {
    const index = this.#free.indexOf(connId);
    if (index < 0) return false;
    this.#free.splice(index, 1);
    return true;
  }

  /** Nobody gets one any more. */
  fail(reason: CellmuxError): void {
    this.#closedBy = reason;
    for (const waiter of this.#waiters.splice(0)) waiter.refuse(reason);
  }
}
