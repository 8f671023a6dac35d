import type { AuthLimits, Credentials } from './authentication.ts';
import type { AuthProtocol } from './auth-protocol.ts';
import type { NegotiationLimits } from './negotiation-limits.ts';
import type { Crc32 } from './frame-format.ts';
import type { IpcpConfiguration } from './ipcp-options.ts';

/** The phases of a link (RFC 1661 §3.2); `running` is the network-layer phase with IP up. */
export const PPP_PHASES = ['dead', 'establish', 'authenticate', 'network', 'running', 'terminate'] as const;
export type PppPhase = (typeof PPP_PHASES)[number];

/** Why a session ended. */
export type PppEndReason =
  /** `close()` was called here. */
  | 'closedHere'
  /** The peer sent a Terminate-Request. */
  | 'closedByPeer'
  /** Name and password were refused, by either side. */
  | 'authFailed'
  /** The peer did not want to authenticate, or not in a way that is allowed here. */
  | 'authRefused'
  /** Nothing that was an answer came in time. */
  | 'noAnswer'
  /** Our own packets came back: the line is looped, or the modem echoes because it is in command mode. */
  | 'loopback'
  /** The two ends cannot agree on options. */
  | 'noAgreement'
  /** No IP address was given, or the peer does no IP. */
  | 'networkFailed'
  /** The call is gone: `NO CARRIER`, DCD, or the port itself. */
  | 'carrierLost'
  /** Echo-Requests got no answer. */
  | 'silence';

/** How a session ended. */
export interface SessionEnd {
  readonly reason: PppEndReason;
  /** What the peer or the modem said about it, or what was missing; may be empty. */
  readonly text: string;
  /** The phase in which it began to end. */
  readonly phase: PppPhase;
}

/** What both ends agreed on for IP. */
export interface NetworkAgreement {
  /** Set while IPCP is open: addresses as numbers. */
  readonly ipv4?: {
    readonly localAddress: number;
    readonly peerAddress: number | undefined;
    readonly dns: readonly number[];
  };
  /** Set while IPV6CP is open: interface identifiers of eight octets. */
  readonly ipv6?: { readonly localIdentifier: Uint8Array; readonly peerIdentifier: Uint8Array };
  /** The longest packet for the peer. */
  readonly mtu: number;
}

/** What a session reports. */
export type SessionEvent =
  | { readonly type: 'phase'; readonly phase: PppPhase }
  | {
      readonly type: 'lcpUp';
      readonly mtu: number;
      readonly sendAccm: number;
      readonly receiveAccm: number;
      readonly pfc: boolean;
      readonly acfc: boolean;
      readonly fcs32: boolean;
    }
  | {
      readonly type: 'authenticated';
      readonly by: 'peer' | 'us';
      readonly protocol: AuthProtocol;
      readonly user: string | undefined;
      readonly message: string;
    }
  | { readonly type: 'networkUp'; readonly network: NetworkAgreement }
  | { readonly type: 'networkChanged'; readonly network: NetworkAgreement }
  | { readonly type: 'networkDown' }
  | { readonly type: 'protocolRejected'; readonly protocol: number; readonly by: 'peer' | 'us' }
  | { readonly type: 'identification'; readonly text: string }
  | { readonly type: 'timeRemaining'; readonly seconds: number; readonly text: string }
  | { readonly type: 'peerTerminates'; readonly text: string }
  | { readonly type: 'echoReply'; readonly roundTripMs: number }
  | { readonly type: 'echoMissed'; readonly count: number }
  | { readonly type: 'modemText'; readonly text: string }
  | { readonly type: 'ended'; readonly end: SessionEnd };

/** Counters of a session beyond those of its framing. */
export interface SessionCounters {
  /** Packets of a protocol that the phase has no use for (RFC 1661 §3.4, §3.5). */
  droppedByPhase: number;
  /** IP packets received and delivered, and their octets. */
  packetsReceived: number;
  packetBytesReceived: number;
  protocolRejectsSent: number;
}

/** Adaptive keep-alive. */
export interface EchoConfiguration {
  readonly intervalMs: number;
  /** Unanswered Echo-Requests after which the link counts as dead. */
  readonly failures: number;
  /** Send an Echo-Request only where nothing was received since the last tick. */
  readonly adaptive: boolean;
}

/** Everything that a session must know. */
export interface SessionConfiguration {
  readonly mru: number;
  /** The longest packet ever sent, whatever the peer can take. */
  readonly mtuLimit: number;
  readonly accm: number;
  readonly magicNumber: boolean;
  readonly pfc: boolean;
  readonly acfc: boolean;
  readonly crc32: Crc32 | undefined;
  readonly credentials: Credentials;
  /** Our name in CHAP challenges. */
  readonly authenticatorName: string;
  readonly acceptAuth: readonly AuthProtocol[];
  readonly demandAuth: readonly AuthProtocol[];
  readonly ipv4: IpcpConfiguration | undefined;
  readonly ipv6: { readonly identifier: Uint8Array | undefined } | undefined;
  readonly lcpLimits: NegotiationLimits;
  readonly networkLimits: NegotiationLimits;
  readonly authLimits: AuthLimits;
  /** A new CHAP challenge this often while the link is up; 0 for never. */
  readonly rechallengeMs: number;
  readonly establishTimeoutMs: number;
  readonly authTimeoutMs: number;
  readonly networkTimeoutMs: number;
  readonly echo: EchoConfiguration | undefined;
  /** Wait for the peer to speak first, and for ever. */
  readonly passive: boolean;
  /** Take `NO CARRIER` and its like between frames as the end of the call. */
  readonly watchModemText: boolean;
}

/** What a session needs from the shell around it. */
export interface SessionHost {
  random(octets: number): Uint8Array;
  /** A frame to be sent, complete with flags; the octets are the receiver's for good. */
  transmit(frame: Uint8Array): void;
  /** A packet for the network layer. */
  deliver(packet: Uint8Array): void;
  secretOf(user: string, answer: (secret: string | undefined) => void): void;
  /** Each frame, unescaped and without FCS. */
  onFrame: ((direction: 'sent' | 'received', frame: Uint8Array) => void) | undefined;
}
