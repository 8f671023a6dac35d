import { concatBytes, latin1 } from '@cellmux/port';

/** A mail as #EMAILD has it. */
export interface MailMessage {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly body: Uint8Array;
}

const CR = 0x0d;
const LF = 0x0a;
const DOT = 0x2e;

/**
 * What goes out behind DATA (RFC 5321 §4.1.1.4): header, body with CRLF at the end of each line and a second dot where a
 * line begins with one (§4.5.2), and the dot that ends it.
 */
export function mailData({ from, to, subject, body }: MailMessage): Uint8Array {
  const header = latin1(`From: <${from}>\r\nTo: <${to}>\r\nSubject: ${subject}\r\n\r\n`);
  return concatBytes([header, stuffed(body), latin1('.\r\n')]);
}

function stuffed(body: Uint8Array): Uint8Array {
  const out = new Uint8Array(body.length * 2 + 2);
  let at = 0;
  let isLineStart = true;
  for (const [index, byte] of body.entries()) {
    // CR LF, CR alone and LF alone end a line.
    if (byte === LF && body[index - 1] === CR) continue;
    if (byte === CR || byte === LF) {
      out[at++] = CR;
      out[at++] = LF;
      isLineStart = true;
      continue;
    }
    if (isLineStart && byte === DOT) out[at++] = DOT;
    out[at++] = byte;
    isLineStart = false;
  }
  if (!isLineStart) {
    out[at++] = CR;
    out[at++] = LF;
  }
  return out.subarray(0, at);
}

/** An address or a subject as part of one line of mail: no control characters, and no brackets in an address. */
export function isPlain(text: string, isAddress: boolean): boolean {
  return !/[\u0000-\u001f\u007f]/.test(text) && !(isAddress && /[<>\s]/.test(text));
}
