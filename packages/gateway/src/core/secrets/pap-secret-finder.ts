/*
 * PAP's Authenticate-Request in a PPP frame (RFC 1334 §2.2.1, RFC 1661 §2):
 *
 *   [FF 03] C0 23 | 01 | identifier | length, 2 | user length | user | password length | password | what follows
 */
const HEADER = [0xff, 0x03, 0xc0, 0x23, 0x01] as const;
/** Identifier and length. */
const SKIPPED_OCTETS = 3;
const FCS_OCTETS = 2;

type Stage = 'header' | 'skipped' | 'userLength' | 'user' | 'passwordLength' | 'secret' | 'other';

/** Finds the password of PAP among the octets of one frame of PPP, unescaped; what follows it, the FCS, goes with it. */
export class PapSecretFinder {
  #stage: Stage = 'other';
  #count = 0;

  /** A frame begins. */
  begin(): void {
    this.#stage = 'header';
    this.#count = 0;
  }

  /** True where the next octet is one of the password, or is made of it. */
  next(octet: number): boolean {
    switch (this.#stage) {
      case 'header':
        // Address and control may be left out (RFC 1661 §6.6).
        if (this.#count === 0 && octet === HEADER[2]) this.#count = 2;
        if (octet !== HEADER[this.#count]) this.#stage = 'other';
        else if (++this.#count === HEADER.length) this.#enter('skipped', SKIPPED_OCTETS);
        return false;
      case 'skipped':
        if (--this.#count === 0) this.#stage = 'userLength';
        return false;
      case 'userLength':
        this.#enter(octet === 0 ? 'passwordLength' : 'user', octet);
        return false;
      case 'user':
        if (--this.#count === 0) this.#stage = 'passwordLength';
        return false;
      case 'passwordLength':
        this.#enter('secret', octet + FCS_OCTETS);
        return false;
      case 'secret':
        // Where the call breaks off in it, what comes then is AT again.
        if (--this.#count === 0) this.#stage = 'other';
        return true;
      case 'other':
        return false;
    }
  }

  #enter(stage: Stage, count: number): void {
    this.#stage = stage;
    this.#count = count;
  }
}

/** What a masked octet becomes. */
export const MASK = 0x2a;

/** A frame of PPP without flags, escapes and FCS; the password of PAP in it is overwritten with `*`. */
export function maskPap(frame: Uint8Array): void {
  const finder = new PapSecretFinder();
  finder.begin();
  for (let at = 0; at < frame.length; at++) if (finder.next(frame[at] as number)) frame[at] = MASK;
}
