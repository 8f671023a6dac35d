import { fromLatin1 } from '@cellmux/port';

/** The most bytes kept of one line, and the most lines kept of one reply; the rest is read and forgotten. */
export const REPLY_LINE_BYTES = 1024;
export const REPLY_LINES = 32;

/** A reply of a FTP server, RFC 959 §4.2. */
export interface FtpReply {
  readonly code: number;
  /** Its lines, codes included. */
  readonly lines: readonly string[];
}

/** Reads replies out of what a server sends, in whatever chunks it comes. */
export class FtpReplyReader {
  readonly #line = new Uint8Array(REPLY_LINE_BYTES);
  #length = 0;
  #lines: string[] = [];
  #code: string | undefined;

  push(bytes: Uint8Array): FtpReply[] {
    const replies: FtpReply[] = [];
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

  #takeLine(text: string): FtpReply | undefined {
    const match = /^([1-5]\d\d)([ -]|$)/.exec(text);
    // A line that is none, outside a reply: nothing that RFC 959 knows.
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

/** The port that a 227 reply to PASV or a 229 reply to EPSV (RFC 2428) names; undefined when it names none. */
export function passivePort({ code, lines }: FtpReply): number | undefined {
  const text = lines.at(-1) ?? '';
  if (code === 229) {
    const extended = /\((.)\1\1(\d{1,5})\1\)/.exec(text);
    return portOf(Number(extended?.[2]));
  }
  const plain = /(?:\d{1,3},){4}(\d{1,3}),(\d{1,3})/.exec(text);
  const [high, low] = [Number(plain?.[1]), Number(plain?.[2])];
  return high <= 255 && low <= 255 ? portOf(high * 256 + low) : undefined;
}

function portOf(port: number): number | undefined {
  return Number.isInteger(port) && port > 0 && port <= 65_535 ? port : undefined;
}

/** The argument of PORT or EPRT for an address and a port. */
export function activeCommand(address: string, port: number): string {
  if (address.includes(':')) return `EPRT |2|${address}|${port}|`;
  return `PORT ${address.replaceAll('.', ',')},${port >> 8},${port & 0xff}`;
}
