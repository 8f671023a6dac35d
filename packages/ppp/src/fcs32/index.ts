import { Buffer } from 'node:buffer';
import * as bufferCrc32 from 'buffer-crc32';
import type { Crc32 } from '../core/frame-format.ts';

// Its types name functions where the module has them on its default export alone.
const { unsigned } = (bufferCrc32 as unknown as { readonly default: typeof bufferCrc32 }).default;

/**
 * The CRC-32 that FCS-32 is made of, for the option `crc32` of a link: with it FCS-32 is asked for and granted
 * (RFC 1570 §2.1).
 *
 * @example
 * const link = new PppLink(port, { crc32 });
 */
export const crc32: Crc32 = (bytes, previous) =>
  unsigned(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), previous);
