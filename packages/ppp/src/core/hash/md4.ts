import { digestOctets, eachBlock, rotateLeft } from './merkle-damgard.ts';

/** Shifts and the order of words of the three rounds (RFC 1320 §3.4). */
const SHIFTS = [3, 7, 11, 19, 3, 5, 9, 13, 3, 9, 11, 15] as const;
const ORDER = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15],
  [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15],
] as const;
const ADDENDS = [0, 0x5a827999, 0x6ed9eba1] as const;

/** The MD4 digest, 16 octets (RFC 1320). Here because MS-CHAPv2 asks for it; it protects nothing else. */
export function md4(message: Uint8Array): Uint8Array {
  const state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  eachBlock(message, true, (words) => {
    let [a, b, c, d] = state as unknown as [number, number, number, number];
    for (let step = 0; step < 48; step++) {
      const round = (step >>> 4) as 0 | 1 | 2;
      const mix = round === 0 ? (b & c) | (~b & d) : round === 1 ? (b & c) | (b & d) | (c & d) : b ^ c ^ d;
      const word = words[ORDER[round][step & 15] as number] as number;
      const sum = (a + mix + word + ADDENDS[round]) | 0;
      a = d;
      d = c;
      c = b;
      b = rotateLeft(sum, SHIFTS[round * 4 + (step & 3)] as number);
    }
    state[0] = (state[0] as number) + a;
    state[1] = (state[1] as number) + b;
    state[2] = (state[2] as number) + c;
    state[3] = (state[3] as number) + d;
  });
  return digestOctets(state, true);
}
