import { Duplex } from 'node:stream';
import type { Subscription } from 'rxjs';
import { checkInteger } from '../core/check-option.ts';
import type { Port } from '../port.ts';

/** Options of {@link toDuplex}. */
export interface ToDuplexOptions {
  /** Octets that either side of the stream holds before it asks for a pause; 1 to 2^30, default 16 KiB. */
  readonly highWaterMarkBytes?: number;
}

class PortDuplex extends Duplex {
  readonly #port: Port;
  readonly #subscription: Subscription;

  constructor(port: Port, highWaterMark: number) {
    super({ readableHighWaterMark: highWaterMark, writableHighWaterMark: highWaterMark });
    this.#port = port;
    this.#subscription = port.received$.subscribe({
      next: (chunk) => {
        if (!this.push(chunk)) port.pause();
      },
      error: (error: unknown) => {
        this.destroy(error as Error);
      },
      complete: () => {
        this.push(null);
      },
    });
  }

  override _read(): void {
    this.#port.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#port.send(chunk).then(() => {
      done();
    }, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#port.close().then(() => {
      done();
    }, done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#subscription.unsubscribe();
    this.#port.close().then(
      () => {
        done(error);
      },
      () => {
        done(error);
      },
    );
  }
}

/**
 * A port as a Node stream, with back-pressure both ways: a reader that stops makes the port pause, a write calls back
 * when the layer below has taken it. A port cannot be closed by half: `end()` closes it after all that was written.
 */
export function toDuplex(port: Port, { highWaterMarkBytes = 16 * 1024 }: ToDuplexOptions = {}): Duplex {
  return new PortDuplex(port, checkInteger('highWaterMarkBytes', highWaterMarkBytes, 1, 2 ** 30));
}
