import { ESCAPE, TRANSPARENCY } from './frame-format.ts';

/** An escape every so many octets is often enough that looking at eight at a time gains nothing. */
const DENSE_OCTETS = 24;
/** How many are seen before it is judged. */
const SAMPLE_ESCAPES = 4;

/** What the octet behind each octet is XORed with. */
const BEHIND: Uint8Array = Uint8Array.from({ length: 256 }, (_, octet) => (octet === ESCAPE ? TRANSPARENCY : 0));

/**
 * Takes the escapes out of `raw[start..end)`, which does not end in one (RFC 1662 §4.2), and gives the end in `target`,
 * which needs as much room as `raw` takes. `words` and `targetWords` are views of the two arrays; without them it goes
 * octet by octet, which is faster for few octets.
 */
export function unescape(
  raw: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  offset: number,
  words: DataView | undefined,
  targetWords: DataView,
): number {
  let at = offset;
  let index = start;
  if (words !== undefined) {
    const lastWords = end - 8;
    let escapes = 0;
    while (index <= lastWords) {
      const first = words.getInt32(index, true);
      const second = words.getInt32(index + 4, true);
      // Zero where the octet is an escape; the test for a zero octet in a word is exact for "any of the four".
      const one = first ^ 0x7d7d7d7d;
      const other = second ^ 0x7d7d7d7d;
      if (((((one - 0x01010101) & ~one) | ((other - 0x01010101) & ~other)) & -0x7f7f7f80) === 0) {
        targetWords.setInt32(at, first, true);
        targetWords.setInt32(at + 4, second, true);
        at += 8;
        index += 8;
        continue;
      }
      // Up to the escape, which is within the next eight.
      let octet = raw[index++] as number;
      for (; octet !== ESCAPE; octet = raw[index++] as number) target[at++] = octet;
      target[at++] = (raw[index++] as number) ^ TRANSPARENCY;
      if (++escapes >= SAMPLE_ESCAPES && index - start < escapes * DENSE_OCTETS) break;
    }
  }
  // Without a branch, since where the escapes stand cannot be foretold: what follows an escape overwrites it.
  let behind = 0;
  for (; index < end; index++) {
    const octet = raw[index] as number;
    target[at] = octet ^ behind;
    behind = (BEHIND[octet] as number) & ~behind;
    at += 1 - (behind >>> 5);
  }
  return at;
}
