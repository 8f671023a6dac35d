import type { LineStatus } from './line-status.ts';
import type { ModemStatus } from './modem-status.ts';
import type { PortSettings } from './remote-port.ts';
import type { Services } from './service-negotiation.ts';

/** How a link ended. */
export type LinkEnd =
  /** This end closed it, and the peer agreed. */
  | 'closed'
  /** This end closed it, and the peer did not answer. */
  | 'closedUnanswered'
  /** The peer closed it. */
  | 'closedByPeer'
  /** The peer answers no more. */
  | 'linkLost'
  /** The peer sent plain text and then answered no more: it has restarted, or has left the multiplexer. */
  | 'moduleLeft';

/** What the connection core tells its shell, in the order in which it happened. */
export type LinkEvent =
  | { readonly type: 'data'; readonly dlci: number; readonly bytes: Uint8Array }
  | { readonly type: 'signals'; readonly dlci: number; readonly status: ModemStatus }
  | { readonly type: 'up' }
  | { readonly type: 'dlcOpened'; readonly dlci: number; readonly by: 'us' | 'peer' }
  | { readonly type: 'dlcRestarted'; readonly dlci: number }
  | { readonly type: 'dlcClosed'; readonly dlci: number; readonly by: 'us' | 'peer' | 'link' }
  | { readonly type: 'dataStopped'; readonly stopped: boolean }
  | { readonly type: 'portSettings'; readonly dlci: number; readonly settings: PortSettings }
  | { readonly type: 'lineStatus'; readonly status: LineStatus }
  | { readonly type: 'services'; readonly dlci: number; readonly services: Services }
  /** The module has sent plain text: it has restarted, or has left the multiplexer. */
  | { readonly type: 'moduleText'; readonly text: string }
  | { readonly type: 'power'; readonly state: 'awake' | 'asleep' }
  | { readonly type: 'ended'; readonly end: LinkEnd };
