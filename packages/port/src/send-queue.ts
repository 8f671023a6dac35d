import { portClosedError } from './port-errors.ts';

interface PendingSend {
  bytes: Uint8Array;
  /** Octets of `bytes` that the layer below has taken. */
  taken: number;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * The sending half of a port: byte arrays in the order of the calls, each with the promise of its sender. It holds
 * references, not copies; how much is in it is up to the senders, who await their promises.
 */
export class SendQueue {
  readonly #name: string;
  readonly #pending: PendingSend[] = [];
  #onEmpty: (() => void)[] = [];

  constructor(name: string) {
    this.#name = name;
  }

  get isEmpty(): boolean {
    return this.#pending.length === 0;
  }

  /** Octets that nobody has taken yet. */
  get bytes(): number {
    return this.#pending.reduce((sum, send) => sum + send.bytes.length - send.taken, 0);
  }

  /** Queues bytes. The promise resolves when all of them were {@link take}n; rejects with the signal's reason on abort. */
  add(bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      if (signal === undefined) {
        this.#pending.push({ bytes, taken: 0, resolve, reject });
        return;
      }
      const onAbort = (): void => {
        const index = this.#pending.indexOf(send);
        if (index < 0) return;
        this.#pending.splice(index, 1);
        reject(signal.reason);
        this.#announceEmpty();
      };
      const send: PendingSend = {
        bytes,
        taken: 0,
        resolve: () => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        },
        reject: (reason) => {
          signal.removeEventListener('abort', onAbort);
          reject(reason);
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#pending.push(send);
    });
  }

  /** What is left of the first send; undefined when there is none. A view of the sender's array. */
  peek(): Uint8Array | undefined {
    const first = this.#pending[0];
    if (first === undefined) return undefined;
    return first.taken === 0 ? first.bytes : first.bytes.subarray(first.taken);
  }

  /** A mark of the first send, for {@link take} after an await: it may be aborted meanwhile. */
  get first(): object | undefined {
    return this.#pending[0];
  }

  /** Notes that the layer below took `octets` of the first send; ignored when that one is no longer `expected`. */
  take(octets: number, expected: object | undefined = this.#pending[0]): void {
    const first = this.#pending[0];
    if (first === undefined || first !== expected) return;
    first.taken += octets;
    if (first.taken < first.bytes.length) return;
    this.#pending.shift();
    first.resolve();
    this.#announceEmpty();
  }

  /** Rejects every sender with `ERR_PORT_CLOSED`, the number of octets certainly not sent, and the cause. */
  rejectAll(cause?: unknown): void {
    for (const send of this.#pending.splice(0))
      send.reject(portClosedError(this.#name, send.bytes.length - send.taken, cause));
    this.#announceEmpty();
  }

  /** Resolves when nothing is left, taken or rejected. */
  empty(): Promise<void> {
    if (this.isEmpty) return Promise.resolve();
    return new Promise((resolve) => this.#onEmpty.push(resolve));
  }

  #announceEmpty(): void {
    if (this.#pending.length > 0 || this.#onEmpty.length === 0) return;
    const waiting = this.#onEmpty;
    this.#onEmpty = [];
    for (const resolve of waiting) resolve();
  }
}
