import { fromLatin1 } from '@cellmux/port';

/** The most bytes kept of one line, and the most lines kept of one reply; the rest is read and forgotten. */
export const REPLY_LINE_BYTES = 1024;
export const REPLY_LINES = 32;

/** A reply of a FTP server (RFC 959 §4.2) or of an SMTP server (RFC 5321 §4.2.1): both write it the same way. */
export interface ServerReply {
  readonly code: number;
  /** Its lines, codes included. */
  readonly lines: readonly string[];
}

/** Reads replies out of what a server sends, in whatever chunks it comes. */
export class ReplyReader {
  readonly #line = new Uint8Array(REPLY_LINE_BYTES);
  #length = 0;
  #lines: string[] = [];
  #code: string | undefined;

  push(bytes: Uint8Array): ServerReply[] {
    const replies: ServerReply[] = [];
    for (const byte of bytes) {
      if (byte !== 0x0a) {
        if (this.#length < REPLY_LINE_BYTES) this.#line[this.#length++] = byte;
        continue;
      }
      const text = fromLatin1(this.#line.subarray(0, this.#length)).replace(/\r$/, '');
      this.#length = 0;
      const reply = this.#takeLine(text);
      if (reply !== undefined) replies.push(reply);
    }
    return replies;
  }

  #takeLine(text: string): ServerReply | undefined {
    const match = /^([1-5]\d\d)([ -]|$)/.exec(text);
    // A line that is none, outside a reply: nothing that these protocols know.
    if (this.#code === undefined && match === null) return undefined;
    if (this.#lines.length < REPLY_LINES) this.#lines.push(text);
    if (this.#code === undefined) this.#code = match?.[1];
    if (match === null || match[1] !== this.#code || match[2] === '-') return undefined;
    const reply = { code: Number(this.#code), lines: this.#lines };
    this.#lines = [];
    this.#code = undefined;
    return reply;
  }
}
