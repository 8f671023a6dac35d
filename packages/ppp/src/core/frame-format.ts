/**
 * The CRC-32 of zlib and IEEE 802.3 over `bytes`, as an unsigned number; `previous` is the result for the octets that
 * came before. It is what FCS-32 sends (RFC 1662 §C.3), and is handed in because a core has no packages.
 */
export type Crc32 = (bytes: Uint8Array, previous?: number) => number;

/** What LCP negotiates for the frames of one direction. */
export interface FrameFormat {
  /** Async-Control-Character-Map: bit n set means that character n is escaped (RFC 1662 §7.1). */
  readonly accm: number;
  /** Protocol-Field-Compression: one octet for protocols below 0x0100 (RFC 1661 §6.5). */
  readonly pfc: boolean;
  /** Address-and-Control-Field-Compression: no `FF 03` (RFC 1661 §6.6). */
  readonly acfc: boolean;
  /** Set where FCS-32 was negotiated (RFC 1570 §2.1); else the 16-bit FCS is in use. */
  readonly crc32?: Crc32 | undefined;
}

/** What holds before LCP has agreed on anything, and for LCP's own packets always (RFC 1662 §7). */
export const DEFAULT_FORMAT: FrameFormat = { accm: 0xffffffff, pfc: false, acfc: false };

export const FLAG = 0x7e;
export const ESCAPE = 0x7d;
/** What an escaped octet is XORed with. */
export const TRANSPARENCY = 0x20;
export const ADDRESS = 0xff;
export const CONTROL = 0x03;
