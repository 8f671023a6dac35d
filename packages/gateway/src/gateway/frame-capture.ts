import type { FrameWatcher } from '@cellmux/cmux';
import type { CaptureTap, Clock } from '@cellmux/port';
import type { FileCapture } from '@cellmux/port/file';
import { CmuxMask } from '../core/secrets/cmux-mask.ts';
import { maskPap } from '../core/secrets/pap-secret-finder.ts';
import { rotateFiles } from './rotate-files.ts';

/** Options of {@link FrameCapture}. */
export interface FrameCaptureOptions {
  readonly clock: Clock;
  /** Records passwords and PINs as they are; default: `*` stands for each of their octets. */
  readonly keepsSecrets?: boolean | undefined;
  /** Frames are wanted from now on, or no more. */
  readonly onSwitched: (isOn: boolean) => void;
  /** The disk is full or gone: nothing more is recorded. */
  readonly onFailed: (error: unknown) => void;
}

/** When a capture goes on in another file. */
export interface CaptureRotation {
  /** No file gets longer, bytes, from 4096 on; the next follows; default: one file without end. */
  readonly rotateBytes?: number | undefined;
  /** Files that are kept: FILE, which is written, and FILE.1, FILE.2 …, older each; 1 to 1000, default 5. */
  readonly keep?: number | undefined;
}

type Direction = 'sent' | 'received';
/** What is recorded of a line: its frames, and those of PPP on DLCI 1. */
type Layer = 'cmux' | 'ppp';

type Between = readonly [layer: Layer, direction: Direction, frame: Uint8Array];

/** What a record takes besides its frame, about: block header, direction, trailer. */
const RECORD_BYTES = 64;
/** What a file begins with, and what is said of each interface at its end, about. */
const HEAD_BYTES = 512;
/** Frames of the HE863 have up to 127 octets, those of PPP up to 1500. */
const LONGEST_RECORD_BYTES = 1600;
const DEFAULT_KEEP = 5;
/** Octets of frames kept while the next file is being opened. */
const BETWEEN_LIMIT_BYTES = 4 * 1024 * 1024;

/**
 * Records every frame of CMUX and of PPP into pcapng files, from when it is told to until it is told to stop, while all
 * runs on. Recording never waits for the disk.
 */
export class FrameCapture {
  /** Sees every frame of CMUX; the array is the capture's. */
  readonly onFrame: FrameWatcher;
  /** Sees every frame of PPP, without flags, escapes and FCS; the array stays the caller's. */
  readonly onPppFrame: (direction: Direction, frame: Uint8Array) => void;
  readonly #options: FrameCaptureOptions;
  #path: string | undefined;
  #file: FileCapture | undefined;
  #taps: Partial<Record<Layer, CaptureTap>> = {};
  #bytes = 0;
  #rotation: CaptureRotation = {};
  #mask = new CmuxMask();
  /** What is done with files is done one after the other. */
  #work: Promise<void> = Promise.resolve();
  #isRotating = false;
  /** Frames that came while the next file was being opened. */
  readonly #between: Between[] = [];
  #betweenBytes = 0;

  constructor(options: FrameCaptureOptions) {
    this.#options = options;
    const { keepsSecrets = false } = options;
    this.onFrame = (direction, frame) => {
      if (this.#path === undefined) return;
      if (!keepsSecrets) this.#mask.mask(direction, frame);
      this.#take('cmux', direction, frame);
    };
    this.onPppFrame = (direction, frame) => {
      if (this.#path === undefined) return;
      const own = new Uint8Array(frame);
      if (!keepsSecrets) maskPap(own);
      this.#take('ppp', direction, own);
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
      this.#mask = new CmuxMask();
      this.#switch(path);
    });
  }

  /** Ends it; what was seen is in the file then. */
  stop(): Promise<void> {
    return this.#inTurn(() => this.#close());
  }

  #switch(path: string | undefined): void {
    const wasOn = this.isOn;
    this.#path = path;
    if (this.isOn !== wasOn) this.#options.onSwitched(this.isOn);
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#work.then(work);
    this.#work = done.catch(() => undefined);
    return done;
  }

  #take(layer: Layer, direction: Direction, frame: Uint8Array): void {
    if (this.#isRotating) {
      // A disk that does not come back must not fill the memory.
      if (this.#betweenBytes > BETWEEN_LIMIT_BYTES) return;
      this.#betweenBytes += frame.length;
      this.#between.push([layer, direction, frame]);
      return;
    }
    this.#write(layer, direction, frame);
    if (!this.#isFull) return;
    this.#isRotating = true;
    void this.#inTurn(() => this.#rotate()).catch((error: unknown) => {
      this.#switch(undefined);
      this.#options.onFailed(error);
    });
  }

  #write(layer: Layer, direction: Direction, frame: Uint8Array): void {
    this.#tap(layer)?.[direction](frame);
    this.#bytes += frame.length + RECORD_BYTES;
  }

  /** One more record of any length could be too much. */
  get #isFull(): boolean {
    const { rotateBytes = Infinity } = this.#rotation;
    return this.#bytes >= rotateBytes - LONGEST_RECORD_BYTES;
  }

  /** A layer's interface of the file, made with its first frame. */
  #tap(layer: Layer): CaptureTap | undefined {
    const name = layer === 'cmux' ? 'line' : 'DLCI 1';
    return (this.#taps[layer] ??= this.#file?.capture.tap(layer, { name }));
  }

  async #rotate(): Promise<void> {
    const { keep = DEFAULT_KEEP } = this.#rotation;
    try {
      // Begun before it was told to stop: what came before that is recorded first.
      while (this.#path !== undefined) {
        await this.#file?.close();
        this.#file = undefined;
        await rotateFiles(this.#path, keep);
        await this.#open(this.#path);
        let written = 0;
        for (; written < this.#between.length && !this.#isFull; written++)
          this.#write(...(this.#between[written] as Between));
        this.#between.splice(0, written);
        if (this.#between.length === 0) return;
      }
    } finally {
      this.#isRotating = false;
      this.#between.length = 0;
      this.#betweenBytes = 0;
    }
  }

  async #open(path: string): Promise<void> {
    const { captureToFile } = await import('@cellmux/port/file');
    this.#file = await captureToFile(path, { clock: this.#options.clock });
    this.#bytes = HEAD_BYTES;
    this.#taps = {};
  }

  async #close(): Promise<void> {
    const file = this.#file;
    this.#switch(undefined);
    this.#file = undefined;
    this.#taps = {};
    await file?.close();
  }
}
