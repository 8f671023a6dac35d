import { open, type FileHandle } from 'node:fs/promises';
import { Capture } from '../capture.ts';
import type { Clock } from '../clock.ts';
import { CellmuxError } from '../core/cellmux-error.ts';
import { checkInteger } from '../core/check-option.ts';
import { concatBytes } from '../core/bytes.ts';

/** Bytes that wait for a slow disk by default. */
export const CAPTURE_PENDING_LIMIT_BYTES = 4 * 1024 * 1024;

/** Options of {@link captureToFile}. */
export interface CaptureToFileOptions {
  /** The most bytes that wait to be written, 4096 to 2^30; default {@link CAPTURE_PENDING_LIMIT_BYTES}. */
  readonly pendingLimitBytes?: number;
  /** The most bytes of the file, 4096 and up; default 2^31. What comes after that is counted as dropped. */
  readonly fileLimitBytes?: number;
  readonly application?: string;
  readonly clock?: Clock;
}

/** A capture that goes to a file. */
export interface FileCapture extends AsyncDisposable {
  readonly path: string;
  readonly capture: Capture;
  /** Why the file is written no further, if so: then records are dropped and counted. */
  readonly error: CellmuxError | undefined;
  /** Writes what waits, says what is missing, closes the file. Idempotent; rejects with {@link error} if there is one. */
  close(): Promise<void>;
}

class CaptureFile implements FileCapture {
  readonly path: string;
  readonly capture: Capture;
  readonly #file: FileHandle;
  readonly #pendingLimitBytes: number;
  readonly #fileLimitBytes: number;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #fileBytes = 0;
  #writing: Promise<void> | undefined;
  #error: CellmuxError | undefined;
  #isEnding = false;
  #closing: Promise<void> | undefined;

  constructor(path: string, file: FileHandle, pendingLimitBytes: number, options: CaptureToFileOptions) {
    this.path = path;
    this.#file = file;
    this.#pendingLimitBytes = pendingLimitBytes;
    this.#fileLimitBytes = options.fileLimitBytes ?? 2 ** 31;
    this.capture = new Capture({ ...options, sink: (block) => this.#take(block) });
  }

  get error(): CellmuxError | undefined {
    return this.#error;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #take(block: Uint8Array): boolean {
    if (this.#error !== undefined || (this.#closing !== undefined && !this.#isEnding)) return false;
    // Descriptions of interfaces and the counts at the end are few, bounded in number, and always taken.
    if (isPacket(block)) {
      if (this.#pendingBytes + block.length > this.#pendingLimitBytes) return false;
      if (this.#fileBytes + block.length > this.#fileLimitBytes) return false;
    }
    this.#pending.push(block);
    this.#pendingBytes += block.length;
    this.#fileBytes += block.length;
    this.#writing ??= this.#write();
    return true;
  }

  async #write(): Promise<void> {
    // Blocks of one turn go out together.
    await Promise.resolve();
    try {
      while (this.#pending.length > 0) {
        const blocks = concatBytes(this.#pending);
        this.#pending = [];
        for (let from = 0; from < blocks.length;) {
          const { bytesWritten } = await this.#file.write(blocks, from, blocks.length - from);
          from += bytesWritten;
        }
        // Only now: what is being written takes its memory still.
        this.#pendingBytes -= blocks.length;
      }
    } catch (error) {
      this.#error = fileError(this.path, 'written', error);
      this.#pending = [];
      this.#pendingBytes = 0;
    }
    this.#writing = undefined;
  }

  async #close(): Promise<void> {
    await Promise.resolve();
    this.#isEnding = true;
    this.capture.end();
    this.#isEnding = false;
    while (this.#writing !== undefined) await this.#writing;
    await this.#file.close();
    if (this.#error !== undefined) throw this.#error;
  }
}

/**
 * Begins a capture in a new file; one that is there is written over. Recording never waits for the disk: what it cannot
 * take in time is dropped and counted, in `capture.dropped` and in the file.
 *
 * Rejects with `ERR_CAPTURE_FILE` when the file cannot be made, or with `ERR_OPTION_RANGE`.
 */
export async function captureToFile(path: string, options: CaptureToFileOptions = {}): Promise<FileCapture> {
  const pendingLimitBytes = checkInteger(
    'pendingLimitBytes',
    options.pendingLimitBytes ?? CAPTURE_PENDING_LIMIT_BYTES,
    4096,
    2 ** 30,
  );
  if (options.fileLimitBytes !== undefined)
    checkInteger('fileLimitBytes', options.fileLimitBytes, 4096, Number.MAX_SAFE_INTEGER);
  let file: FileHandle;
  try {
    // A capture holds what users sent: it is for its owner only.
    file = await open(path, 'w', 0o600);
  } catch (error) {
    throw fileError(path, 'made', error);
  }
  return new CaptureFile(path, file, pendingLimitBytes, options);
}

function isPacket(block: Uint8Array): boolean {
  return block[0] === 6 && block[1] === 0;
}

function fileError(path: string, what: string, cause: unknown): CellmuxError {
  return new CellmuxError('ERR_CAPTURE_FILE', `The capture ${path} cannot be ${what}`, {
    cause,
    hint: 'Check the directory, its permissions and the space that is left.',
    context: { path, reason: (cause as NodeJS.ErrnoException).code },
  });
}
