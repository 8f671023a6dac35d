import { digestOctets, eachBlock, rotateLeft } from './merkle-damgard.ts';

const ADDENDS = [0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6] as const;

/** The SHA-1 digest, 20 octets (RFC 3174). Here because MS-CHAPv2 asks for it; it protects nothing else. */
export function sha1(message: Uint8Array): Uint8Array {
  const state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0);
  const schedule = new Int32Array(80);
  eachBlock(message, false, (words) => {
    schedule.set(words);
    for (let step = 16; step < 80; step++) {
      const mixed =
        (schedule[step - 3] as number) ^
        (schedule[step - 8] as number) ^
        (schedule[step - 14] as number) ^
        (schedule[step - 16] as number);
      schedule[step] = rotateLeft(mixed, 1);
    }
    let [a, b, c, d, e] = state as unknown as [number, number, number, number, number];
    for (let step = 0; step < 80; step++) {
      const round = Math.floor(step / 20) as 0 | 1 | 2 | 3;
      const mix = round === 0 ? (b & c) | (~b & d) : round === 2 ? (b & c) | (b & d) | (c & d) : b ^ c ^ d;
      const sum = (rotateLeft(a, 5) + mix + e + ADDENDS[round] + (schedule[step] as number)) | 0;
      e = d;
      d = c;
      c = rotateLeft(b, 30);
      b = a;
      a = sum;
    }
    for (const [index, word] of [a, b, c, d, e].entries()) state[index] = (state[index] as number) + word;
  });
  return digestOctets(state, false);
}
