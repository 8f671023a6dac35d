/** A string with one character for each octet of `bytes` from `start` up to `end`. */
export function latin1Text(bytes: Uint8Array, start = 0, end = bytes.length): string {
  // Spreading more than some 10^5 arguments overflows the stack; 8 KiB at a time does not.
  if (end - start <= 8192) return String.fromCharCode(...bytes.subarray(start, end));
  let text = '';
  for (let offset = start; offset < end; offset += 8192) {
    text += String.fromCharCode(...bytes.subarray(offset, Math.min(end, offset + 8192)));
  }
  return text;
}

/** The octets of a string of characters U+0000 to U+00FF; higher ones are cut to their low eight bits. */
export function latin1Octets(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index);
  return bytes;
}
