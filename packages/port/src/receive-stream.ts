import { Observable, type Subscriber } from 'rxjs';
import { CellmuxError } from './core/cellmux-error.ts';
import { checkInteger } from './core/check-option.ts';

/** Bytes kept by default while nobody subscribes: at 921600 Bd, 0.7 s of line. */
export const BACKLOG_LIMIT_BYTES = 64 * 1024;

/** Chunks in the backlog are gathered into blocks of this size: many tiny ones would cost far more than their bytes. */
const BLOCK_BYTES = 512;

/** Options of {@link ReceiveStream}. */
export interface ReceiveStreamOptions {
  /** The port's name, for error messages. */
  readonly name: string;
  /** The most bytes kept while nobody subscribes; 1 to 2^30, default {@link BACKLOG_LIMIT_BYTES}. */
  readonly backlogLimitBytes?: number | undefined;
  /** Chunks that wait stay as they came, for who cares where one ends; else small ones are joined. Default false. */
  readonly keepsChunks?: boolean | undefined;
  /** Called with `true` when the backlog passes half its limit and with `false` when a subscriber has taken it. */
  readonly onBackpressure?: ((wanted: boolean) => void) | undefined;
  /** Called once when the limit was passed and the stream ended with the error given: the line is of no more use. */
  readonly onOverflow?: ((error: CellmuxError) => void) | undefined;
}

type End = { readonly error: unknown } | 'complete';

/**
 * The receiving half of a port: what every implementation of `Port.received$` is made of. A hot stream that keeps what
 * arrives between two subscribers, in order, up to a bound, and its end as well.
 *
 * Bytes pushed, put back or ended from within a subscriber are delivered after the chunk at hand has reached everybody.
 */
export class ReceiveStream {
  readonly bytes$: Observable<Uint8Array>;
  readonly #name: string;
  readonly #limitBytes: number;
  readonly #keepsChunks: boolean;
  readonly #onBackpressure: ((wanted: boolean) => void) | undefined;
  readonly #onOverflow: ((error: CellmuxError) => void) | undefined;
  readonly #subscribers = new Set<Subscriber<Uint8Array>>();
  #backlog: Uint8Array[] = [];
  #backlogBytes = 0;
  /** Octets in use of the last block of the backlog, when it is one of ours and may take more; else 0. */
  #blockUsed = 0;
  #pressed = false;
  #draining = false;
  #end: End | undefined;

  constructor(options: ReceiveStreamOptions) {
    this.#name = options.name;
    this.#limitBytes = checkInteger('backlogLimitBytes', options.backlogLimitBytes ?? BACKLOG_LIMIT_BYTES, 1, 2 ** 30);
    this.#keepsChunks = options.keepsChunks ?? false;
    this.#onBackpressure = options.onBackpressure;
    this.#onOverflow = options.onOverflow;
    this.bytes$ = new Observable((subscriber) => {
      this.#subscribers.add(subscriber);
      subscriber.add(() => {
        this.#subscribers.delete(subscriber);
      });
      this.#drain();
    });
  }

  /** Bytes waiting for a subscriber. */
  get backlogBytes(): number {
    return this.#backlogBytes;
  }

  /** Bytes that can be pushed now without overflow: any number while somebody subscribes or after the end. */
  get roomBytes(): number {
    if (this.#end !== undefined || (this.#subscribers.size > 0 && !this.#draining)) return Infinity;
    return Math.max(0, this.#limitBytes - this.#backlogBytes);
  }

  /** True once {@link complete} or {@link fail} was called: nothing more is taken. */
  get isEnded(): boolean {
    return this.#end !== undefined;
  }

  /** Takes a chunk from the line. The caller gives it away: it must never write to it again. */
  push(chunk: Uint8Array): void {
    if (this.#end !== undefined || chunk.length === 0) return;
    if (this.#subscribers.size > 0 && !this.#draining) {
      // With a subscriber and no delivery under way the backlog is empty.
      this.#draining = true;
      this.#emit(chunk);
      this.#draining = false;
      if (this.#backlog.length > 0 || (this.#end as End | undefined) !== undefined) this.#drain();
      return;
    }
    if (this.#backlogBytes + chunk.length > this.#limitBytes) {
      this.#overflow(chunk.length);
      return;
    }
    this.#keep(chunk);
    this.#press();
  }

  /** Puts bytes back in front of all others: what a reader took and did not use. Not subject to the limit. */
  unshift(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    if (this.#backlog.length === 0) this.#blockUsed = 0;
    this.#backlog.unshift(chunk);
    this.#backlogBytes += chunk.length;
    this.#drain();
    this.#press();
  }

  /** Ends the stream after what has arrived. */
  complete(): void {
    this.#finish('complete');
  }

  /** Ends the stream with an error, after what has arrived. */
  fail(error: unknown): void {
    this.#finish({ error });
  }

  #finish(end: End): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#drain();
  }

  #overflow(lostBytes: number): void {
    const error = new CellmuxError(
      'ERR_PORT_OVERFLOW',
      `${this.#name}: more than ${this.#limitBytes} bytes arrived and nobody read them`,
      {
        hint: 'Subscribe to received$, or close the port if it is not needed.',
        context: { limitBytes: this.#limitBytes, lostBytes },
      },
    );
    this.fail(error);
    this.#onOverflow?.(error);
  }

  #press(): void {
    if (this.#pressed || this.#backlogBytes * 2 <= this.#limitBytes) return;
    this.#pressed = true;
    this.#onBackpressure?.(true);
  }

  #keep(chunk: Uint8Array): void {
    this.#backlogBytes += chunk.length;
    const last = this.#backlog.at(-1);
    if (last !== undefined && this.#blockUsed > 0 && this.#blockUsed + chunk.length <= last.length) {
      last.set(chunk, this.#blockUsed);
      this.#blockUsed += chunk.length;
      return;
    }
    this.#trim();
    if (this.#keepsChunks || chunk.length * 2 > BLOCK_BYTES) {
      this.#backlog.push(chunk);
      return;
    }
    const block = new Uint8Array(BLOCK_BYTES);
    block.set(chunk);
    this.#blockUsed = chunk.length;
    this.#backlog.push(block);
  }

  /** Cuts the block at the end of the backlog to what is in it. */
  #trim(): void {
    const last = this.#backlog.at(-1);
    if (last !== undefined && this.#blockUsed > 0)
      this.#backlog[this.#backlog.length - 1] = last.subarray(0, this.#blockUsed);
    this.#blockUsed = 0;
  }

  #emit(chunk: Uint8Array): void {
    if (this.#subscribers.size === 1) {
      for (const subscriber of this.#subscribers) subscriber.next(chunk);
      return;
    }
    // Several subscribers: each gets a copy of its own, since a chunk is its subscriber's for good. Not `slice`, which
    // on a Buffer is a view of the same memory.
    for (const subscriber of [...this.#subscribers]) subscriber.next(new Uint8Array(chunk));
  }

  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    // A subscriber may leave in the middle (take, hand-over): the rest then stays for the next one.
    while (this.#subscribers.size > 0 && this.#backlog.length > 0) {
      if (this.#backlog.length === 1) this.#trim();
      const chunk = this.#backlog.shift() as Uint8Array;
      this.#backlogBytes -= chunk.length;
      this.#emit(chunk);
    }
    this.#draining = false;
    if (this.#pressed && this.#backlogBytes * 2 <= this.#limitBytes) {
      this.#pressed = false;
      this.#onBackpressure?.(false);
    }
    // onBackpressure may have brought more.
    if (this.#end === undefined || this.#backlog.length > 0) return;
    for (const subscriber of [...this.#subscribers]) {
      if (this.#end === 'complete') subscriber.complete();
      else subscriber.error(this.#end.error);
    }
  }
}
