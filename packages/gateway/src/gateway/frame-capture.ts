import type { FrameWatcher } from '@cellmux/cmux';
import type { Clock } from '@cellmux/port';
import type { FileCapture } from '@cellmux/port/file';
import { rename, rm } from 'node:fs/promises';

/** Options of {@link FrameCapture}. */
export interface FrameCaptureOptions {
  readonly clock: Clock;
}

/** When a capture goes on in another file. */
export interface CaptureRotation {
  /** A file this long is followed by the next, bytes, from 4096 on; default: one file without end. */
  readonly rotateBytes?: number | undefined;
  /** Files that are kept: FILE, which is written, and FILE.1, FILE.2 …, older each; 1 to 1000, default 5. */
  readonly keep?: number | undefined;
}

/** What a record takes besides its frame, about: block header, direction, trailer. */
const RECORD_BYTES = 64;
const DEFAULT_KEEP = 5;

/** Records every CMUX frame into pcapng files, from when it is told to until it is told to stop, while all runs on. */
export class FrameCapture {
  /** Sees every frame. */
  readonly onFrame: FrameWatcher;
  readonly #clock: Clock;
  #path: string | undefined;
  #file: FileCapture | undefined;
  #tap: FrameWatcher | undefined;
  #bytes = 0;
  #rotation: CaptureRotation = {};
  /** What is done with files is done one after the other. */
  #work: Promise<void> = Promise.resolve();
  #isRotating = false;
  /** Frames that came while the next file was being opened. */
  readonly #between: (readonly [direction: 'sent' | 'received', frame: Uint8Array])[] = [];
  #betweenBytes = 0;

  constructor({ clock }: FrameCaptureOptions) {
    this.#clock = clock;
    this.onFrame = (direction, frame) => {
      if (this.#path !== undefined) this.#take(direction, frame);
    };
  }

  /** The file that is being written; undefined while nothing is recorded. */
  get path(): string | undefined {
    return this.#path;
  }

  get isOn(): boolean {
    return this.#path !== undefined;
  }

  /** Begins a file; one that is there is written over. Rejects with `ERR_CAPTURE_FILE`. */
  start(path: string, rotation: CaptureRotation = {}): Promise<void> {
    return this.#inTurn(async () => {
      await this.#close();
      await this.#open(path);
      this.#rotation = rotation;
      this.#path = path;
    });
  }

  /** Ends it; what was seen is in the file then. */
  stop(): Promise<void> {
    return this.#inTurn(() => this.#close());
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#work.then(work);
    this.#work = done.catch(() => undefined);
    return done;
  }

  #take(direction: 'sent' | 'received', frame: Uint8Array): void {
    if (this.#isRotating) {
      // A disk that does not come back must not fill the memory.
      if (this.#betweenBytes > BETWEEN_LIMIT_BYTES) return;
      this.#betweenBytes += frame.length;
      this.#between.push([direction, frame]);
      return;
    }
    this.#tap?.(direction, frame);
    this.#bytes += frame.length + RECORD_BYTES;
    const { rotateBytes = Infinity } = this.#rotation;
    if (this.#bytes < rotateBytes) return;
    this.#isRotating = true;
    void this.#inTurn(() => this.#rotate()).catch(() => {
      // The disk is full or gone: nothing more is recorded, and the status says so.
      this.#path = undefined;
    });
  }

  async #rotate(): Promise<void> {
    const path = this.#path;
    if (path === undefined) return;
    const { keep = DEFAULT_KEEP } = this.#rotation;
    try {
      await this.#file?.close();
      this.#file = undefined;
      if (keep > 1) {
        await rm(`${path}.${keep - 1}`, { force: true });
        for (let age = keep - 2; age >= 0; age--) {
          const from = age === 0 ? path : `${path}.${age}`;
          await rename(from, `${path}.${age + 1}`).catch((error: unknown) => {
            if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
          });
        }
      }
      await this.#open(path);
    } finally {
      this.#isRotating = false;
      this.#betweenBytes = 0;
      for (const [direction, frame] of this.#between.splice(0)) this.#take(direction, frame);
    }
  }

  async #open(path: string): Promise<void> {
    const { captureToFile } = await import('@cellmux/port/file');
    const file = await captureToFile(path, { clock: this.#clock });
    const tap = file.capture.tap('cmux', { name: 'line' });
    this.#file = file;
    this.#bytes = 0;
    this.#tap = (direction, frame) => {
      tap[direction](frame);
    };
  }

  async #close(): Promise<void> {
    const file = this.#file;
    this.#path = undefined;
    this.#file = undefined;
    this.#tap = undefined;
    await file?.close();
  }
}

/** Frames kept while the next file is being opened. */
const BETWEEN_LIMIT_BYTES = 4 * 1024 * 1024;
