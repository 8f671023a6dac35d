const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const ENHANCED_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const IF_TSRESOL = 9;
/** A block of a file that is none of ours may claim any length; a packet of a line is never this long. */
const BLOCK_LIMIT_BYTES = 16 * 1024 * 1024;

/** A packet of a pcapng file. */
export interface CapturedRecord {
  /** `LINKTYPE_…` of its interface: 236 is 3GPP TS 27.010, 204 PPP with direction, 147 USER0. */
  readonly linkType: number;
  /** Seconds since 1970-01-01 UTC. */
  readonly timeS: number;
  readonly octets: Uint8Array;
}

/** What {@link readPcapng} finds. */
export interface PcapngContents {
  readonly records: readonly CapturedRecord[];
  /** Why reading ended before the end of the file, if it did: a file that is still being written ends in the middle. */
  readonly wrong: string | undefined;
}

interface Interface {
  readonly linkType: number;
  readonly ticksPerSecond: number;
}

/** True for octets that begin as a pcapng file does. */
export function isPcapng(file: Uint8Array): boolean {
  return file.length >= 12 && dataView(file).getUint32(0) === SECTION_HEADER;
}

/** Reads the packets of a pcapng file, of either byte order. Blocks of other kinds are passed over. Never throws. */
export function readPcapng(file: Uint8Array): PcapngContents {
  const records: CapturedRecord[] = [];
  const view = dataView(file);
  let littleEndian = true;
  let interfaces: Interface[] = [];
  for (let offset = 0; offset < file.length;) {
    if (offset + 12 > file.length) return { records, wrong: 'it ends within a block' };
    // The type of a section header reads the same in both byte orders, and says which of them follows.
    const isSection = view.getUint32(offset) === SECTION_HEADER;
    if (isSection) {
      littleEndian = view.getUint32(offset + 8, true) === BYTE_ORDER_MAGIC;
      if (!littleEndian && view.getUint32(offset + 8) !== BYTE_ORDER_MAGIC) return { records, wrong: 'no byte order' };
      interfaces = [];
    }
    const type = view.getUint32(offset, littleEndian);
    const length = view.getUint32(offset + 4, littleEndian);
    if (length < 12 || length % 4 !== 0 || length > BLOCK_LIMIT_BYTES)
      return { records, wrong: `a block of ${length}` };
    if (offset + length > file.length) return { records, wrong: 'it ends within a block' };
    const block = file.subarray(offset + 8, offset + length - 4);
    if (type === INTERFACE_DESCRIPTION && block.length >= 8) interfaces.push(readInterface(block, littleEndian));
    if (type === ENHANCED_PACKET && block.length >= 20) {
      const record = readPacket(block, littleEndian, interfaces);
      if (record !== undefined) records.push(record);
    }
    offset += length;
  }
  return { records, wrong: undefined };
}

function readInterface(block: Uint8Array, littleEndian: boolean): Interface {
  const view = dataView(block);
  let ticksPerSecond = 1_000_000;
  for (let at = 8; at + 4 <= block.length;) {
    const code = view.getUint16(at, littleEndian);
    const length = view.getUint16(at + 2, littleEndian);
    if (code === 0) break;
    const value = block[at + 4];
    if (code === IF_TSRESOL && length === 1 && value !== undefined) {
      ticksPerSecond = (value & 0x80) === 0 ? 10 ** value : 2 ** (value & 0x7f);
    }
    at += 4 + Math.ceil(length / 4) * 4;
  }
  return { linkType: view.getUint16(0, littleEndian), ticksPerSecond };
}

function readPacket(
  block: Uint8Array,
  littleEndian: boolean,
  interfaces: readonly Interface[],
): CapturedRecord | undefined {
  const view = dataView(block);
  const { linkType, ticksPerSecond } = interfaces[view.getUint32(0, littleEndian)] ?? {};
  const length = view.getUint32(12, littleEndian);
  if (linkType === undefined || ticksPerSecond === undefined || 20 + length > block.length) return undefined;
  const ticks = view.getUint32(4, littleEndian) * 2 ** 32 + view.getUint32(8, littleEndian);
  return { linkType, timeS: ticks / ticksPerSecond, octets: block.subarray(20, 20 + length) };
}

function dataView(octets: Uint8Array): DataView {
  return new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
}
