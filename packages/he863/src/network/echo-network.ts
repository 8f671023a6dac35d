import { Subject, type Observable } from 'rxjs';
import { dnsReply } from './dns-reply.ts';
import { internetChecksum, pseudoHeaderSum } from './internet-checksum.ts';
import { parseIpv4, PROTOCOL_ICMP, PROTOCOL_UDP, replyTo, type Ipv4Packet } from './ipv4-packet.ts';
import type { PacketNetwork } from './packet-network.ts';

const ECHO_REQUEST = 8;
const ECHO_REPLY = 0;
const PORT_ECHO = 7;
const PORT_DNS = 53;
const PORT_UNREACHABLE = [3, 3] as const;

/** What an {@link EchoNetwork} has answered and what not. */
export interface EchoNetworkCounters {
  received: number;
  pings: number;
  echoes: number;
  names: number;
  /** Packets that got no answer: damaged, of another version or protocol. */
  ignored: number;
}

/** Options of {@link EchoNetwork}. */
export interface EchoNetworkOptions {
  /** Names that its DNS knows, in lower case; an address with `:port` behind it counts without. */
  readonly hosts?: Readonly<Record<string, string>>;
}

/**
 * A small network of its own: every address answers ICMP echo, UDP echo on port 7 and DNS on port 53; any other UDP
 * port is unreachable. IPv4 only.
 */
export class EchoNetwork implements PacketNetwork {
  readonly packets$: Observable<Uint8Array>;
  readonly counters: EchoNetworkCounters = { received: 0, pings: 0, echoes: 0, names: 0, ignored: 0 };
  readonly #packets$ = new Subject<Uint8Array>();
  readonly #hosts: Readonly<Record<string, string>>;

  constructor({ hosts = {} }: EchoNetworkOptions = {}) {
    this.#hosts = hosts;
    this.packets$ = this.#packets$.asObservable();
  }

  send(packet: Uint8Array): Promise<void> {
    const reply = this.answer(packet);
    if (reply !== undefined) this.#packets$.next(reply);
    return Promise.resolve();
  }

  /** The answer to a packet, undefined where it gets none. */
  answer(bytes: Uint8Array): Uint8Array | undefined {
    this.counters.received += 1;
    const packet = parseIpv4(bytes);
    const reply = packet === undefined ? undefined : this.#answerPacket(packet);
    if (reply === undefined) this.counters.ignored += 1;
    return reply;
  }

  #answerPacket(packet: Ipv4Packet): Uint8Array | undefined {
    if (packet.protocol === PROTOCOL_ICMP) return this.#ping(packet);
    if (packet.protocol !== PROTOCOL_UDP || packet.fragmentOffset > 0 || packet.moreFragments) return undefined;
    return this.#datagram(packet);
  }

  #ping(packet: Ipv4Packet): Uint8Array | undefined {
    const { payload, fragmentOffset, moreFragments } = packet;
    // A later fragment of an echo holds data alone, which goes back as it is.
    if (fragmentOffset > 0) return replyTo(packet, payload);
    if (payload.length < 8 || payload[0] !== ECHO_REQUEST || payload[1] !== 0) return undefined;
    if (!moreFragments && internetChecksum(payload) !== 0) return undefined;
    this.counters.pings += 1;
    const echo = payload.slice();
    echo[0] = ECHO_REPLY;
    // Only the type changes, so the checksum changes by that much (RFC 1624), of a first fragment as well.
    const view = new DataView(echo.buffer);
    const sum = (~view.getUint16(2) & 0xffff) + (~(ECHO_REQUEST << 8) & 0xffff);
    view.setUint16(2, ~((sum & 0xffff) + (sum >>> 16)) & 0xffff);
    return replyTo(packet, echo);
  }

  #datagram(packet: Ipv4Packet): Uint8Array | undefined {
    const { payload, source, destination } = packet;
    if (payload.length < 8) return undefined;
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    const length = view.getUint16(4);
    if (length < 8 || length > payload.length) return undefined;
    const datagram = payload.subarray(0, length);
    const pseudo = pseudoHeaderSum(source, destination, PROTOCOL_UDP, length);
    if (view.getUint16(6) !== 0 && internetChecksum(datagram, pseudo) !== 0) return undefined;
    const data = this.#dataFor(view.getUint16(2), datagram.subarray(8));
    if (data === undefined) return unreachable(packet);
    return replyTo(packet, udp(packet, view.getUint16(2), view.getUint16(0), data));
  }

  #dataFor(port: number, data: Uint8Array): Uint8Array | undefined {
    if (port === PORT_ECHO) {
      this.counters.echoes += 1;
      return data;
    }
    if (port !== PORT_DNS) return undefined;
    this.counters.names += 1;
    return dnsReply(data, (name) => this.#hosts[name]?.replace(/:\d+$/, ''));
  }
}

function udp(packet: Ipv4Packet, sourcePort: number, destinationPort: number, data: Uint8Array): Uint8Array {
  const datagram = new Uint8Array(8 + data.length);
  const view = new DataView(datagram.buffer);
  view.setUint16(0, sourcePort);
  view.setUint16(2, destinationPort);
  view.setUint16(4, datagram.length);
  datagram.set(data, 8);
  const pseudo = pseudoHeaderSum(packet.destination, packet.source, PROTOCOL_UDP, datagram.length);
  // 0 means "no checksum"; a sum of 0 is sent as its other form (RFC 768).
  view.setUint16(6, internetChecksum(datagram, pseudo) || 0xffff);
  return datagram;
}

/** ICMP port unreachable with the header and the first 8 octets that caused it (RFC 792). */
function unreachable(packet: Ipv4Packet): Uint8Array {
  const cause = packet.payload.subarray(0, 8);
  const icmp = new Uint8Array(8 + packet.header.length + cause.length);
  icmp.set(PORT_UNREACHABLE);
  icmp.set(packet.header, 8);
  icmp.set(cause, 8 + packet.header.length);
  new DataView(icmp.buffer).setUint16(2, internetChecksum(icmp));
  const reply = replyTo({ ...packet, header: icmpHeader(packet.header) }, icmp);
  return reply;
}

function icmpHeader(header: Uint8Array): Uint8Array {
  const copy = header.slice();
  copy[9] = PROTOCOL_ICMP;
  return copy;
}
