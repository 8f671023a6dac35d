/** The octets of a string of characters U+0000 to U+00FF, one each; characters above that become `?`. */
export function latin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    bytes[index] = code > 0xff ? 0x3f : code;
  }
  return bytes;
}

/** A string with one character U+0000 to U+00FF for each octet: nothing is lost, whatever the octets. */
export function fromLatin1(bytes: Uint8Array): string {
  let text = '';
  // Spreading more than some 10^5 arguments overflows the stack; 8 KiB at a time does not.
  for (let offset = 0; offset < bytes.length; offset += 8192) {
    text += String.fromCharCode(...bytes.subarray(offset, offset + 8192));
  }
  return text;
}

/** One array with the octets of all, in order. */
export function concatBytes(chunks: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const chunk of chunks) length += chunk.length;
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}

/** Two upper-case hex digits an octet, with a separator between octets. */
export function toHex(bytes: Uint8Array, separator = ''): string {
  const digits: string[] = [];
  for (const byte of bytes) digits.push(byte.toString(16).toUpperCase().padStart(2, '0'));
  return digits.join(separator);
}

/** The octets of hex digits, white space ignored; undefined where the text is not whole octets of hex. */
export function fromHex(text: string): Uint8Array | undefined {
  const digits = text.replace(/\s+/g, '');
  if (digits.length % 2 !== 0 || /[^0-9a-fA-F]/.test(digits)) return undefined;
  const bytes = new Uint8Array(digits.length / 2);
  for (let index = 0; index < bytes.length; index++)
    bytes[index] = parseInt(digits.slice(index * 2, index * 2 + 2), 16);
  return bytes;
}
