import type { SessionEvent } from './core/session-types.ts';
import type { PppEnd } from './ppp-end.ts';
import type { PppNetwork } from './ppp-network.ts';

/** What happens on a link, besides packets. */
export type PppEvent =
  | Exclude<SessionEvent, { type: 'networkUp' | 'networkChanged' | 'ended' }>
  | { readonly type: 'networkUp' | 'networkChanged'; readonly network: PppNetwork }
  | { readonly type: 'ended'; readonly end: PppEnd };
