import { summarizeLatencies } from '../core/latencies.ts';
import type { EchoOptions, EchoReply, PacketHost } from '../gateway/packet-host.ts';
import type { EchoReport } from './demo-report.ts';

/** Sends one echo and gives its answer. */
export type Echo = (options: EchoOptions) => Promise<EchoReply>;

/** How {@link EchoTraffic} sends. */
export interface EchoTrafficOptions {
  readonly echo: Echo;
  /** Payload lengths in turn; each payload is different. */
  readonly payloadLengths: readonly number[];
  /** Quiet time between an answer and the next echo, milliseconds. */
  readonly gapMs: number;
  /** Echoes under way at the same time. */
  readonly inFlight: number;
}

/** A stream of echoes through PPP, each compared octet for octet with what was sent. */
export class EchoTraffic {
  readonly #options: EchoTrafficOptions;
  readonly #roundTripsMs: number[] = [];
  #sent = 0;
  #verified = 0;
  #lost = 0;
  #payloadBytes = 0;

  constructor(options: EchoTrafficOptions) {
    this.#options = options;
  }

  get report(): EchoReport {
    return {
      sent: this.#sent,
      verified: this.#verified,
      lost: this.#lost,
      payloadBytes: this.#payloadBytes,
      roundTrip: summarizeLatencies(this.#roundTripsMs),
    };
  }

  /** Sends until the signal aborts; the echoes under way then still get their answers. */
  async run(until: AbortSignal): Promise<void> {
    await Promise.all(Array.from({ length: this.#options.inFlight }, () => this.#lane(until)));
  }

  async #lane(until: AbortSignal): Promise<void> {
    const { echo, payloadLengths, gapMs } = this.#options;
    while (!until.aborted) {
      const number = this.#sent++;
      const payload = payloadOf(number, payloadLengths[number % payloadLengths.length] ?? 0);
      try {
        const { roundTripMs } = await echo({ payload });
        this.#roundTripsMs.push(roundTripMs);
        this.#verified++;
        this.#payloadBytes += payload.length;
      } catch {
        this.#lost++;
      }
      if (gapMs > 0) await new Promise((resolve) => setTimeout(resolve, gapMs));
    }
  }
}

/** Octets that differ from packet to packet and hold every value, those that PPP must escape included. */
function payloadOf(number: number, length: number): Uint8Array {
  const payload = new Uint8Array(length);
  for (let index = 0; index < length; index++) payload[index] = (number * 31 + index * (1 + (number % 7))) & 0xff;
  return payload;
}

/** ICMP echoes of three sizes, and UDP echoes of large packets, to the far end of PPP. */
export function pppTraffic(packets: PacketHost, peer: string): { icmp: EchoTraffic; udp: EchoTraffic } {
  return {
    icmp: new EchoTraffic({
      echo: (options) => packets.ping(peer, options),
      payloadLengths: [56, 500, 1400],
      gapMs: 50,
      inFlight: 1,
    }),
    udp: new EchoTraffic({
      echo: (options) => packets.udpEcho(peer, 7, options),
      payloadLengths: [1024, 17, 1200, 1],
      gapMs: 20,
      inFlight: 2,
    }),
  };
}
