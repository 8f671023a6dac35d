/** The octets of a text in UTF-8; halves of surrogate pairs become U+FFFD. */
export function utf8(text: string): Uint8Array {
  const octets: number[] = [];
  for (const character of text) {
    let code = character.codePointAt(0) as number;
    if (code >= 0xd800 && code <= 0xdfff) code = 0xfffd;
    if (code < 0x80) octets.push(code);
    else if (code < 0x800) octets.push(0xc0 | (code >>> 6), 0x80 | (code & 0x3f));
    else if (code < 0x10000) octets.push(0xe0 | (code >>> 12), 0x80 | ((code >>> 6) & 0x3f), 0x80 | (code & 0x3f));
    else
      octets.push(
        0xf0 | (code >>> 18),
        0x80 | ((code >>> 12) & 0x3f),
        0x80 | ((code >>> 6) & 0x3f),
        0x80 | (code & 0x3f),
      );
  }
  return Uint8Array.from(octets);
}

/** What a peer says, for people: printable ASCII, anything else a dot, 255 characters at most. */
export function peerText(octets: Uint8Array): string {
  let text = '';
  for (const octet of octets.subarray(0, 255)) text += octet >= 0x20 && octet < 0x7f ? String.fromCharCode(octet) : '.';
  return text;
}

/** The text of octets in UTF-8; octets that are none become U+FFFD each. */
export function fromUtf8(octets: Uint8Array): string {
  let text = '';
  let index = 0;
  while (index < octets.length) {
    const first = octets[index] as number;
    const length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    let code = length <= 1 ? first : first & (0x7f >>> length);
    let isValid = length > 0 && index + length <= octets.length;
    for (let next = 1; isValid && next < length; next++) {
      const octet = octets[index + next] as number;
      isValid = (octet & 0xc0) === 0x80;
      code = (code << 6) | (octet & 0x3f);
    }
    const isOverlong = (length === 3 && code < 0x800) || (length === 4 && code < 0x10000);
    isValid &&= !isOverlong && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    text += isValid ? String.fromCodePoint(code) : '\ufffd';
    index += isValid ? length : 1;
  }
  return text;
}

/** True where both are the same; takes as long whatever differs, so that it tells nothing about a secret. */
export function sameSecret(one: Uint8Array, other: Uint8Array): boolean {
  let difference = one.length ^ other.length;
  for (let index = 0; index < other.length; index++) difference |= (other[index] as number) ^ (one[index] ?? 0);
  return difference === 0;
}
