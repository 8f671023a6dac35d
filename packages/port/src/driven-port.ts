import type { Observable } from 'rxjs';
import { CircuitCable, foreignCircuit } from './circuit-cable.ts';
import type { Circuits, PortRole } from './circuits.ts';
import { systemClock, type Cancel, type Clock } from './clock.ts';
import type { AbortOptions, Port } from './port.ts';
import { portClosedError } from './port-errors.ts';
import { ReceiveStream } from './receive-stream.ts';
import { SendQueue } from './send-queue.ts';

/** How long `close()` of a device's port lets bytes leave on which the far side makes no progress. */
export const CLOSE_LINGER_MS = 2000;

/** What differs from one transport to the next, under a {@link DrivenPort}. */
export interface PortDriver {
  /**
   * Takes at least one of the bytes, now or later, and says how many. Never called again before it has answered. It may
   * keep no reference to the array afterwards. A rejection means that the line is lost. A transport whose receiver could
   * end the port from within, or between the delivery and the answer, says how many by `taken` before it hands them over,
   * and answers with how many more there were: so no sender is told that octets did not leave which did.
   */
  write(bytes: Uint8Array, taken: (octets: number) => void): number | Promise<number>;
  /** Asks the far side to stop, or stops reading. */
  pause(): void;
  /** Undoes {@link pause}. */
  resume(): void;
  /** Sets circuits that this end drives; absent where the transport has none. */
  setCircuits?(change: Partial<Circuits>): Promise<void>;
  /** Lets go of the device: `inOrder` after the bytes that {@link write} took have left, `atOnce` whatever is under way. */
  close(how: 'inOrder' | 'atOnce'): Promise<void> | void;
}

/** Options of {@link DrivenPort}. */
export interface DrivenPortOptions {
  readonly name: string;
  readonly role: PortRole;
  readonly driver: PortDriver;
  readonly backlogLimitBytes?: number | undefined;
  /** The circuits, shared with whoever else changes them. Default: a cable of its own. */
  readonly cable?: CircuitCable;
  /** Default {@link systemClock}. */
  readonly clock?: Clock | undefined;
  /** Default {@link CLOSE_LINGER_MS}; Infinity waits for ever. */
  readonly lingerMs?: number;
}

/**
 * The Port that every transport of this package is: it keeps the order of sends, back-pressure, the hand-over rule and
 * the life cycle of the contract in one place, and leaves a small {@link PortDriver} to the transport.
 */
export class DrivenPort implements Port {
  readonly name: string;
  readonly role: PortRole;
  readonly received$: Observable<Uint8Array>;
  readonly circuits$: Observable<Circuits>;
  readonly #driver: PortDriver;
  readonly #cable: CircuitCable;
  readonly #clock: Clock;
  readonly #lingerMs: number;
  readonly #stream: ReceiveStream;
  readonly #queue: SendQueue;
  #pausedByUser = false;
  #pausedByBacklog = false;
  #writing = false;
  #takenBytes = 0;
  #closing: Promise<void> | undefined;
  #isOver = false;
  #released: Promise<void> = Promise.resolve();
  /** Lets {@link close} wait no longer. */
  #hurry: () => void = () => undefined;
  readonly #hurried = new Promise<void>((resolve) => {
    this.#hurry = resolve;
  });

  constructor(options: DrivenPortOptions) {
    this.name = options.name;
    this.role = options.role;
    this.#driver = options.driver;
    this.#cable = options.cable ?? new CircuitCable();
    this.#clock = options.clock ?? systemClock;
    this.#lingerMs = options.lingerMs ?? CLOSE_LINGER_MS;
    this.circuits$ = this.#cable.circuits$;
    this.#queue = new SendQueue(this.name);
    this.#stream = new ReceiveStream({
      name: this.name,
      backlogLimitBytes: options.backlogLimitBytes,
      onBackpressure: (wanted) => {
        const was = this.isPaused;
        this.#pausedByBacklog = wanted;
        this.#applyPause(was);
      },
      onOverflow: (error) => {
        this.failed(error);
      },
    });
    this.received$ = this.#stream.bytes$;
  }

  get circuits(): Circuits {
    return this.#cable.circuits;
  }

  get isClosed(): boolean {
    return this.#isOver || this.#closing !== undefined;
  }

  /** True while the far side is asked to stop, by `pause()` or because nobody reads. */
  get isPaused(): boolean {
    return this.#pausedByUser || this.#pausedByBacklog;
  }

  /** Bytes that {@link received} can take now without overflow. */
  get roomBytes(): number {
    return this.#stream.roomBytes;
  }

  send(bytes: Uint8Array, options?: AbortOptions): Promise<void> {
    if (this.isClosed) return Promise.reject(portClosedError(this.name, bytes.length));
    const sent = this.#queue.add(bytes, options?.signal);
    if (!this.#writing) void this.#write();
    return sent;
  }

  pause(): void {
    const was = this.isPaused;
    this.#pausedByUser = true;
    this.#applyPause(was);
  }

  resume(): void {
    const was = this.isPaused;
    this.#pausedByUser = false;
    this.#applyPause(was);
  }

  async setCircuits(change: Partial<Circuits>): Promise<void> {
    const foreign = foreignCircuit(this.name, this.role, change);
    if (foreign !== undefined) throw foreign;
    if (this.isClosed) throw portClosedError(this.name, 0);
    if (this.#driver.setCircuits !== undefined) await this.#driver.setCircuits(change);
    if (!this.#isOver) this.#cable.change(change);
  }

  close(options?: AbortOptions): Promise<void> {
    if (this.#isOver) this.#closing ??= this.#released;
    this.#closing ??= this.#closeInOrder();
    const signal = options?.signal;
    if (signal === undefined) return this.#closing;
    if (signal.aborted) {
      this.#hurry();
      return this.#closing;
    }
    const onAbort = (): void => {
      this.#hurry();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    return this.#closing.finally(() => {
      signal.removeEventListener('abort', onAbort);
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // What a transport tells its port.

  /** Bytes arrived. The array is given away. */
  received(chunk: Uint8Array): void {
    this.#stream.push(chunk);
  }

  /** The far side's circuits changed. */
  circuitsChanged(change: Partial<Circuits>): void {
    if (!this.#isOver) this.#cable.change(change);
  }

  /** The far side will send no more; what is queued can still be sent, then the port closes. */
  farSideEnded(): void {
    this.#stream.complete();
    void this.close();
  }

  /** The line is over, ended in order by the far side: nothing can be sent any more. */
  ended(): void {
    if (this.#isOver) return;
    this.#finish(undefined);
    this.#stream.complete();
  }

  /** The line is lost. `received$` ends with this error; senders are told with it as the cause. */
  failed(error: unknown): void {
    if (this.#isOver) return;
    this.#finish(error);
    this.#stream.fail(error);
  }

  #finish(cause: unknown): void {
    this.#isOver = true;
    this.#queue.rejectAll(cause);
    this.#cable.end();
    this.#hurry();
    // What a device says on its way out changes nothing any more.
    this.#released = Promise.resolve(this.#driver.close('atOnce')).catch(() => undefined);
  }

  #applyPause(was: boolean): void {
    if (this.#isOver || was === this.isPaused) return;
    if (was) this.#driver.resume();
    else this.#driver.pause();
  }

  async #write(): Promise<void> {
    this.#writing = true;
    // Not from within send: a receiver that answers from its subscriber must not recurse.
    await Promise.resolve();
    try {
      for (let bytes = this.#queue.peek(); bytes !== undefined && !this.#isOver; bytes = this.#queue.peek()) {
        const first = this.#queue.first;
        const taken = (octets: number): void => {
          this.#takenBytes += octets;
          this.#queue.take(octets, first);
        };
        const answer = bytes.length === 0 ? 0 : this.#driver.write(bytes, taken);
        taken(typeof answer === 'number' ? answer : await answer);
      }
    } catch (error) {
      this.failed(error);
    } finally {
      this.#writing = false;
    }
  }

  async #closeInOrder(): Promise<void> {
    // From here on `isClosed` is true; the rest runs when that is visible to all.
    await Promise.resolve();
    const stopWatching = this.#watchProgress();
    await Promise.race([this.#queue.empty(), this.#hurried]);
    if (!this.#isOver && this.#queue.isEmpty) {
      const left = Promise.resolve(this.#driver.close('inOrder')).catch(() => undefined);
      await Promise.race([left, this.#hurried]);
    }
    stopWatching();
    this.ended();
    await this.#released;
  }

  /** Cuts the wait short when nothing at all has left for `lingerMs`. */
  #watchProgress(): Cancel {
    if (this.#lingerMs === Infinity) return () => undefined;
    let seenBytes = this.#takenBytes;
    let cancel: Cancel = () => undefined;
    const check = (): void => {
      if (this.#takenBytes === seenBytes) {
        this.#hurry();
        return;
      }
      seenBytes = this.#takenBytes;
      cancel = this.#clock.after(this.#lingerMs, check);
    };
    cancel = this.#clock.after(this.#lingerMs, check);
    return () => {
      cancel();
    };
  }
}
