import * as bufferCrc32 from 'buffer-crc32';

// Its types name functions where the module has them on its default export alone.
const { unsigned } = (bufferCrc32 as unknown as { readonly default: typeof bufferCrc32 }).default;

/** CRC-32 of octets, 0 to 2^32-1; `previous` goes on from the octets before them. */
export function crc32(octets: Uint8Array, previous?: number): number {
  return unsigned(Buffer.from(octets), previous);
}
