import { Writable } from 'node:stream';
import type { DataCall } from '@cellmux/at';
import { CellmuxError, hasCode, type Clock } from '@cellmux/port';
import { OnlineWriter } from '../online-writer.ts';
import { lostError } from './ftp-online-download.ts';
import type { FtpProgress } from './ftp-options.ts';

/** What an upload is made of. */
export interface FtpUploadParts {
  readonly name: string;
  readonly clock: Clock;
  readonly open: () => Promise<DataCall>;
  /** Compares what the server has with what was sent. */
  readonly verify: (bytes: number) => Promise<void>;
  readonly onProgress: ((progress: FtpProgress) => void) | undefined;
}

const SLICE_BYTES = 4096;

/** A file on its way to the server. `finish` comes when the server has it; `destroy()` ends the transfer where it is. */
export class FtpUpload extends Writable {
  readonly #parts: FtpUploadParts;
  #call: DataCall | undefined;
  #writer: OnlineWriter | undefined;
  #bytes = 0;

  constructor(parts: FtpUploadParts) {
    super({ decodeStrings: true });
    this.#parts = parts;
  }

  /** Octets that the line has taken. */
  get bytesWritten(): number {
    return this.#bytes;
  }

  override _construct(callback: (error?: Error | null) => void): void {
    this.#parts.open().then(
      (call) => {
        this.#call = call;
        this.#writer = new OnlineWriter(call, this.#parts.clock);
        void call.ended.then(({ reason }) => {
          // Before it was told to, the module ends a transfer only when the data connection has gone.
          if (this.writableEnded || reason === 'escaped') return;
          this.destroy((reason === 'noCarrier' ? cutError : lostError)(this.#parts.name, this.#bytes));
        });
        callback();
      },
      (error: unknown) => {
        callback(error instanceof Error ? error : new Error(String(error)));
      },
    );
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#send(chunk).then(
      () => {
        callback();
      },
      (error: unknown) => {
        callback(error instanceof Error ? error : new Error(String(error)));
      },
    );
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#finish().then(
      () => {
        callback();
      },
      (error: unknown) => {
        callback(error instanceof Error ? error : new Error(String(error)));
      },
    );
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    const done = (): void => {
      callback(error);
    };
    const call = this.#call;
    if (call === undefined) done();
    else call.escape().then(done, () => call.close().then(done, done));
  }

  async #send(chunk: Buffer): Promise<void> {
    for (let offset = 0; offset < chunk.length; offset += SLICE_BYTES) {
      const slice = chunk.subarray(offset, offset + SLICE_BYTES);
      await this.#writer?.send(slice).catch((error: unknown) => this.#callFailed(error));
      this.#bytes += slice.length;
      this.#parts.onProgress?.({ bytes: this.#bytes, totalBytes: undefined });
    }
  }

  /** A port that takes nothing any more says less than how the call on it ended. */
  async #callFailed(error: unknown): Promise<never> {
    if (hasCode(error, 'ERR_AT_ESCAPE_FAILED')) throw unconfirmedError(this.#parts.name, this.#bytes, error);
    if (!hasCode(error, 'ERR_PORT_CLOSED') || this.#call === undefined) throw error;
    const { reason } = await this.#call.ended;
    throw (reason === 'noCarrier' ? cutError : lostError)(this.#parts.name, this.#bytes);
  }

  async #finish(): Promise<void> {
    const result = await this.#call?.escape().catch((error: unknown) => this.#callFailed(error));
    if (result !== undefined && result !== 'NO CARRIER' && result !== 'OK')
      throw lostError(this.#parts.name, this.#bytes);
    await this.#parts.verify(this.#bytes);
  }
}

/** The server, or the network between, ended the transfer. */
function cutError(name: string, bytes: number): CellmuxError {
  return new CellmuxError('ERR_IPEASY_FTP_INCOMPLETE', `${name}: the transfer was cut after ${bytes} octets`, {
    hint: 'The server or the network ended it: transfer the rest with append, or all of it again.',
    context: { bytes },
  });
}

/** The module has the octets, or not: it does not answer. */
function unconfirmedError(name: string, bytes: number, cause: unknown): CellmuxError {
  return new CellmuxError(
    'ERR_IPEASY_TIMEOUT',
    `${name}: the module did not answer at the end, after ${bytes} octets`,
    {
      cause,
      hint: 'Whether all of it arrived is not known: compare the size, or transfer it again.',
      context: { bytes },
    },
  );
}
