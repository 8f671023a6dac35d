import { Observable, type Subscriber } from 'rxjs';
import { CellmuxError } from './core/cellmux-error.ts';

/** Bytes kept by default while nobody subscribes: at 921600 Bd, 0.7 s of line. */
export const BACKLOG_LIMIT_BYTES = 64 * 1024;

/** Options of {@link ReceiveStream}. */
export interface ReceiveStreamOptions {
  /** The port's name, for error messages. */
  readonly name: string;
  /** The most bytes kept while nobody subscribes; 1 and up, default {@link BACKLOG_LIMIT_BYTES}. */
  readonly backlogLimitBytes?: number | undefined;
  /** Called with `true` when the backlog passes half its limit and with `false` when a subscriber has taken it. */
  readonly onBackpressure?: ((wanted: boolean) => void) | undefined;
}

type End = { readonly error: unknown } | 'complete';

/**
 * The receiving half of a port: what every implementation of `Port.received$` is made of. A hot stream that keeps what
 * arrives between two subscribers, in order, up to a bound, and its end as well.
 */
export class ReceiveStream {
  readonly bytes$: Observable<Uint8Array>;
  readonly #name: string;
  readonly #limitBytes: number;
  readonly #onBackpressure: (wanted: boolean) => void;
  readonly #subscribers = new Set<Subscriber<Uint8Array>>();
  #backlog: Uint8Array[] = [];
  #backlogBytes = 0;
  #pressed = false;
  #draining = false;
  #end: End | undefined;

  constructor(options: ReceiveStreamOptions) {
    this.#name = options.name;
    this.#limitBytes = options.backlogLimitBytes ?? BACKLOG_LIMIT_BYTES;
    this.#onBackpressure = options.onBackpressure ?? (() => undefined);
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

  /** True once {@link complete} or {@link fail} was called: nothing more is taken. */
  get isEnded(): boolean {
    return this.#end !== undefined;
  }

  /** Takes a chunk from the line. The caller gives it away: it must never write to it again. */
  push(chunk: Uint8Array): void {
    if (this.#end !== undefined || chunk.length === 0) return;
    if (this.#subscribers.size > 0 && !this.#draining && this.#backlog.length === 0) {
      this.#emit(chunk);
      return;
    }
    if (this.#backlogBytes + chunk.length > this.#limitBytes) {
      this.fail(
        new CellmuxError(
          'ERR_PORT_OVERFLOW',
          `${this.#name}: more than ${this.#limitBytes} bytes arrived and nobody read them`,
          {
            hint: 'Subscribe to received$, or close the port if it is not needed.',
            context: { limitBytes: this.#limitBytes, lostBytes: chunk.length },
          },
        ),
      );
      return;
    }
    // Many tiny chunks would cost far more than their bytes: they are gathered into blocks.
    const last = this.#backlog.at(-1);
    if (last !== undefined && last.length + chunk.length <= 512) {
      const joined = new Uint8Array(last.length + chunk.length);
      joined.set(last);
      joined.set(chunk, last.length);
      this.#backlog[this.#backlog.length - 1] = joined;
    } else {
      this.#backlog.push(chunk);
    }
    this.#backlogBytes += chunk.length;
    if (!this.#pressed && this.#backlogBytes * 2 > this.#limitBytes) {
      this.#pressed = true;
      this.#onBackpressure(true);
    }
  }

  /** Puts bytes back in front of all others: what a reader took and did not use. */
  unshift(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#backlog.unshift(chunk);
    this.#backlogBytes += chunk.length;
    this.#drain();
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

  #emit(chunk: Uint8Array): void {
    if (this.#subscribers.size === 1) {
      for (const subscriber of this.#subscribers) subscriber.next(chunk);
      return;
    }
    // Several subscribers: each gets a copy of its own, since a chunk is its subscriber's for good.
    for (const subscriber of [...this.#subscribers]) subscriber.next(chunk.slice());
  }

  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    try {
      // A subscriber may leave in the middle (take, hand-over): the rest then stays for the next one.
      while (this.#subscribers.size > 0) {
        const chunk = this.#backlog.shift();
        if (chunk === undefined) break;
        this.#backlogBytes -= chunk.length;
        this.#emit(chunk);
      }
    } finally {
      this.#draining = false;
    }
    if (this.#pressed && this.#backlogBytes * 2 <= this.#limitBytes) {
      this.#pressed = false;
      this.#onBackpressure(false);
    }
    if (this.#end === undefined || this.#backlog.length > 0) return;
    for (const subscriber of [...this.#subscribers]) {
      if (this.#end === 'complete') subscriber.complete();
      else subscriber.error(this.#end.error);
    }
  }
}
