/*
 * Remote line status, 3GPP TS 27.010 §5.4.6.3.10: octet 1 DLCI << 2 | 3; octet 2 bit 0 an error occurred, bit 1 overrun,
 * bit 2 parity, bit 3 framing. For example `53 05 1F 03`: DLCI 7, overrun.
 */

/** An error on the port behind a DLC. */
export interface LineStatus {
  readonly dlci: number;
  /** False where the message says that there is none. */
  readonly isError: boolean;
  readonly overrun: boolean;
  readonly parity: boolean;
  readonly framing: boolean;
}

/** The value of an RLS message. */
export function encodeLineStatus({ dlci, isError, overrun, parity, framing }: LineStatus): Uint8Array {
  const flags = (isError ? 1 : 0) | (overrun ? 2 : 0) | (parity ? 4 : 0) | (framing ? 8 : 0);
  return Uint8Array.of((dlci << 2) | 3, flags);
}

/** Reads the value of an RLS message; undefined where it is none. */
export function decodeLineStatus(value: Uint8Array): LineStatus | undefined {
  const [address, flags] = value;
  if (address === undefined || flags === undefined || value.length !== 2) return undefined;
  return {
    dlci: address >> 2,
    isError: (flags & 1) !== 0,
    overrun: (flags & 2) !== 0,
    parity: (flags & 4) !== 0,
    framing: (flags & 8) !== 0,
  };
}
