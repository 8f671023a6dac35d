import { FCS16_INITIAL, fcs16 } from './fcs16.ts';
import { ADDRESS, CONTROL, DEFAULT_FORMAT, ESCAPE, FLAG, TRANSPARENCY, type FrameFormat } from './frame-format.ts';

/** From this many octets on, whole runs between two escapes are copied instead of looking at each octet. */
const RUN_COPY_BYTES = 96;

/** Octets that the frame of `informationBytes` can take at most: everything escaped, two flags. */
export function maximumFrameBytes(informationBytes: number): number {
  return 2 * (informationBytes + 8) + 2;
}

/** 1 for octets that must be escaped towards a peer with this ACCM. */
function escapeMap(accm: number): Uint8Array {
  const map = new Uint8Array(256);
  for (let octet = 0; octet < 32; octet++) map[octet] = (accm >>> octet) & 1;
  map[FLAG] = 1;
  map[ESCAPE] = 1;
  return map;
}

/** Puts packets into frames of one format (RFC 1662 §3, §4). */
export class FrameEncoder {
  readonly format: FrameFormat;
  readonly #map: Uint8Array;
  readonly #header = new Uint8Array(4);
  readonly #trailer = new Uint8Array(4);

  constructor(format: FrameFormat = DEFAULT_FORMAT) {
    this.format = format;
    this.#map = escapeMap(format.accm);
  }

  /**
   * Writes one frame into `target` at `offset`, which must have room for {@link maximumFrameBytes}, and gives the
   * offset behind it. Without `openingFlag` the closing flag of the frame just before serves as the opening one.
   */
  encode(protocol: number, information: Uint8Array, target: Uint8Array, offset: number, openingFlag = true): number {
    const { pfc, acfc, crc32 } = this.format;
    const header = this.#header;
    let headerBytes = 0;
    if (!acfc) {
      header[0] = ADDRESS;
      header[1] = CONTROL;
      headerBytes = 2;
    }
    if (!pfc || protocol > 0xff) header[headerBytes++] = protocol >>> 8;
    header[headerBytes++] = protocol & 0xff;

    const trailer = this.#trailer;
    let trailerBytes = 2;
    if (crc32 === undefined) {
      const fcs = ~fcs16(fcs16(FCS16_INITIAL, header, 0, headerBytes), information);
      trailer[0] = fcs & 0xff;
      trailer[1] = (fcs >>> 8) & 0xff;
    } else {
      const fcs = crc32(information, crc32(header.subarray(0, headerBytes)));
      trailer[0] = fcs & 0xff;
      trailer[1] = (fcs >>> 8) & 0xff;
      trailer[2] = (fcs >>> 16) & 0xff;
      trailer[3] = fcs >>> 24;
      trailerBytes = 4;
    }

    let at = offset;
    if (openingFlag) target[at++] = FLAG;
    at = escapeOctets(header, headerBytes, this.#map, target, at);
    at =
      this.format.accm === 0 && information.length >= RUN_COPY_BYTES
        ? escapeRuns(information, target, at)
        : escapeOctets(information, information.length, this.#map, target, at);
    at = escapeOctets(trailer, trailerBytes, this.#map, target, at);
    target[at++] = FLAG;
    return at;
  }
}

function escapeOctets(from: Uint8Array, length: number, map: Uint8Array, target: Uint8Array, offset: number): number {
  let at = offset;
  for (let index = 0; index < length; index++) {
    const octet = from[index] as number;
    if (map[octet] === 0) target[at++] = octet;
    else {
      target[at] = ESCAPE;
      target[at + 1] = octet ^ TRANSPARENCY;
      at += 2;
    }
  }
  return at;
}

/** With ACCM 0 only two octets of 256 are escaped: runs of 128 on random data. */
function escapeRuns(from: Uint8Array, target: Uint8Array, offset: number): number {
  let at = offset;
  let start = 0;
  let nextFlag = from.indexOf(FLAG);
  let nextEscape = from.indexOf(ESCAPE);
  if (nextFlag < 0) nextFlag = from.length;
  if (nextEscape < 0) nextEscape = from.length;
  for (;;) {
    const end = nextFlag < nextEscape ? nextFlag : nextEscape;
    target.set(start === 0 && end === from.length ? from : from.subarray(start, end), at);
    at += end - start;
    if (end === from.length) return at;
    target[at] = ESCAPE;
    target[at + 1] = (from[end] as number) ^ TRANSPARENCY;
    at += 2;
    start = end + 1;
    if (end === nextFlag) {
      nextFlag = from.indexOf(FLAG, start);
      if (nextFlag < 0) nextFlag = from.length;
    } else {
      nextEscape = from.indexOf(ESCAPE, start);
      if (nextEscape < 0) nextEscape = from.length;
    }
  }
}
