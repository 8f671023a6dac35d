import { digestOctets, eachBlock, rotateLeft } from './merkle-damgard.ts';

/** Shifts of the four rounds. */
const SHIFTS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21] as const;
const SINES = Int32Array.from({ length: 64 }, (_, step) => Math.floor(Math.abs(Math.sin(step + 1)) * 2 ** 32));

/** The MD5 digest, 16 octets (RFC 1321). Here because CHAP asks for it; it protects nothing else. */
export function md5(message: Uint8Array): Uint8Array {
  const state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  eachBlock(message, true, (words) => {
    let [a, b, c, d] = state as unknown as [number, number, number, number];
    for (let step = 0; step < 64; step++) {
      const round = step >>> 4;
      let mix: number;
      let word: number;
      if (round === 0) {
        mix = (b & c) | (~b & d);
        word = step;
      } else if (round === 1) {
        mix = (d & b) | (~d & c);
        word = (5 * step + 1) & 15;
      } else if (round === 2) {
        mix = b ^ c ^ d;
        word = (3 * step + 5) & 15;
      } else {
        mix = c ^ (b | ~d);
        word = (7 * step) & 15;
      }
      const sum = (a + mix + (SINES[step] as number) + (words[word] as number)) | 0;
      a = d;
      d = c;
      c = b;
      b = (b + rotateLeft(sum, SHIFTS[round * 4 + (step & 3)] as number)) | 0;
    }
    state[0] = (state[0] as number) + a;
    state[1] = (state[1] as number) + b;
    state[2] = (state[2] as number) + c;
    state[3] = (state[3] as number) + d;
  });
  return digestOctets(state, true);
}
