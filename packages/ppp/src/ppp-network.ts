import { formatIpv4 } from './core/ipv4-address.ts';
import type { NetworkAgreement } from './core/session-types.ts';

/** The peer's address where it names none, as many modules do: nobody's, and only a name for the far end. */
export const INVENTED_PEER_ADDRESS = '10.64.64.64';

/** What both ends agreed on. */
export interface PppNetwork {
  /** Our IPv4 address; `0.0.0.0` where only IPv6 came up. */
  readonly localAddress: string;
  /** The peer's IPv4 address; {@link INVENTED_PEER_ADDRESS} where it named none. */
  readonly peerAddress: string;
  /** True where the peer named no address. */
  readonly isPeerAddressInvented: boolean;
  /** Name servers, none to two; empty where the network gave none. */
  readonly dns: readonly string[];
  /** The longest packet that can be sent, in octets. */
  readonly mtu: number;
  /** Set where IPV6CP is open. The prefix of a global address comes in a Router Advertisement over the link. */
  readonly ipv6?: {
    /** Link-local address made of our interface identifier. */
    readonly localAddress: string;
    readonly peerAddress: string;
    readonly localIdentifier: Uint8Array;
    readonly peerIdentifier: Uint8Array;
  };
}

/** Puts an agreement into words. */
export function describeNetwork({ ipv4, ipv6, mtu }: NetworkAgreement): PppNetwork {
  return {
    localAddress: formatIpv4(ipv4?.localAddress ?? 0),
    peerAddress: ipv4?.peerAddress === undefined ? INVENTED_PEER_ADDRESS : formatIpv4(ipv4.peerAddress),
    isPeerAddressInvented: ipv4?.peerAddress === undefined,
    dns: (ipv4?.dns ?? []).map(formatIpv4),
    mtu,
    ...(ipv6 === undefined
      ? {}
      : {
          ipv6: {
            localAddress: linkLocal(ipv6.localIdentifier),
            peerAddress: linkLocal(ipv6.peerIdentifier),
            localIdentifier: ipv6.localIdentifier,
            peerIdentifier: ipv6.peerIdentifier,
          },
        }),
  };
}

/** fe80::/64 with an interface identifier, in the shortest form (RFC 5952). */
function linkLocal(identifier: Uint8Array): string {
  const words = [0, 2, 4, 6].map((at) => ((identifier[at] as number) << 8) | (identifier[at + 1] as number));
  const first = words.findIndex((word) => word !== 0);
  return first < 0
    ? 'fe80::'
    : `fe80::${words
        .slice(first)
        .map((word) => word.toString(16))
        .join(':')}`;
}
