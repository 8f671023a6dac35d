/** Octets as the two hex digits each that hex mode prints and reads (guide §4.2.3), as ASCII octets. */
export function toHexText(bytes: Uint8Array): Uint8Array {
  const text = new Uint8Array(bytes.length * 2);
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index] ?? 0;
    text[index * 2] = digit(byte >> 4);
    text[index * 2 + 1] = digit(byte & 0x0f);
  }
  return text;
}

/** The octets of hex text, upper or lower case; undefined where it is not whole octets of hex. */
export function fromHexText(text: Uint8Array): Uint8Array | undefined {
  if (text.length % 2 !== 0) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let index = 0; index < bytes.length; index++) {
    const high = value(text[index * 2] ?? 0);
    const low = value(text[index * 2 + 1] ?? 0);
    if (high < 0 || low < 0) return undefined;
    bytes[index] = (high << 4) | low;
  }
  return bytes;
}

function digit(nibble: number): number {
  return nibble < 10 ? 0x30 + nibble : 0x37 + nibble;
}

function value(character: number): number {
  if (character >= 0x30 && character <= 0x39) return character - 0x30;
  const upper = character & 0xdf;
  return upper >= 0x41 && upper <= 0x46 ? upper - 0x37 : -1;
}
