/** Octets that look random and are the same in every run: flags and escapes come as often as in any compressed data. */
export function pseudoRandom(octets: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(octets);
  let state = seed;
  for (let index = 0; index < octets; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}
