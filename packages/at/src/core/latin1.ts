/** A string with one character for each octet of `bytes` from `start` up to `end`. */
export function latin1Text(bytes: Uint8Array, start = 0, end = bytes.length): string {
  let text = '';
  let at = start;
  // Lines are short, and a call with some tens of arguments made of a view costs more than the view holds.
  for (; at + 4 <= end; at += 4) {
    text += String.fromCharCode(bytes[at]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!);
  }
  for (; at < end; at++) text += String.fromCharCode(bytes[at]!);
  return text;
}

/** The octets of a string of characters U+0000 to U+00FF; higher ones are cut to their low eight bits. */
export function latin1Octets(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index);
  return bytes;
}
