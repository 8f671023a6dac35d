import { internetChecksum } from './checksum.ts';
import { formatIpv4, parseIpv4 } from './ip-address.ts';

const PROTOCOL_ICMP = 1;
const PROTOCOL_UDP = 17;
const IPV4_HEADER_BYTES = 20;
const ICMP_ECHO_REPLY = 0;
const ICMP_ECHO_REQUEST = 8;

/** Where a packet comes from and where it goes, dotted decimal. */
export interface Ipv4Ends {
  readonly source: string;
  readonly destination: string;
}

/** An ICMP echo request or reply (RFC 792). */
export interface IcmpEcho extends Ipv4Ends {
  readonly kind: 'echoRequest' | 'echoReply';
  /** 0 to 65535; with `sequence`, what pairs a reply with its request. */
  readonly identifier: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/** A UDP datagram (RFC 768). */
export interface UdpDatagram extends Ipv4Ends {
  readonly kind: 'udp';
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly payload: Uint8Array;
}

/** What {@link decodeIpPacket} makes of a packet. */
export type IpPacket =
  | IcmpEcho
  | UdpDatagram
  | { readonly kind: 'other'; readonly why: string }
  | { readonly kind: 'damaged'; readonly why: string };

/**
 * The octets of an IPv4 packet (RFC 791) with an ICMP echo or a UDP datagram in it, checksums set, not to be fragmented.
 * `identification` is the header's; 0 suits packets that are never fragmented (RFC 6864 §4.1).
 */
export function encodeIpPacket(packet: IcmpEcho | UdpDatagram, identification = 0): Uint8Array {
  const bytes = new Uint8Array(IPV4_HEADER_BYTES + 8 + packet.payload.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x45, 0]);
  view.setUint16(2, bytes.length);
  view.setUint16(4, identification);
  view.setUint16(6, 0x4000);
  bytes[8] = 64;
  bytes[9] = packet.kind === 'udp' ? PROTOCOL_UDP : PROTOCOL_ICMP;
  bytes.set(parseIpv4(packet.source) ?? [0, 0, 0, 0], 12);
  bytes.set(parseIpv4(packet.destination) ?? [0, 0, 0, 0], 16);
  view.setUint16(10, internetChecksum(bytes.subarray(0, IPV4_HEADER_BYTES)));

  const body = bytes.subarray(IPV4_HEADER_BYTES);
  body.set(packet.payload, 8);
  if (packet.kind === 'udp') {
    view.setUint16(20, packet.sourcePort);
    view.setUint16(22, packet.destinationPort);
    view.setUint16(24, body.length);
    // 0 on the wire means "no checksum", so a sum of 0 is sent as its other spelling (RFC 768).
    view.setUint16(26, internetChecksum(body, pseudoHeaderSum(bytes, body.length)) || 0xffff);
  } else {
    bytes[20] = packet.kind === 'echoRequest' ? ICMP_ECHO_REQUEST : ICMP_ECHO_REPLY;
    view.setUint16(24, packet.identifier);
    view.setUint16(26, packet.sequence);
    view.setUint16(22, internetChecksum(body));
  }
  return bytes;
}

/** Reads a packet from a link. Never throws; whatever is not sound is `damaged`, whatever is not ours is `other`. */
export function decodeIpPacket(bytes: Uint8Array): IpPacket {
  if (bytes.length < IPV4_HEADER_BYTES) return { kind: 'damaged', why: `only ${bytes.length} octets` };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const first = bytes[0] ?? 0;
  if (first >> 4 !== 4) return { kind: 'other', why: `IP version ${first >> 4}` };
  const headerBytes = (first & 0x0f) * 4;
  const totalBytes = view.getUint16(2);
  if (headerBytes < IPV4_HEADER_BYTES || totalBytes < headerBytes || totalBytes > bytes.length) {
    return { kind: 'damaged', why: `header of ${headerBytes}, total of ${totalBytes}, packet of ${bytes.length}` };
  }
  if (internetChecksum(bytes.subarray(0, headerBytes)) !== 0) return { kind: 'damaged', why: 'header checksum' };
  if ((view.getUint16(6) & 0x3fff) !== 0) return { kind: 'other', why: 'a fragment' };

  const body = bytes.subarray(headerBytes, totalBytes);
  const protocol = bytes[9] ?? 0;
  const ends = { source: formatIpv4(bytes.subarray(12, 16)), destination: formatIpv4(bytes.subarray(16, 20)) };
  if (protocol === PROTOCOL_ICMP) return decodeIcmp(body, ends);
  if (protocol === PROTOCOL_UDP) return decodeUdp(bytes, body, ends);
  return { kind: 'other', why: `protocol ${protocol}` };
}

function decodeIcmp(body: Uint8Array, ends: Ipv4Ends): IpPacket {
  if (body.length < 8) return { kind: 'damaged', why: 'ICMP shorter than its header' };
  if (internetChecksum(body) !== 0) return { kind: 'damaged', why: 'ICMP checksum' };
  const type = body[0] ?? 0;
  if (type !== ICMP_ECHO_REQUEST && type !== ICMP_ECHO_REPLY) return { kind: 'other', why: `ICMP type ${type}` };
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  return {
    kind: type === ICMP_ECHO_REQUEST ? 'echoRequest' : 'echoReply',
    ...ends,
    identifier: view.getUint16(4),
    sequence: view.getUint16(6),
    payload: body.slice(8),
  };
}

function decodeUdp(packet: Uint8Array, body: Uint8Array, ends: Ipv4Ends): IpPacket {
  if (body.length < 8) return { kind: 'damaged', why: 'UDP shorter than its header' };
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const length = view.getUint16(4);
  if (length < 8 || length > body.length) return { kind: 'damaged', why: `UDP length ${length} of ${body.length}` };
  const datagram = body.subarray(0, length);
  if (view.getUint16(6) !== 0 && internetChecksum(datagram, pseudoHeaderSum(packet, length)) !== 0) {
    return { kind: 'damaged', why: 'UDP checksum' };
  }
  return {
    kind: 'udp',
    ...ends,
    sourcePort: view.getUint16(0),
    destinationPort: view.getUint16(2),
    payload: datagram.slice(8),
  };
}

/** The running sum of UDP's pseudo header (RFC 768): both addresses, the protocol and the length. */
function pseudoHeaderSum(packet: Uint8Array, udpBytes: number): number {
  let sum = PROTOCOL_UDP + udpBytes;
  for (let index = 12; index < 20; index += 2) sum += ((packet[index] ?? 0) << 8) | (packet[index + 1] ?? 0);
  return sum;
}
