import type { LineStatus } from './core/line-status.ts';
import type { LinkEnd } from './core/link-event.ts';
import type { PortSettings } from './core/remote-port.ts';
import type { Services } from './core/service-negotiation.ts';

/** What happens on a multiplexer besides data; emitted on `events$` and on the diagnostics channel `cellmux:cmux:event`. */
export type CmuxEvent =
  /** DLCI 0 is open. */
  | { readonly type: 'up' }
  | { readonly type: 'dlcOpened'; readonly dlci: number; readonly by: 'us' | 'peer' }
  /** The peer sent SABM on an open DLC, or the error-recovery mode began anew. */
  | { readonly type: 'dlcRestarted'; readonly dlci: number }
  | { readonly type: 'dlcClosed'; readonly dlci: number; readonly by: 'us' | 'peer' | 'link' }
  /** FCoff (`true`) or FCon (`false`) arrived. */
  | { readonly type: 'dataStopped'; readonly stopped: boolean }
  /** RPN: the peer set what port a DLC stands for. */
  | { readonly type: 'portSettings'; readonly dlci: number; readonly settings: PortSettings }
  /** RLS: an error on the port behind a DLC. */
  | { readonly type: 'lineStatus'; readonly status: LineStatus }
  /** SNC. */
  | { readonly type: 'services'; readonly dlci: number; readonly services: Services }
  /**
   * The module has sent plain text where frames were due, its boot text perhaps. It is then asked with Test whether it is
   * still in the multiplexer; without an answer the link ends as `moduleLeft`.
   */
  | { readonly type: 'moduleText'; readonly text: string }
  /** PSC was agreed on, or the lines are in use again. */
  | { readonly type: 'power'; readonly state: 'awake' | 'asleep' }
  /** The link is over. */
  | { readonly type: 'ended'; readonly reason: CmuxEndReason };

/** Why a multiplexer is over. */
export type CmuxEndReason = LinkEnd | 'lineLost';

/** How a multiplexer ended. */
export interface CmuxEnd {
  readonly reason: CmuxEndReason;
  /** What the line failed with, where it did. */
  readonly error?: unknown;
}
