import type { FrameWatcher } from '@cellmux/cmux';
import type { Clock } from '@cellmux/port';
import type { FileCapture } from '@cellmux/port/file';

/** Options of {@link FrameCapture}. */
export interface FrameCaptureOptions {
  readonly clock: Clock;
}

/** How frames are recorded. */
export interface CaptureRotation {
  /** A file this long is followed by the next, bytes, from 4096 on; default: one file. */
  readonly rotateBytes?: number | undefined;
  /** Files that are kept: FILE, FILE.1, FILE.2 …, 1 to 1000; default 5. */
  readonly keep?: number | undefined;
}

/** Records every CMUX frame into a pcapng file, from when it is told to until it is told to stop, while all runs on. */
export class FrameCapture {
  /** Sees every frame. */
  readonly onFrame: FrameWatcher;
  readonly #clock: Clock;
  #file: FileCapture | undefined;
  #tap: FrameWatcher | undefined;

  constructor({ clock }: FrameCaptureOptions) {
    this.#clock = clock;
    this.onFrame = (direction, frame) => this.#tap?.(direction, frame);
  }

  get isOn(): boolean {
    return this.#file !== undefined;
  }

  /** Begins a file; one that is there is written over. Rejects with `ERR_CAPTURE_FILE`. */
  async start(path: string): Promise<void> {
    const { captureToFile } = await import('@cellmux/port/file');
    await this.stop();
    const file = await captureToFile(path, { clock: this.#clock });
    const tap = file.capture.tap('cmux', { name: 'line' });
    this.#file = file;
    this.#tap = (direction, frame) => {
      tap[direction](frame);
    };
  }

  async stop(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    this.#tap = undefined;
    await file?.close();
  }
}
