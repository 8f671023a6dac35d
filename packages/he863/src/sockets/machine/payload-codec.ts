import { Base64Decoder, Base64Encoder } from './base64.ts';

const NOTHING = new Uint8Array(0);

/** `<enc>` and `<dec>` of #BASE64: 0 off, 1 with CRLF behind every 76 characters, 2 without. */
export type Base64Mode = 0 | 1 | 2;

/** What #BASE64 makes of the data of a connId; as long as it is off, bytes pass as they are. */
export class PayloadCodec {
  #encoder: Base64Encoder | undefined;
  #decoder: Base64Decoder | undefined;
  #enc: Base64Mode = 0;
  #dec: Base64Mode = 0;

  get enc(): Base64Mode {
    return this.#enc;
  }
  get dec(): Base64Mode {
    return this.#dec;
  }

  /** #BASE64, for the connection that is open now. */
  set(enc: Base64Mode, dec: Base64Mode): void {
    this.#enc = enc;
    this.#dec = dec;
    this.#encoder = enc === 0 ? undefined : new Base64Encoder(enc === 1);
    this.#decoder = dec === 0 ? undefined : new Base64Decoder();
  }

  /** Bytes of the host on their way to the peer. */
  encode(bytes: Uint8Array): Uint8Array {
    return this.#encoder?.push(bytes) ?? bytes;
  }

  /** What {@link encode} still holds. */
  finish(): Uint8Array {
    return this.#encoder?.finish() ?? NOTHING;
  }

  /** One message of #SSEND, complete in itself. */
  encodeWhole(bytes: Uint8Array): Uint8Array {
    if (this.#encoder === undefined) return bytes;
    const body = this.#encoder.push(bytes).slice();
    const end = this.#encoder.finish();
    const whole = new Uint8Array(body.length + end.length);
    whole.set(body);
    whole.set(end, body.length);
    return whole;
  }

  /** Bytes of the peer on their way to the host. */
  decode(bytes: Uint8Array): Uint8Array {
    return this.#decoder?.push(bytes) ?? bytes;
  }

  /** A new connection: off again. */
  reset(): void {
    this.set(0, 0);
  }
}
