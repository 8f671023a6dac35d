import { internetChecksum } from './internet-checksum.ts';

/** An IPv4 packet (RFC 791), its parts as views of it. */
export interface Ipv4Packet {
  readonly header: Uint8Array;
  readonly payload: Uint8Array;
  readonly protocol: number;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  /** In octets. */
  readonly fragmentOffset: number;
  readonly moreFragments: boolean;
}

/** ICMP and UDP. */
export const PROTOCOL_ICMP = 1;
export const PROTOCOL_UDP = 17;

/** Reads a packet; undefined where it is none, is cut short, or its header checksum is wrong. */
export function parseIpv4(packet: Uint8Array): Ipv4Packet | undefined {
  const first = packet[0];
  if (first === undefined || first >> 4 !== 4) return undefined;
  const headerLength = (first & 0x0f) * 4;
  if (headerLength < 20 || packet.length < headerLength) return undefined;
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const totalLength = view.getUint16(2);
  if (totalLength < headerLength || totalLength > packet.length) return undefined;
  const header = packet.subarray(0, headerLength);
  if (internetChecksum(header) !== 0) return undefined;
  const flags = view.getUint16(6);
  return {
    header,
    payload: packet.subarray(headerLength, totalLength),
    protocol: view.getUint8(9),
    source: packet.subarray(12, 16),
    destination: packet.subarray(16, 20),
    fragmentOffset: (flags & 0x1fff) * 8,
    moreFragments: (flags & 0x2000) !== 0,
  };
}

/** A packet back to where one came from, with its header but for addresses, TTL, length and checksum. */
export function replyTo(packet: Ipv4Packet, payload: Uint8Array): Uint8Array {
  const { header } = packet;
  const reply = new Uint8Array(header.length + payload.length);
  reply.set(header);
  reply.set(packet.destination, 12);
  reply.set(packet.source, 16);
  reply.set(payload, header.length);
  const view = new DataView(reply.buffer);
  view.setUint16(2, reply.length);
  view.setUint8(8, 64);
  view.setUint16(10, 0);
  view.setUint16(10, internetChecksum(reply.subarray(0, header.length)));
  return reply;
}

/** The four octets of an address in dotted form; undefined where the text is none. */
export function parseAddress(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255)) return undefined;
  return Uint8Array.from(parts, Number);
}
