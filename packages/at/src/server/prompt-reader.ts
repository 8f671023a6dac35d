import type { PromptEnd } from './command-declaration.ts';

const BACKSPACE = 0x08;
const CTRL_Z = 0x1a;
const ESC = 0x1b;

/** Reads the text behind a prompt. Holds at most what the end allows; what is longer is dropped. */
export class PromptReader {
  readonly #end: PromptEnd;
  readonly #bytes: Uint8Array;
  #length = 0;

  constructor(end: PromptEnd) {
    this.#end = end;
    this.#bytes = new Uint8Array(end.kind === 'counted' ? end.bytes : end.maximumBytes);
  }

  /** Takes bytes up to the end; `used` says how many. `text` is undefined when the host aborted. */
  push(chunk: Uint8Array): { readonly used: number; readonly done?: { readonly text: Uint8Array | undefined } } {
    return this.#end.kind === 'counted' ? this.#counted(chunk) : this.#untilCtrlZ(chunk);
  }

  #counted(chunk: Uint8Array): ReturnType<PromptReader['push']> {
    const used = Math.min(chunk.length, this.#bytes.length - this.#length);
    this.#bytes.set(chunk.subarray(0, used), this.#length);
    this.#length += used;
    return this.#length < this.#bytes.length ? { used } : { used, done: { text: this.#bytes } };
  }

  #untilCtrlZ(chunk: Uint8Array): ReturnType<PromptReader['push']> {
    for (let index = 0; index < chunk.length; index++) {
      const byte = chunk[index] as number;
      if (byte === CTRL_Z) return { used: index + 1, done: { text: this.#bytes.slice(0, this.#length) } };
      if (byte === ESC) return { used: index + 1, done: { text: undefined } };
      if (byte === BACKSPACE) this.#length = Math.max(0, this.#length - 1);
      else if (this.#length < this.#bytes.length) this.#bytes[this.#length++] = byte;
    }
    return { used: chunk.length };
  }
}
