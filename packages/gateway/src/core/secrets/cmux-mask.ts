import { StreamMask } from './stream-mask.ts';

/** Control octets without P/F (3GPP TS 27.010 §5.2.1.3). */
const [SABM, UIH] = [0x2f, 0xef];
const POLL_FINAL = 0x10;

type Direction = 'sent' | 'received';

/**
 * Masks secrets in frames of the basic option as they come by. Only UIH is touched, whose FCS does not cover its
 * information field (3GPP TS 27.010 §5.2.1.6): a masked frame is still a good one.
 */
export class CmuxMask {
  /** By DLCI, 1 to 61. */
  readonly #masks = new Map<number, Record<Direction, StreamMask>>();

  /** Overwrites what is secret in a whole frame, from flag to flag. */
  mask(direction: Direction, frame: Uint8Array): void {
    const dlci = (frame[1] ?? 0) >> 2;
    const control = (frame[2] ?? 0) & ~POLL_FINAL;
    if (dlci === 0) return;
    // A DLC that begins anew has nothing of the old one.
    if (control === SABM) this.#masks.delete(dlci);
    if (control !== UIH) return;
    let masks = this.#masks.get(dlci);
    if (masks === undefined) {
      masks = { sent: new StreamMask(), received: new StreamMask() };
      this.#masks.set(dlci, masks);
    }
    const hasOneLengthOctet = ((frame[3] ?? 0) & 1) === 1;
    masks[direction].mask(frame, hasOneLengthOctet ? 4 : 5, frame.length - 2);
  }
}
