import { CONTROL, POLL_FINAL } from './control-field.ts';
import { FCS_START, FCS_TABLE } from './fcs.ts';
import { ESCAPE, FLAG_ADVANCED, FLAG_BASIC } from './limits.ts';

/** XON and XOFF, with and without bit 8: what links with software flow control may swallow. */
const FLOW_OCTETS: readonly number[] = [0x11, 0x13, 0x91, 0x93];

/** Octets around the information field of a basic frame: two flags, address, control, two of length, FCS. */
export const BASIC_OVERHEAD = 7;

/** The most octets that {@link encodeAdvanced} writes for an information field of this length: all of it escaped. */
export function advancedFrameLimit(infoLength: number): number {
  return 2 + 2 * (infoLength + 3);
}

/** The address octet: EA = 1, C/R, DLCI (§5.2.1.2). */
export function addressOf(dlci: number, commandResponse: 0 | 1): number {
  return (dlci << 2) | (commandResponse << 1) | 1;
}

function copy(from: Uint8Array, start: number, end: number, to: Uint8Array, offset: number): void {
  // A view costs as much as copying some 48 octets one by one (measured on Node 20).
  if (end - start > 48) {
    to.set(from.subarray(start, end), offset);
    return;
  }
  for (let index = start, at = offset; index < end; index++, at++) to[at] = from[index] as number;
}

/**
 * Writes one frame of the basic option, both flags included, at `out[offset]`, and gives the offset behind it. The
 * information field is `info[start]` to `info[end - 1]`, at most 32767 octets. `out` must have room for
 * {@link BASIC_OVERHEAD} octets more than that.
 */
export function encodeBasic(
  out: Uint8Array,
  offset: number,
  address: number,
  control: number,
  info: Uint8Array,
  start: number,
  end: number,
): number {
  const at = openBasic(out, offset, address, control, end - start);
  copy(info, start, end, out, at);
  return closeBasic(out, offset, at + end - start);
}

/** One frame of the basic option as an array of its own. */
export function encodeBasicFrame(
  address: number,
  control: number,
  info: Uint8Array,
  start = 0,
  end: number = info.length,
): Uint8Array {
  const out = new Uint8Array(end - start + BASIC_OVERHEAD);
  return out.subarray(0, encodeBasic(out, 0, address, control, info, start, end));
}

/** Writes flag, address, control and length of a basic frame; gives the offset of its information field. */
export function openBasic(out: Uint8Array, offset: number, address: number, control: number, length: number): number {
  out[offset] = FLAG_BASIC;
  out[offset + 1] = address;
  out[offset + 2] = control;
  if (length < 128) {
    out[offset + 3] = (length << 1) | 1;
    return offset + 4;
  }
  out[offset + 3] = (length & 0x7f) << 1;
  out[offset + 4] = length >> 7;
  return offset + 5;
}

/** Writes FCS and flag of the basic frame that {@link openBasic} began at `offset`; gives the offset behind it. */
export function closeBasic(out: Uint8Array, offset: number, infoEnd: number): number {
  const control = out[offset + 2] as number;
  let register = FCS_TABLE[FCS_START ^ (out[offset + 1] as number)] as number;
  register = FCS_TABLE[register ^ control] as number;
  const lengthOctet = out[offset + 3] as number;
  register = FCS_TABLE[register ^ lengthOctet] as number;
  const twoOctets = (lengthOctet & 1) === 0;
  if (twoOctets) register = FCS_TABLE[register ^ (out[offset + 4] as number)] as number;
  if ((control & ~POLL_FINAL) !== CONTROL.UIH) {
    for (let at = offset + (twoOctets ? 5 : 4); at < infoEnd; at++)
      register = FCS_TABLE[register ^ (out[at] as number)] as number;
  }
  out[infoEnd] = register ^ 0xff;
  out[infoEnd + 1] = FLAG_BASIC;
  return infoEnd + 2;
}

/**
 * Writes one frame of the advanced option, both flags included, at `out[offset]`, and gives the offset behind it. Flags
 * and escapes are escaped wherever they stand, in address, control and FCS too; with `softwareFlow` XON and XOFF are as
 * well, with bit 8 either way (§5.2.7.2). `out` must have room for {@link advancedFrameLimit}.
 */
export function encodeAdvanced(
  out: Uint8Array,
  offset: number,
  address: number,
  control: number,
  info: Uint8Array,
  start: number,
  end: number,
  softwareFlow = false,
): number {
  const escaped = softwareFlow ? ESCAPED_WITH_FLOW : ESCAPED;
  let register = FCS_TABLE[FCS_START ^ address] as number;
  register = FCS_TABLE[register ^ control] as number;
  if ((control & ~POLL_FINAL) !== CONTROL.UIH) {
    for (let index = start; index < end; index++) register = FCS_TABLE[register ^ (info[index] as number)] as number;
  }
  let at = offset;
  out[at++] = FLAG_ADVANCED;
  at = putStuffed(out, at, address, escaped);
  at = putStuffed(out, at, control, escaped);
  for (let index = start; index < end; index++) {
    const octet = info[index] as number;
    if (escaped[octet] === 0) {
      out[at++] = octet;
    } else {
      out[at++] = ESCAPE;
      out[at++] = octet ^ 0x20;
    }
  }
  at = putStuffed(out, at, register ^ 0xff, escaped);
  out[at++] = FLAG_ADVANCED;
  return at;
}

function putStuffed(out: Uint8Array, at: number, octet: number, escaped: Uint8Array): number {
  if (escaped[octet] === 0) {
    out[at] = octet;
    return at + 1;
  }
  out[at] = ESCAPE;
  out[at + 1] = octet ^ 0x20;
  return at + 2;
}

function escapes(octets: readonly number[]): Uint8Array {
  const table = new Uint8Array(256);
  for (const octet of [FLAG_ADVANCED, ESCAPE, ...octets]) table[octet] = 1;
  return table;
}

const ESCAPED = escapes([]);
const ESCAPED_WITH_FLOW = escapes(FLOW_OCTETS);
