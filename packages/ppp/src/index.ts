export { AddressPool } from './address-pool.ts';
export { AUTH_PROTOCOLS, type AuthProtocol } from './core/auth-protocol.ts';
export type { Crc32, FrameFormat } from './core/frame-format.ts';
export { FrameDecoder, type FrameDecoderCounters, type FrameDecoderOptions } from './core/frame-decoder.ts';
export { FrameEncoder, maximumFrameBytes } from './core/frame-encoder.ts';
export { CODE, PROTOCOL, protocolName } from './core/protocol-numbers.ts';
export { PPP_PHASES, type PppEndReason, type PppPhase } from './core/session-types.ts';
export type { PppEnd } from './ppp-end.ts';
export type { PppCounters } from './ppp-counters.ts';
export type { PppEvent } from './ppp-event.ts';
export { PppLink } from './ppp-link.ts';
export { INVENTED_PEER_ADDRESS, type PppNetwork } from './ppp-network.ts';
export type {
  PppClientOptions,
  PppCommonOptions,
  PppKeepAlive,
  PppOptions,
  PppServerOptions,
  PppTiming,
} from './ppp-options.ts';
export { dialPpp, type DialPppOptions } from './dial-ppp.ts';
export { PppCall } from './ppp-call.ts';
export type { PppDataCall, PppDialer } from './ppp-dialer.ts';
export { PDP_TYPES, type PdpType } from './prepare-context.ts';
export { StandingPppCall, type StandingPppCallOptions, type StandingPppEvent } from './standing-ppp-call.ts';
