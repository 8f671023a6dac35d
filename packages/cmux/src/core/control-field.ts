/*
 * The control field of 3GPP TS 27.010 §5.2.1.3, P/F bit (0x10) clear, and which types exist in which mode.
 *
 * frame  octet (P/F 0)   FCS covers            C/R
 * SABM   2F              everything            command
 * UA     63              everything            response
 * DM     0F              everything            response
 * DISC   43              everything            command
 * UIH    EF              address, control, length  command
 * UI     03              everything            command
 * I      bit 0 clear     everything            command (error-recovery mode only, §6)
 * RR     01 | N(R) << 5  everything            both    (error-recovery mode only)
 * RNR    05 | N(R) << 5
 * REJ    09 | N(R) << 5
 */

/** Control octets with the P/F bit clear. */
export const CONTROL = { SABM: 0x2f, UA: 0x63, DM: 0x0f, DISC: 0x43, UIH: 0xef, UI: 0x03 } as const;

/** Supervisory control octets with N(R) = 0 and the P/F bit clear. */
export const SUPERVISORY = { RR: 0x01, RNR: 0x05, REJ: 0x09 } as const;

/** The poll bit of a command, the final bit of a response. */
export const POLL_FINAL = 0x10;

/** Names of the frame types, as the standard spells them. */
export type FrameType = 'SABM' | 'UA' | 'DM' | 'DISC' | 'UIH' | 'UI' | 'I' | 'RR' | 'RNR' | 'REJ';

/** What a control octet is, as small numbers that a table can hold. */
export const KIND = {
  unknown: 0,
  SABM: 1,
  UA: 2,
  DM: 3,
  DISC: 4,
  UIH: 5,
  UI: 6,
  I: 7,
  RR: 8,
  RNR: 9,
  REJ: 10,
} as const;

const NAMES: readonly (FrameType | undefined)[] = [
  undefined,
  'SABM',
  'UA',
  'DM',
  'DISC',
  'UIH',
  'UI',
  'I',
  'RR',
  'RNR',
  'REJ',
];

/** The kind of each control octet outside the error-recovery mode. */
export const KIND_OF_CONTROL: Uint8Array = makeKinds(false);

/** The kind of each control octet where the error-recovery mode may be in use (advanced option). */
export const KIND_OF_CONTROL_RECOVERY: Uint8Array = makeKinds(true);

function makeKinds(recovery: boolean): Uint8Array {
  const kinds = new Uint8Array(256);
  for (const [name, octet] of Object.entries(CONTROL) as [keyof typeof CONTROL, number][]) {
    kinds[octet] = KIND[name];
    kinds[octet | POLL_FINAL] = KIND[name];
  }
  if (!recovery) return kinds;
  for (let octet = 0; octet < 256; octet++) {
    if ((octet & 1) === 0) kinds[octet] = KIND.I;
    for (const name of ['RR', 'RNR', 'REJ'] as const) {
      if ((octet & 0x0f) === SUPERVISORY[name]) kinds[octet] = KIND[name];
    }
  }
  return kinds;
}

/** The name of a control octet's frame type; undefined for one that the standard does not know. */
export function frameTypeOf(control: number): FrameType | undefined {
  return NAMES[KIND_OF_CONTROL_RECOVERY[control & 0xff] as number];
}

/** True where the FCS of this kind covers the header only (§5.2.1.6). */
export function isHeaderOnlyFcs(control: number): boolean {
  return (control & ~POLL_FINAL) === CONTROL.UIH;
}
