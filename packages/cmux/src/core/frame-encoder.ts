import { CONTROL, POLL_FINAL } from './control-field.ts';
import { FCS_START, FCS_TABLE } from './fcs.ts';
import { ESCAPE, FLAG_ADVANCED, FLAG_BASIC } from './limits.ts';
import { WordView } from './word-view.ts';

/** XON and XOFF, with and without bit 8: what links with software flow control may swallow. */
const FLOW_OCTETS: readonly number[] = [0x11, 0x13, 0x91, 0x93];

const SHORT_OCTETS = 16;
const NO_WORDS: DataView = new DataView(new ArrayBuffer(0));

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
 * Writes frames of the advanced option. Flags and escapes are escaped wherever they stand, in address, control and FCS
 * too; with `softwareFlow` XON and XOFF are as well, with bit 8 either way (§5.2.7.2).
 */
export class AdvancedEncoder {
  readonly #softwareFlow: boolean;
  readonly #escaped: Uint8Array;
  readonly #outWords = new WordView();
  readonly #infoWords = new WordView();

  constructor(softwareFlow = false) {
    this.#softwareFlow = softwareFlow;
    this.#escaped = softwareFlow ? ESCAPED_WITH_FLOW : ESCAPED;
  }

  /**
   * Writes one frame, both flags included, at `out[offset]`, and gives the offset behind it. `out` must have room for
   * {@link advancedFrameLimit}. Fastest where the arrays are those of the call before.
   */
  encode(
    out: Uint8Array,
    offset: number,
    address: number,
    control: number,
    info: Uint8Array,
    start: number,
    end: number,
  ): number {
    const escaped = this.#escaped;
    let register = FCS_TABLE[FCS_START ^ address] as number;
    register = FCS_TABLE[register ^ control] as number;
    if ((control & ~POLL_FINAL) !== CONTROL.UIH) {
      for (let index = start; index < end; index++) register = FCS_TABLE[register ^ (info[index] as number)] as number;
    }
    let at = offset;
    out[at++] = FLAG_ADVANCED;
    at = putStuffed(out, at, address, escaped);
    at = putStuffed(out, at, control, escaped);
    at = this.#stuff(out, at, info, start, end);
    at = putStuffed(out, at, register ^ 0xff, escaped);
    out[at++] = FLAG_ADVANCED;
    return at;
  }

  /** The information field: eight octets at a time where none of them must be escaped, which is nearly always. */
  #stuff(out: Uint8Array, offset: number, info: Uint8Array, start: number, end: number): number {
    const escaped = this.#escaped;
    const softwareFlow = this.#softwareFlow;
    // A message of few octets is not worth its views.
    const lastWords = end - start < SHORT_OCTETS ? -1 : end - 8;
    const outWords = lastWords < 0 ? NO_WORDS : this.#outWords.of(out);
    const infoWords = lastWords < 0 ? NO_WORDS : this.#infoWords.of(info);
    let at = offset;
    let index = start;
    while (index < end) {
      if (index <= lastWords) {
        const first = infoWords.getInt32(index, true);
        const second = infoWords.getInt32(index + 4, true);
        // The tests of AdvancedDeframer: octets 7C to 7F, flag and escape among them, become nought, and so on.
        const one = (first & -0x03030304) ^ 0x7c7c7c7c;
        const other = (second & -0x03030304) ^ 0x7c7c7c7c;
        let special = ((one - 0x01010101) & ~one) | ((other - 0x01010101) & ~other);
        if (softwareFlow) {
          const flow = (first & 0x7d7d7d7d) ^ 0x11111111;
          const more = (second & 0x7d7d7d7d) ^ 0x11111111;
          special |= ((flow - 0x01010101) & ~flow) | ((more - 0x01010101) & ~more);
        }
        if ((special & -0x7f7f7f80) === 0) {
          outWords.setInt32(at, first, true);
          outWords.setInt32(at + 4, second, true);
          at += 8;
          index += 8;
          continue;
        }
      }
      for (const upTo = Math.min(index + 8, end); index < upTo; index++) {
        const octet = info[index] as number;
        if (escaped[octet] === 0) {
          out[at++] = octet;
        } else {
          out[at++] = ESCAPE;
          out[at++] = octet ^ 0x20;
        }
      }
    }
    return at;
  }
}

/** One frame by an {@link AdvancedEncoder} of its own; see there. */
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
  return new AdvancedEncoder(softwareFlow).encode(out, offset, address, control, info, start, end);
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
