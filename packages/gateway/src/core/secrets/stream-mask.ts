import { AtSecretFinder } from './at-secret-finder.ts';
import { MASK, PapSecretFinder } from './pap-secret-finder.ts';

const [FLAG, ESCAPE, ESCAPED_BIT] = [0x7e, 0x7d, 0x20];

/**
 * Overwrites secrets in the octets of one direction of a port with `*`, however they are cut into frames: those of AT
 * commands, and the password of PAP in the HDLC-like framing of RFC 1662. Lengths stay as they are; the FCS behind a
 * password would tell of it and goes too.
 */
export class StreamMask {
  readonly #at = new AtSecretFinder();
  readonly #pap = new PapSecretFinder();
  #isEscaped = false;

  /** Masks `octets[start]` to `octets[end - 1]`, which follow those of the last call. */
  mask(octets: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; at++) {
      const octet = octets[at] as number;
      const isInPap = this.#inPap(octet);
      if (isInPap !== undefined) octets[at] = isInPap;
      else if (this.#at.next(octet)) octets[at] = MASK;
    }
  }

  /** What an octet that belongs to the password of PAP becomes; undefined for any other. */
  #inPap(octet: number): number | undefined {
    if (octet === FLAG) {
      this.#pap.begin();
      this.#isEscaped = false;
      return undefined;
    }
    if (octet === ESCAPE) {
      this.#isEscaped = true;
      return undefined;
    }
    const wasEscaped = this.#isEscaped;
    this.#isEscaped = false;
    if (!this.#pap.next(wasEscaped ? octet ^ ESCAPED_BIT : octet)) return undefined;
    return wasEscaped ? MASK ^ ESCAPED_BIT : MASK;
  }
}
