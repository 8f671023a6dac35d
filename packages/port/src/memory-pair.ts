import { BehaviorSubject, type Observable } from 'rxjs';
import { DRIVEN_CIRCUITS, IDLE_CIRCUITS, type Circuits, type PortRole } from './circuits.ts';
import { checkInteger } from './core/check-option.ts';
import { CellmuxError } from './core/cellmux-error.ts';
import type { AbortOptions, Port } from './port.ts';
import { portClosedError } from './port-errors.ts';
import { BACKLOG_LIMIT_BYTES, ReceiveStream } from './receive-stream.ts';

/** Options of {@link memoryPair}. */
export interface MemoryPairOptions {
  /** What both ends are called, with ` (dte)` and ` (dce)` behind it; default `memory`. */
  readonly name?: string;
  /** Backlog of each end in bytes, 1 to 2^30; default {@link BACKLOG_LIMIT_BYTES}. */
  readonly backlogLimitBytes?: number;
}

interface PendingSend {
  readonly bytes: Uint8Array;
  readonly done: () => void;
  readonly failed: (reason: unknown) => void;
}

class MemoryEnd implements Port {
  readonly name: string;
  readonly role: PortRole;
  readonly received$: Observable<Uint8Array>;
  readonly circuits$: Observable<Circuits>;
  /** The circuits are those of one cable, so both ends look at the same ones. */
  readonly #cable: BehaviorSubject<Circuits>;
  readonly #stream: ReceiveStream;
  readonly #queue: PendingSend[] = [];
  #far: MemoryEnd | undefined;
  #pausedByUser = false;
  #pausedByBacklog = false;
  #delivering = false;
  #drained: (() => void) | undefined;
  #closing: Promise<void> | undefined;
  #closed = false;

  constructor(name: string, role: PortRole, cable: BehaviorSubject<Circuits>, backlogLimitBytes: number) {
    this.name = name;
    this.role = role;
    this.#cable = cable;
    this.circuits$ = cable.asObservable();
    this.#stream = new ReceiveStream({
      name,
      backlogLimitBytes,
      onBackpressure: (wanted) => {
        this.#pausedByBacklog = wanted;
        if (!wanted) this.#far?.deliver();
      },
    });
    this.received$ = this.#stream.bytes$;
  }

  join(far: MemoryEnd): void {
    this.#far = far;
  }

  get circuits(): Circuits {
    return this.#cable.value;
  }

  get isClosed(): boolean {
    return this.#closed || this.#closing !== undefined;
  }

  send(bytes: Uint8Array, { signal }: AbortOptions = {}): Promise<void> {
    if (this.isClosed) return Promise.reject(portClosedError(this.name, bytes.length));
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        const index = this.#queue.indexOf(pending);
        if (index < 0) return;
        this.#queue.splice(index, 1);
        reject(signal?.reason);
      };
      const pending: PendingSend = {
        bytes: bytes.slice(),
        done: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
        failed: (reason) => {
          signal?.removeEventListener('abort', onAbort);
          reject(reason);
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#queue.push(pending);
      this.deliver();
    });
  }

  pause(): void {
    this.#pausedByUser = true;
  }

  resume(): void {
    this.#pausedByUser = false;
    this.#far?.deliver();
  }

  setCircuits(change: Partial<Circuits>): Promise<void> {
    if (this.isClosed) return Promise.reject(portClosedError(this.name, 0));
    for (const circuit of Object.keys(change)) {
      if (!(DRIVEN_CIRCUITS[this.role] as readonly string[]).includes(circuit)) {
        return Promise.reject(
          new CellmuxError(
            'ERR_PORT_CIRCUIT_NOT_OURS',
            `${this.name}: a ${this.role.toUpperCase()} does not drive ${circuit}`,
            {
              context: { circuit, role: this.role },
            },
          ),
        );
      }
    }
    const next = { ...this.#cable.value, ...change };
    if ((Object.keys(next) as (keyof Circuits)[]).some((circuit) => next[circuit] !== this.#cable.value[circuit])) {
      this.#cable.next(next);
    }
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeInOrder();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Breaks the cable: both ends fail with the error, what is queued is rejected with it. */
  fail(error: unknown): void {
    for (const end of [this, this.#far]) {
      if (end === undefined || end.#closed) continue;
      end.#closed = true;
      for (const pending of end.#queue.splice(0)) pending.failed(error);
      end.#drained?.();
      end.#stream.fail(error);
    }
    this.#cable.complete();
  }

  async #closeInOrder(): Promise<void> {
    if (this.#queue.length > 0 && this.#far?.isClosed === false)
      await new Promise<void>((resolve) => (this.#drained = resolve));
    this.ended();
    this.#far?.ended();
    this.#cable.complete();
  }

  /** The end of the cable, whoever closed it. */
  ended(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closing ??= Promise.resolve();
    for (const pending of this.#queue.splice(0)) pending.failed(portClosedError(this.name, pending.bytes.length));
    this.#drained?.();
    this.#stream.complete();
  }

  /** Hands queued bytes to the far end, for as long as it takes them. */
  deliver(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    // In a microtask of its own: a receiver that answers from within its subscriber must not recurse.
    queueMicrotask(() => {
      this.#delivering = false;
      const far = this.#far;
      if (far === undefined) return;
      while (!far.#pausedByUser && !far.#pausedByBacklog && !far.#closed) {
        const next = this.#queue.shift();
        if (next === undefined) break;
        far.#stream.push(next.bytes);
        next.done();
      }
      if (this.#queue.length === 0) this.#drained?.();
    });
  }
}

/** A memory pair with the means to break it. */
export interface MemoryPair {
  /** The terminal's end. */
  readonly dte: Port;
  /** The module's end. */
  readonly dce: Port;
  /** Breaks the cable: both streams end with this error, and what was not delivered is rejected with it. */
  fail(error: unknown): void;
}

/**
 * Two ports joined in memory: what one sends the other receives, in the same chunks, without loss. `pause()` on one end
 * keeps the other's `send` waiting. Both share one set of circuits, as the two ends of one cable do.
 *
 * @example
 * const { dte, dce } = memoryPair();
 * dce.received$.subscribe((chunk) => { … });
 * await dte.send(latin1('AT\r'));
 */
export function memoryPair({
  name = 'memory',
  backlogLimitBytes = BACKLOG_LIMIT_BYTES,
}: MemoryPairOptions = {}): MemoryPair {
  checkInteger('backlogLimitBytes', backlogLimitBytes, 1, 2 ** 30);
  const cable = new BehaviorSubject(IDLE_CIRCUITS);
  const dte = new MemoryEnd(`${name} (dte)`, 'dte', cable, backlogLimitBytes);
  const dce = new MemoryEnd(`${name} (dce)`, 'dce', cable, backlogLimitBytes);
  dte.join(dce);
  dce.join(dte);
  return {
    dte,
    dce,
    fail: (error) => {
      dte.fail(error);
    },
  };
}
