/** A packet of LCP, IPCP, PAP, CHAP: code, identifier, length, data (RFC 1661 §5). */
export interface ControlPacket {
  readonly code: number;
  readonly identifier: number;
  readonly data: Uint8Array;
}

/** One configuration option (RFC 1661 §6). */
export interface ControlOption {
  readonly type: number;
  readonly data: Uint8Array;
  /**
   * False for what is left of a list from the first option on whose length is impossible: `type` and `data` mean nothing
   * then, and all of it is rejected as it is.
   */
  readonly isWellFormed: boolean;
  /** The octets of the option as received. */
  readonly raw: Uint8Array;
}

/** Reads a control packet; octets behind its length are padding. Undefined where the length is impossible. */
export function parseControlPacket(information: Uint8Array): ControlPacket | undefined {
  if (information.length < 4) return undefined;
  const length = ((information[2] as number) << 8) | (information[3] as number);
  if (length < 4 || length > information.length) return undefined;
  return {
    code: information[0] as number,
    identifier: information[1] as number,
    data: information.subarray(4, length),
  };
}

/** The octets of a control packet. */
export function controlPacket(code: number, identifier: number, data: Uint8Array): Uint8Array {
  const length = data.length + 4;
  const packet = new Uint8Array(length);
  packet[0] = code;
  packet[1] = identifier;
  packet[2] = length >>> 8;
  packet[3] = length & 0xff;
  packet.set(data, 4);
  return packet;
}

/** Reads a list of options; never more than half as many as there are octets. */
export function parseOptions(data: Uint8Array): ControlOption[] {
  const options: ControlOption[] = [];
  let at = 0;
  while (at < data.length) {
    const length = data[at + 1] ?? 0;
    if (length < 2 || at + length > data.length) {
      const raw = data.subarray(at);
      options.push({ type: raw[0] as number, data: raw.subarray(raw.length), isWellFormed: false, raw });
      break;
    }
    const raw = data.subarray(at, at + length);
    options.push({ type: raw[0] as number, data: raw.subarray(2), isWellFormed: true, raw });
    at += length;
  }
  return options;
}

/** One option made of its type and data. */
export function option(type: number, data: Uint8Array | readonly number[] = []): ControlOption {
  const raw = new Uint8Array(data.length + 2);
  raw[0] = type;
  raw[1] = raw.length;
  raw.set(data, 2);
  return { type, data: raw.subarray(2), isWellFormed: true, raw };
}

/** The octets of a list of options. */
export function optionOctets(options: readonly ControlOption[]): Uint8Array {
  let length = 0;
  for (const { raw } of options) length += raw.length;
  const octets = new Uint8Array(length);
  let at = 0;
  for (const { raw } of options) {
    octets.set(raw, at);
    at += raw.length;
  }
  return octets;
}

/** True where both hold the same octets. */
export function sameOctets(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let index = 0; index < one.length; index++) if (one[index] !== other[index]) return false;
  return true;
}

/** A big-endian number of up to four octets, unsigned. */
export function readUnsigned(data: Uint8Array, offset = 0, octets = data.length - offset): number {
  let value = 0;
  for (let index = offset; index < offset + octets; index++) value = value * 256 + (data[index] ?? 0);
  return value;
}

/** The octets of an unsigned number, big-endian. */
export function unsignedOctets(value: number, octets: number): Uint8Array {
  const bytes = new Uint8Array(octets);
  let rest = value;
  for (let index = octets - 1; index >= 0; index--) {
    bytes[index] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return bytes;
}
