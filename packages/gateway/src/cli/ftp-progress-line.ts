import { createLogUpdate } from 'log-update';
import type { Console } from './console.ts';

/** From one drawing to the next, ms. */
const EVERY_MS = 100;

/** How far a file is: one line on stderr that moves, where that is a terminal; nothing elsewhere. */
export class FtpProgressLine {
  readonly #draw: ReturnType<typeof createLogUpdate> | undefined;
  readonly #startMs = performance.now();
  #shownMs = -Infinity;
  /** What was there at the start counts for the whole and not for the rate. */
  #first: number | undefined;

  constructor({ streams: { stderr, env } }: Console, isSilent: boolean) {
    const isTerminal = stderr.isTTY === true && env['TERM'] !== 'dumb';
    this.#draw = isTerminal && !isSilent ? createLogUpdate(stderr as NodeJS.WriteStream) : undefined;
  }

  /** So many octets are there. */
  show(name: string, bytes: number, totalBytes: number | undefined): void {
    this.#first ??= bytes;
    const nowMs = performance.now();
    if (this.#draw === undefined || nowMs - this.#shownMs < EVERY_MS) return;
    this.#shownMs = nowMs;
    this.#draw(progressText(name, bytes, totalBytes, ((bytes - this.#first) * 1000) / (nowMs - this.#startMs)));
  }

  /** Removes the line. */
  end(): void {
    this.#draw?.clear();
    this.#draw?.done();
  }
}

/** `firmware.bin  12.3 kB of 40.0 kB  31 %  4.1 kB/s  7 s left`. */
export function progressText(name: string, bytes: number, totalBytes: number | undefined, bytesPerS: number): string {
  const parts = [name];
  if (totalBytes === undefined) parts.push(sizeText(bytes));
  else {
    parts.push(`${sizeText(bytes)} of ${sizeText(totalBytes)}`);
    parts.push(`${totalBytes === 0 ? 100 : Math.min(100, Math.floor((bytes * 100) / totalBytes))} %`);
  }
  if (bytesPerS > 0) {
    parts.push(`${sizeText(bytesPerS)}/s`);
    if (totalBytes !== undefined) parts.push(`${Math.ceil(Math.max(0, totalBytes - bytes) / bytesPerS)} s left`);
  }
  return parts.join('  ');
}

function sizeText(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} B`;
  return bytes < 1e6 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(2)} MB`;
}
