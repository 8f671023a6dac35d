/**
 * What MD4, MD5 and SHA-1 have in common: blocks of 64 octets, the message padded with 0x80, zeros and its length in
 * bits. Calls `block` with the sixteen words of each block.
 */
export function eachBlock(message: Uint8Array, isLittleEndian: boolean, block: (words: Int32Array) => void): void {
  const blocks = ((message.length + 8) >>> 6) + 1;
  const padded = new Uint8Array(blocks * 64);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  const bits = message.length * 8;
  const [low, high] = [bits >>> 0, Math.floor(bits / 2 ** 32)];
  view.setUint32(padded.length - 8, isLittleEndian ? low : high, isLittleEndian);
  view.setUint32(padded.length - 4, isLittleEndian ? high : low, isLittleEndian);
  const words = new Int32Array(16);
  for (let offset = 0; offset < padded.length; offset += 64) {
    for (let index = 0; index < 16; index++) words[index] = view.getInt32(offset + index * 4, isLittleEndian);
    block(words);
  }
}

/** The octets of the state: the digest. */
export function digestOctets(state: Int32Array, isLittleEndian: boolean): Uint8Array {
  const digest = new Uint8Array(state.length * 4);
  const view = new DataView(digest.buffer);
  state.forEach((word, index) => {
    view.setInt32(index * 4, word, isLittleEndian);
  });
  return digest;
}

export function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
