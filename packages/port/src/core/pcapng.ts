import { utf8 } from './utf8.ts';

/** Link types of `LINKTYPE_…` that cellmux writes. */
export const LINK_TYPE = {
  /** USER0: octets as they are; here the text of AT commands. */
  user0: 147,
  /** PPP_WITH_DIR: an octet of direction, then the PPP frame from its address field on. */
  pppWithDirection: 204,
  /** MUX27010: an octet of length of an extended header (0), one of direction, then a frame of 3GPP TS 27.010. */
  mux27010: 236,
} as const;

/** Direction of a packet as `epb_flags` has it, seen from the end that captures. */
export type PacketDirection = 'inbound' | 'outbound';

/** A link of which packets are written. */
export interface InterfaceDescription {
  readonly linkType: number;
  /** `if_name`, at most 200 characters. */
  readonly name: string;
  /** `if_description`, at most 200 characters. */
  readonly description?: string | undefined;
}

/** A packet to write. */
export interface CapturedPacket {
  /** The number of the interface: the first one described is 0. */
  readonly interfaceId: number;
  /** Microseconds since 1970-01-01 UTC. */
  readonly timeUs: number;
  readonly direction: PacketDirection;
  readonly octets: Uint8Array;
  /** `opt_comment`, at most 1000 characters. */
  readonly comment?: string | undefined;
}

// Block types and options of the pcapng format, sections 4.1 to 4.6 of its draft.
const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const INTERFACE_STATISTICS = 5;
const ENHANCED_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const OPT_COMMENT = 1;
const SHB_USERAPPL = 4;
const IF_NAME = 2;
const IF_DESCRIPTION = 3;
const IF_TSRESOL = 9;
const EPB_FLAGS = 2;
const ISB_IFDROP = 5;
const INBOUND = 1;
const OUTBOUND = 2;

/** Writes one block: type, length, body, options, length; everything in units of 32 bits, little-endian. */
class BlockWriter {
  readonly #parts: Uint8Array[] = [];
  #length = 8;

  words(...values: number[]): this {
    const part = new Uint8Array(values.length * 4);
    const view = new DataView(part.buffer);
    values.forEach((value, index) => {
      view.setUint32(index * 4, value, true);
    });
    return this.#add(part);
  }

  octets(octets: Uint8Array): this {
    this.#add(octets);
    const padding = -octets.length & 3;
    return padding === 0 ? this : this.#add(new Uint8Array(padding));
  }

  option(code: number, value: Uint8Array): this {
    return this.words(code | (value.length << 16)).octets(value);
  }

  text(code: number, text: string | undefined, maximum: number): this {
    return text === undefined ? this : this.option(code, utf8(text.slice(0, maximum)));
  }

  block(type: number): Uint8Array {
    const block = new Uint8Array(this.#length + 4);
    const view = new DataView(block.buffer);
    view.setUint32(0, type, true);
    view.setUint32(4, block.length, true);
    let at = 8;
    for (const part of this.#parts) {
      block.set(part, at);
      at += part.length;
    }
    view.setUint32(at, block.length, true);
    return block;
  }

  #add(part: Uint8Array): this {
    this.#parts.push(part);
    this.#length += part.length;
    return this;
  }
}

/** The block that a file begins with. */
export function sectionHeaderBlock(application: string): Uint8Array {
  // Version 1.0, length of the section not given.
  return new BlockWriter()
    .words(BYTE_ORDER_MAGIC, 1, 0xffffffff, 0xffffffff)
    .text(SHB_USERAPPL, application, 200)
    .words(0)
    .block(SECTION_HEADER);
}

/** The block that describes an interface; its packets come after it. Times are in microseconds. */
export function interfaceDescriptionBlock({ linkType, name, description }: InterfaceDescription): Uint8Array {
  return new BlockWriter()
    .words(linkType, 0)
    .text(IF_NAME, name, 200)
    .text(IF_DESCRIPTION, description, 200)
    .option(IF_TSRESOL, new Uint8Array([6]))
    .words(0)
    .block(INTERFACE_DESCRIPTION);
}

/** A packet with its time, direction and comment. */
export function enhancedPacketBlock(packet: CapturedPacket): Uint8Array {
  const { octets, timeUs } = packet;
  return new BlockWriter()
    .words(packet.interfaceId, Math.floor(timeUs / 2 ** 32), timeUs % 2 ** 32, octets.length, octets.length)
    .octets(octets)
    .option(EPB_FLAGS, new Uint8Array([packet.direction === 'inbound' ? INBOUND : OUTBOUND, 0, 0, 0]))
    .text(OPT_COMMENT, packet.comment, 1000)
    .words(0)
    .block(ENHANCED_PACKET);
}

/** How many packets of an interface were not written. */
export function interfaceStatisticsBlock(interfaceId: number, timeUs: number, dropped: number): Uint8Array {
  const count = new Uint8Array(8);
  new DataView(count.buffer).setUint32(0, dropped % 2 ** 32, true);
  new DataView(count.buffer).setUint32(4, Math.floor(dropped / 2 ** 32), true);
  return new BlockWriter()
    .words(interfaceId, Math.floor(timeUs / 2 ** 32), timeUs % 2 ** 32)
    .option(ISB_IFDROP, count)
    .words(0)
    .block(INTERFACE_STATISTICS);
}
