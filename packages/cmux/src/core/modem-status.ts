/*
 * The modem status command, 3GPP TS 27.010 §5.4.6.3.7:
 *
 * octet 1   DLCI << 2 | 3
 * octet 2   bit 0 EA, bit 1 FC, bit 2 RTC, bit 3 RTR, bit 6 IC, bit 7 DV
 * octet 3   optional: bit 0 EA = 1, bit 1 break present, bits 4 to 7 its length in 200 ms
 *
 * For example `E3 07 07 8C 13`: DLCI 1, RTC, RTR, DV, a break of 200 ms.
 */

/** The V.24 signals of one end of a DLC. */
export interface ModemStatus {
  /** Flow control: true asks the receiver of the message to send nothing on this DLC. */
  readonly fc: boolean;
  /** Ready to communicate: DTR from a terminal, DSR from a module. */
  readonly rtc: boolean;
  /** Ready to receive: RTS from a terminal, CTS from a module. */
  readonly rtr: boolean;
  /** Incoming call: RI. */
  readonly ic: boolean;
  /** Data valid: DCD. */
  readonly dv: boolean;
  /** Length of a break in ms, a multiple of 200; 0 where it has no length; undefined without a break. */
  readonly breakMs?: number | undefined;
}

const EA = 0x01;
const FC = 0x02;
const RTC = 0x04;
const RTR = 0x08;
const IC = 0x40;
const DV = 0x80;
const BREAK = 0x02;

/** A length of the break octet's four bits, in ms. */
const BREAK_STEP_MS = 200;

/** The longest break that fits the field. */
export const BREAK_MAX_MS = 15 * BREAK_STEP_MS;

/** The V.24 octets: one, or two with a break. */
export function encodeSignals(status: ModemStatus): Uint8Array {
  const signals =
    (status.fc ? FC : 0) |
    (status.rtc ? RTC : 0) |
    (status.rtr ? RTR : 0) |
    (status.ic ? IC : 0) |
    (status.dv ? DV : 0);
  if (status.breakMs === undefined) return Uint8Array.of(signals | EA);
  const steps = Math.min(15, Math.ceil(status.breakMs / BREAK_STEP_MS));
  return Uint8Array.of(signals, EA | BREAK | (steps << 4));
}

/** The signals of a V.24 octet and, where there is one, of the break octet behind it. */
export function decodeSignals(signals: number, breakOctet: number | undefined): ModemStatus {
  const status = {
    fc: (signals & FC) !== 0,
    rtc: (signals & RTC) !== 0,
    rtr: (signals & RTR) !== 0,
    ic: (signals & IC) !== 0,
    dv: (signals & DV) !== 0,
  };
  if (breakOctet === undefined || (breakOctet & BREAK) === 0) return status;
  return { ...status, breakMs: (breakOctet >> 4) * BREAK_STEP_MS };
}

/** The value of an MSC message. */
export function encodeModemStatus(dlci: number, status: ModemStatus): Uint8Array {
  const signals = encodeSignals(status);
  const value = new Uint8Array(1 + signals.length);
  value[0] = (dlci << 2) | 3;
  value.set(signals, 1);
  return value;
}

/**
 * Reads the value of an MSC message; undefined where it is not one. Whether a break octet is there is told by the length
 * alone: SIM7080 and others send one behind a V.24 octet with EA = 1.
 */
export function decodeModemStatus(value: Uint8Array): { dlci: number; status: ModemStatus } | undefined {
  const [address, signals, breakOctet] = value;
  if (address === undefined || signals === undefined || value.length > 3) return undefined;
  return { dlci: address >> 2, status: decodeSignals(signals, breakOctet) };
}
