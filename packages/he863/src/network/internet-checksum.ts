/** The checksum of RFC 1071 over octets, with a start value for a pseudo header; 0 where the octets hold a right one. */
export function internetChecksum(bytes: Uint8Array, start = 0): number {
  let sum = start;
  for (let index = 0; index + 1 < bytes.length; index += 2) {
    sum += ((bytes[index] as number) << 8) | (bytes[index + 1] as number);
  }
  if (bytes.length % 2 === 1) sum += (bytes[bytes.length - 1] as number) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** What the pseudo header of UDP adds to a checksum (RFC 768): both addresses, the protocol and the length. */
export function pseudoHeaderSum(source: Uint8Array, destination: Uint8Array, protocol: number, length: number): number {
  let sum = protocol + length;
  for (const address of [source, destination]) {
    for (let index = 0; index < 4; index += 2) {
      sum += ((address[index] as number) << 8) | (address[index + 1] as number);
    }
  }
  return sum;
}
