import type { PppLink } from '@cellmux/ppp';

/** Adds to a ones' complement checksum. */
function adjust(view: DataView, offset: number, difference: number): void {
  const sum = view.getUint16(offset) + difference;
  view.setUint16(offset, (sum & 0xffff) + (sum >>> 16));
}

/** The answer to an ICMP or ICMPv6 echo request, whoever is asked; undefined for any other packet. */
export function echoReply(packet: Uint8Array): Uint8Array | undefined {
  const reply = packet.slice();
  const view = new DataView(reply.buffer);
  const isIpv4 = packet[0] === 0x45 && packet[9] === 1 && packet[20] === 8;
  const isIpv6 = (packet[0] ?? 0) >>> 4 === 6 && packet[6] === 58 && packet[40] === 128;
  if (isIpv4) {
    reply.set(packet.subarray(12, 16), 16);
    reply.set(packet.subarray(16, 20), 12);
    reply[20] = 0;
    adjust(view, 22, 0x0800);
    return reply;
  }
  if (!isIpv6) return undefined;
  reply.set(packet.subarray(8, 24), 24);
  reply.set(packet.subarray(24, 40), 8);
  reply[40] = 129;
  adjust(view, 42, 0xffff - 0x0100);
  return reply;
}

/** An echo request over IPv4 with this sequence number. */
export function echoRequest(from: string, to: string, sequence: number, octets = 84): Uint8Array {
  const packet = new Uint8Array(octets);
  const view = new DataView(packet.buffer);
  packet.set([0x45, 0, octets >>> 8, octets & 255, 0, 0, 0, 0, 64, 1]);
  packet.set(from.split('.').map(Number), 12);
  packet.set(to.split('.').map(Number), 16);
  packet.set([8, 0, 0, 0, 0x43, 0x4d, sequence >>> 8, sequence & 255], 20);
  for (let index = 28; index < octets; index++) packet[index] = index;
  const checksum = (start: number, end: number): number => {
    let sum = 0;
    for (let index = start; index < end; index += 2) sum += view.getUint16(index);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    return ~sum & 0xffff;
  };
  view.setUint16(22, checksum(20, octets));
  view.setUint16(10, checksum(0, 20));
  return packet;
}

/** Answers pings that arrive on the link, and counts the answers to its own. */
export class EchoHost {
  repliesHeard = 0;
  requestsAnswered = 0;
  readonly #link: PppLink;
  #wake: () => void = () => undefined;

  constructor(link: PppLink) {
    this.#link = link;
    link.packets$.subscribe((packet) => {
      if (packet[0] === 0x45 && packet[9] === 1 && packet[20] === 0) this.repliesHeard++;
      const reply = echoReply(packet);
      if (reply === undefined) return;
      this.requestsAnswered++;
      this.#wake();
      link.send(reply).catch(() => undefined);
    });
  }

  /** Resolves once as many pings of the other side are answered. */
  async answered(count: number): Promise<void> {
    while (this.requestsAnswered < count) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  /** Pings until as many answers have come, or the time is up. */
  async ping(to: string, count: number, octets = 84): Promise<void> {
    const from = this.#link.network?.localAddress ?? '0.0.0.0';
    const end = Date.now() + 10_000;
    for (let sequence = 0; this.repliesHeard < count && Date.now() < end; sequence++) {
      await this.#link.send(echoRequest(from, to, sequence, octets)).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    if (this.repliesHeard < count) throw new Error(`${this.repliesHeard} of ${count} pings were answered`);
  }
}
