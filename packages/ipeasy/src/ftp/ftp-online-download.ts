import { Readable } from 'node:stream';
import type { DataCall } from '@cellmux/at';
import { CellmuxError } from '@cellmux/port';
import type { FtpProgress } from './ftp-options.ts';

/** What a download is made of. */
export interface FtpOnlineDownloadOptions {
  readonly name: string;
  /** Opens the data connection; `expectedBytes` where the size is known. */
  readonly open: () => Promise<{
    readonly call: DataCall;
    /** Octets at the beginning that are not wanted. */
    readonly skipBytes: number;
    readonly totalBytes: number | undefined;
    readonly expectedBytes: number | undefined;
  }>;
  /** Finds out whether all has come, where the size is not known; rejects where it has not. */
  readonly confirm: (bytes: number) => Promise<void>;
  readonly onProgress: ((progress: FtpProgress) => void) | undefined;
}

/** A file or list that comes as a stream in data mode; its end is NO CARRIER. */
export class FtpOnlineDownload extends Readable {
  readonly #options: FtpOnlineDownloadOptions;
  #call: DataCall | undefined;
  #isOpening = false;
  #bytes = 0;
  #leaving: Promise<unknown> | undefined;

  constructor(options: FtpOnlineDownloadOptions) {
    super();
    this.#options = options;
  }

  /** Octets that arrived. */
  get bytesRead(): number {
    return this.#bytes;
  }

  override _read(): void {
    if (this.#call !== undefined) this.#call.resume();
    else if (!this.#isOpening) {
      this.#isOpening = true;
      this.#start().catch((error: unknown) => this.destroy(error instanceof Error ? error : new Error(String(error))));
    }
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    // The escape sequence ends the transfer; the port is free for others only then.
    this.#leave().then(
      () => {
        callback(error);
      },
      () => {
        callback(error);
      },
    );
  }

  async #start(): Promise<void> {
    const { open, onProgress, name } = this.#options;
    const { call, totalBytes, expectedBytes, skipBytes } = await open();
    let toSkip = skipBytes;
    this.#call = call;
    if (this.destroyed) {
      await this.#leave();
      return;
    }
    call.received$.subscribe({
      next: (chunk) => {
        if (this.destroyed) return;
        const bytes = chunk.subarray(Math.min(toSkip, chunk.length));
        toSkip -= chunk.length - bytes.length;
        if (bytes.length === 0) return;
        this.#bytes += bytes.length;
        onProgress?.({ bytes: this.#bytes, totalBytes });
        if (!this.push(bytes)) call.pause();
      },
      // How it ended is told by `ended`.
      error: () => undefined,
    });
    const { reason } = await call.ended;
    if (this.destroyed) return;
    if (reason !== 'noCarrier') throw lostError(name, this.#bytes);
    if (expectedBytes === undefined) await this.#options.confirm(this.#bytes);
    else if (expectedBytes !== this.#bytes) throw sizeError(name, expectedBytes, this.#bytes);
    this.push(null);
  }

  #leave(): Promise<unknown> {
    const call = this.#call;
    if (call === undefined) return Promise.resolve();
    this.#leaving ??= call.escape().catch(() => call.close());
    return this.#leaving;
  }
}

/** The transfer ended before its end. */
export function sizeError(name: string, expectedBytes: number, bytes: number): CellmuxError {
  return new CellmuxError(
    'ERR_IPEASY_FTP_INCOMPLETE',
    `${name}: ${bytes} octets were transferred, the file has ${expectedBytes}`,
    { hint: 'Transfer the rest with an offset, or all of it again.', context: { expectedBytes, bytes } },
  );
}

/** The port was lost in the middle. */
export function lostError(name: string, bytes: number): CellmuxError {
  return new CellmuxError('ERR_IPEASY_LINE_LOST', `${name}: the AT port was lost after ${bytes} octets`, {
    hint: 'The line or the multiplexer below went down: start it again.',
    context: { bytes },
  });
}
