import type { DataCall, DataCallEnd } from '@cellmux/at';
import type { AbortOptions, Clock } from '@cellmux/port';
import type { Subscription } from 'rxjs';
import { OnlineWriter } from './online-writer.ts';
import type { Outgoing } from './outgoing.ts';

/** What a stream tells its channel. */
export interface OnlineSink {
  /** Data in order; false asks for a pause until {@link OnlineStream.read}. */
  onData(bytes: Uint8Array): boolean;
  /** Data mode has ended without having been asked to. */
  onEnded(end: DataCallEnd): void;
}

/** Octets of one send: small enough that a move to command mode need not wait long. */
const SLICE_BYTES = 2048;

/** One connection while it has an AT port for itself. */
export class OnlineStream {
  readonly #call: DataCall;
  readonly #writer: OnlineWriter;
  readonly #incoming: Subscription;
  #isLeaving = false;
  #sending: Promise<void> | undefined;

  constructor(call: DataCall, clock: Clock, sink: OnlineSink, isWanted: boolean) {
    this.#call = call;
    this.#writer = new OnlineWriter(call, clock);
    if (!isWanted) call.pause();
    this.#incoming = call.received$.subscribe({
      next: (bytes) => {
        if (!sink.onData(bytes)) call.pause();
      },
      // How the call ended is told by `ended`.
      error: () => undefined,
    });
    void call.ended.then((end) => {
      if (end.reason === 'noCarrier' || !this.#isLeaving) sink.onEnded(end);
    });
  }

  /** There is room for data. */
  read(): void {
    this.#call.resume();
  }

  /** Sends until nothing is left or the stream is being left; then some may remain. Rejects when the port fails. */
  send(outgoing: Outgoing): Promise<void> {
    const sending = this.#send(outgoing);
    this.#sending = sending.catch(() => undefined);
    return sending;
  }

  /**
   * Leaves data mode; the connection stays open. What arrives until then is still delivered, wanted or not: the module
   * must get through with its answer. True when suspended, false when the connection had ended. An abort leaves data mode
   * on.
   */
  async leave({ signal }: AbortOptions = {}): Promise<boolean> {
    this.#isLeaving = true;
    try {
      await untilAborted(this.#sending ?? Promise.resolve(), signal);
      const result = await this.#call.escape({ signal });
      if (result === 'NO CARRIER') return false;
    } catch (error) {
      this.#isLeaving = false;
      throw error;
    }
    this.stop();
    return true;
  }

  /** Gives the port up whatever it is doing, at once; the next command finds out. */
  async abort(): Promise<void> {
    this.#isLeaving = true;
    this.stop();
    await this.#call.close({ signal: AbortSignal.abort() });
  }

  /** Nothing is delivered any more. */
  stop(): void {
    this.#incoming.unsubscribe();
  }

  async #send(outgoing: Outgoing): Promise<void> {
    while (!outgoing.isEmpty && !this.#isLeaving) await this.#writer.send(outgoing.take(SLICE_BYTES));
  }
}

/** Settles as the promise does, or rejects with the signal's reason. */
async function untilAborted(promise: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return promise;
  signal.throwIfAborted();
  let onAbort: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => {
      reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
