import { Readable } from 'node:stream';
import { CellmuxError, type Clock } from '@cellmux/port';
import type { AtLane } from '../at-lane.ts';
import { decimal, splitFields } from '../core/split-fields.ts';
import { sizeError } from './ftp-online-download.ts';
import type { FtpProgress } from './ftp-options.ts';

/** The most octets of one #FTPRECV. */
const BLOCK_BYTES = 3000;
/** How long to wait when the server has sent nothing yet. */
const EMPTY_WAIT_MS = 200;

/** A download that has begun. */
export interface OpenDownload {
  /** Octets at the beginning that are not wanted. */
  readonly skipBytes: number;
  readonly totalBytes: number | undefined;
  readonly expectedBytes: number | undefined;
}

/** What a download in blocks is made of. */
export interface FtpBlockDownloadOptions {
  readonly name: string;
  readonly lane: AtLane;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly open: () => Promise<OpenDownload>;
  readonly onProgress: ((progress: FtpProgress) => void) | undefined;
}

/** A file that is fetched with `#FTPGETPKT` and `#FTPRECV`, block by block, while others use the same AT port. */
export class FtpBlockDownload extends Readable {
  readonly #options: FtpBlockDownloadOptions;
  #opened: Promise<OpenDownload> | undefined;
  #toSkip: number | undefined;
  #bytes = 0;

  constructor(options: FtpBlockDownloadOptions) {
    super();
    this.#options = options;
  }

  /** Octets that arrived. */
  get bytesRead(): number {
    return this.#bytes;
  }

  override _read(): void {
    this.#fetch().catch((error: unknown) => this.destroy(error instanceof Error ? error : new Error(String(error))));
  }

  async #fetch(): Promise<void> {
    const { name, clock } = this.#options;
    this.#opened ??= this.#options.open();
    const { totalBytes, expectedBytes, skipBytes } = await this.#opened;
    this.#toSkip ??= skipBytes;
    while (!this.destroyed) {
      const block = await this.#block();
      if (this.#give(block, totalBytes)) return;
      if (block.length > 0) continue;
      if (await this.#isAtEnd()) {
        // What came between the two questions is still to be fetched.
        const last = await this.#block();
        if (this.#give(last, totalBytes)) return;
        if (last.length > 0) continue;
        if (expectedBytes !== undefined && expectedBytes !== this.#bytes)
          throw sizeError(name, expectedBytes, this.#bytes);
        this.push(null);
        return;
      }
      await new Promise<void>((resolve) => {
        clock.after(EMPTY_WAIT_MS, resolve);
      });
    }
  }

  /** True when there was something for the reader. */
  #give(block: Uint8Array, totalBytes: number | undefined): boolean {
    const wanted = block.subarray(Math.min(this.#toSkip ?? 0, block.length));
    this.#toSkip = (this.#toSkip ?? 0) - (block.length - wanted.length);
    if (wanted.length === 0) return false;
    this.#bytes += wanted.length;
    this.#options.onProgress?.({ bytes: this.#bytes, totalBytes });
    this.push(wanted);
    return true;
  }

  /** One block; none when nothing waits, or when the data connection is over. */
  async #block(): Promise<Uint8Array> {
    const { lane, timeoutMs, name } = this.#options;
    let announced = 0;
    try {
      const { payload } = await lane.run((at) =>
        at.command(`AT#FTPRECV=${BLOCK_BYTES}`, {
          timeoutMs,
          countedPayload: (line) => {
            const bytes = decimal(splitFields(line, '#FTPRECV')?.[0]);
            if (bytes === undefined || bytes > BLOCK_BYTES) return undefined;
            announced = bytes;
            return bytes;
          },
        }),
      );
      if ((payload?.length ?? 0) !== announced)
        throw new CellmuxError('ERR_IPEASY_DATA_DAMAGED', `${name}: a block was damaged`);
      return payload ?? new Uint8Array(0);
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (code === 'ERR_AT_CME' || code === 'ERR_AT_ERROR') return new Uint8Array(0);
      throw error;
    }
  }

  /** `#FTPGETPKT: name,viewMode,eof`; without an answer the transfer is over. */
  async #isAtEnd(): Promise<boolean> {
    const { lane, timeoutMs } = this.#options;
    try {
      const { lines } = await lane.run((at) => at.command('AT#FTPGETPKT?', { timeoutMs }));
      const fields = lines.map((line) => splitFields(line, '#FTPGETPKT')).find((found) => found !== undefined);
      return fields?.at(-1) !== '0';
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (code === 'ERR_AT_CME' || code === 'ERR_AT_ERROR') return true;
      throw error;
    }
  }
}
