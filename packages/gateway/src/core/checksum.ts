/** The Internet checksum (RFC 1071) over `bytes`, started from `seed`, the running sum of a pseudo header. */
export function internetChecksum(bytes: Uint8Array, seed = 0): number {
  let sum = seed;
  const even = bytes.length & ~1;
  for (let index = 0; index < even; index += 2) sum += ((bytes[index] ?? 0) << 8) | (bytes[index + 1] ?? 0);
  if (even !== bytes.length) sum += (bytes[even] ?? 0) << 8;
  // The sum of a 64 KiB packet stays below 2^31, so the carries can wait until here.
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
