import { Duplex } from 'node:stream';
import { takeWhile, type Subscription } from 'rxjs';
import { checkInteger } from '../core/check-option.ts';
import type { Port } from '../port.ts';

/** Options of {@link toDuplex}. */
export interface ToDuplexOptions {
  /** Bytes that each direction of the stream holds before it asks to wait; 1 to 2^24, default 16384. */
  readonly highWaterMarkBytes?: number;
  /** Closes the port when the writable side has ended and all of it was sent; default true. */
  readonly closeOnEnd?: boolean;
}

type Callback = (error?: Error | null) => void;

class PortDuplex extends Duplex {
  readonly #port: Port;
  readonly #closeOnEnd: boolean;
  #subscription: Subscription | undefined;
  #isReading = false;
  #wantsMore = false;

  constructor(port: Port, highWaterMark: number, closeOnEnd: boolean) {
    super({ highWaterMark, allowHalfOpen: false });
    this.#port = port;
    this.#closeOnEnd = closeOnEnd;
    port.pause();
  }

  override _read(): void {
    this.#wantsMore = true;
    // Asked from within push: the subscription at hand just goes on.
    if (this.#isReading) return;
    this.#isReading = true;
    this.#port.resume();
    // While nobody reads the stream it does not subscribe: what still comes is kept by the port, under its bound.
    this.#subscription = this.#port.received$
      .pipe(
        takeWhile((chunk) => {
          this.#wantsMore = false;
          const goOn = this.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)) || this.#wantsMore;
          if (!goOn) this.#isReading = false;
          return goOn;
        }),
      )
      .subscribe({
        complete: () => {
          if (this.#isReading) this.push(null);
          else this.#port.pause();
        },
        error: (error: unknown) => {
          this.destroy(asError(error));
        },
      });
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, callback: Callback): void {
    this.#port.send(chunk).then(
      () => {
        callback();
      },
      (error: unknown) => {
        callback(asError(error));
      },
    );
  }

  override _writev(chunks: { chunk: Uint8Array; encoding: BufferEncoding }[], callback: Callback): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'binary', callback);
  }

  override _final(callback: Callback): void {
    // Every write has been taken by the port by now.
    if (this.#closeOnEnd) void this.#port.close();
    callback();
  }

  override _destroy(error: Error | null, callback: Callback): void {
    this.#subscription?.unsubscribe();
    // In order when both sides have ended; else at once, whatever is under way.
    const options = this.writableFinished ? undefined : { signal: AbortSignal.abort() };
    void this.#port.close(options).then(() => {
      callback(error);
    });
  }
}

/**
 * A Node.js stream over a port, with back-pressure both ways: while nobody reads it the port is paused, and a write
 * calls back when the port has taken the bytes. What arrives unread stays in the port, under the port's own bound.
 *
 * A port cannot be closed by half: `end()` closes it after all that was written. With `closeOnEnd: false` it only ends
 * the writing side, reading goes on until the far side closes, and then the port is closed. `destroy()` closes it at
 * once.
 * When the far side closes, the stream ends after the last byte, and its writing side with it; when the line fails, the
 * stream is destroyed with that error.
 *
 * @throws CellmuxError `ERR_OPTION_RANGE`.
 */
export function toDuplex(port: Port, { highWaterMarkBytes = 16_384, closeOnEnd = true }: ToDuplexOptions = {}): Duplex {
  return new PortDuplex(port, checkInteger('highWaterMarkBytes', highWaterMarkBytes, 1, 2 ** 24), closeOnEnd);
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
