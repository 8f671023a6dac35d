/*
 * The frame check sequence of 3GPP TS 27.010 §5.2.1.6: CRC-8 with the polynomial x^8+x^2+x+1, least significant bit
 * first, register preset to ones, complemented when sent.
 */

/** The register before the first octet. */
export const FCS_START = 0xff;

/** The register after all covered octets and their FCS, when they agree. */
export const FCS_GOOD = 0xcf;

/** The register after one octet: `FCS_TABLE[register ^ octet]`. The polynomial reversed is E0. */
export const FCS_TABLE: Uint8Array = makeTable();

function makeTable(): Uint8Array {
  const table = new Uint8Array(256);
  for (let octet = 0; octet < 256; octet++) {
    let register = octet;
    for (let bit = 0; bit < 8; bit++) register = (register & 1) === 1 ? (register >> 1) ^ 0xe0 : register >> 1;
    table[octet] = register;
  }
  return table;
}

/** The register after `bytes[start]` to `bytes[end - 1]`. */
export function fcsRegister(register: number, bytes: Uint8Array, start: number, end: number): number {
  let value = register;
  for (let index = start; index < end; index++) value = FCS_TABLE[value ^ (bytes[index] as number)] as number;
  return value;
}

/** The FCS octet to send for these octets. */
export function fcsOf(bytes: Uint8Array, start = 0, end: number = bytes.length): number {
  return fcsRegister(FCS_START, bytes, start, end) ^ 0xff;
}
