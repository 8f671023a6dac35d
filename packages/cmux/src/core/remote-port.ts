/*
 * Remote port negotiation, 3GPP TS 27.010 §5.4.6.3.9: what speed and character format a DLC stands for. The multiplexer
 * itself does not need them; a peer that bridges a DLC to a real serial port does.
 *
 * octet 1   DLCI << 2 | 3; alone it asks
 * octet 2   speed
 * octet 3   bits 0, 1 data bits less 5; bit 2 stop bits; bit 3 parity on; bits 4, 5 its kind
 * octet 4   flow control, bits 0 to 5: XON/XOFF in, out; RTR in, out; RTC in, out
 * octet 5   XON character
 * octet 6   XOFF character
 * octets 7, 8  mask: which of these are set (command) or accepted (response)
 *
 * For example `93 11 07 03 03 00 11 13 7F 3F`: DLCI 1, 9600 Bd, 8N1, no flow control.
 */

/** Speeds in Bd, in the order of their codes. */
export const PORT_SPEEDS = [2400, 4800, 7200, 9600, 19200, 38400, 57600, 115200, 230400] as const;

/** Parities, `none` besides, in the order of their codes. */
export const PARITIES = ['odd', 'even', 'mark', 'space'] as const;

/** The settings of a port as RPN knows them. */
export interface PortSettings {
  /** In Bd; undefined for a code that the standard does not know. */
  readonly baudRate: number | undefined;
  readonly dataBits: 5 | 6 | 7 | 8;
  readonly stopBits: 1 | 1.5;
  readonly parity: 'none' | (typeof PARITIES)[number];
  /** Bits 0 to 5 as above. */
  readonly flowControl: number;
  readonly xon: number;
  readonly xoff: number;
}

/** What holds before anybody negotiated (§5.4.6.3.9): 9600 Bd, 8N1, no flow control. */
export const DEFAULT_PORT_SETTINGS: PortSettings = {
  baudRate: 9600,
  dataBits: 8,
  stopBits: 1,
  parity: 'none',
  flowControl: 0,
  xon: 0x11,
  xoff: 0x13,
};

/** Bits of the mask. */
export const PORT_MASK = {
  speed: 0x0001,
  dataBits: 0x0002,
  stopBits: 0x0004,
  parity: 0x0008,
  parityKind: 0x0010,
  xon: 0x0020,
  xoff: 0x0040,
  flowControl: 0x3f00,
  all: 0x3f7f,
} as const;

/** What an RPN message says. */
export interface RemotePort {
  readonly dlci: number;
  /** Undefined in a question. */
  readonly settings: PortSettings | undefined;
  readonly mask: number;
}

/** The value of an RPN message; without settings, of the question. */
export function encodeRemotePort({ dlci, settings, mask }: RemotePort): Uint8Array {
  const address = (dlci << 2) | 3;
  if (settings === undefined) return Uint8Array.of(address);
  const speed = PORT_SPEEDS.indexOf(settings.baudRate as (typeof PORT_SPEEDS)[number]);
  const parity = settings.parity === 'none' ? 0 : 0x08 | (PARITIES.indexOf(settings.parity) << 4);
  const format = (settings.dataBits - 5) | (settings.stopBits === 1 ? 0 : 0x04) | parity;
  const { flowControl, xon, xoff } = settings;
  return Uint8Array.of(address, speed < 0 ? 3 : speed, format, flowControl & 0x3f, xon, xoff, mask & 0xff, mask >> 8);
}

/** Reads the value of an RPN message; undefined where it is none. */
export function decodeRemotePort(value: Uint8Array): RemotePort | undefined {
  const dlci = (value[0] ?? 0) >> 2;
  if (value.length === 1) return { dlci, settings: undefined, mask: 0 };
  if (value.length !== 8) return undefined;
  const [, speed, format, flowControl, xon, xoff, maskLow, maskHigh] = value as unknown as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return {
    dlci,
    settings: {
      baudRate: PORT_SPEEDS[speed],
      dataBits: (5 + (format & 0x03)) as PortSettings['dataBits'],
      stopBits: (format & 0x04) === 0 ? 1 : 1.5,
      parity: (format & 0x08) === 0 ? 'none' : (PARITIES[(format >> 4) & 0x03] ?? 'none'),
      flowControl: flowControl & 0x3f,
      xon,
      xoff,
    },
    mask: maskLow | (maskHigh << 8),
  };
}

/** The settings after a command with this mask: what it names, and the rest as before. */
export function applyRemotePort(before: PortSettings, { settings, mask }: RemotePort): PortSettings {
  if (settings === undefined) return before;
  const flowMask = (mask >> 8) & 0x3f;
  const has = (bit: number): boolean => (mask & bit) !== 0;
  const parityIsNew = has(PORT_MASK.parity) || has(PORT_MASK.parityKind);
  return {
    baudRate: has(PORT_MASK.speed) ? settings.baudRate : before.baudRate,
    dataBits: has(PORT_MASK.dataBits) ? settings.dataBits : before.dataBits,
    stopBits: has(PORT_MASK.stopBits) ? settings.stopBits : before.stopBits,
    parity: parityIsNew ? settings.parity : before.parity,
    flowControl: (before.flowControl & ~flowMask) | (settings.flowControl & flowMask),
    xon: has(PORT_MASK.xon) ? settings.xon : before.xon,
    xoff: has(PORT_MASK.xoff) ? settings.xoff : before.xoff,
  };
}
