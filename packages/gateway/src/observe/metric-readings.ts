import { PPP_PHASES } from '@cellmux/ppp';
import { isRegistered } from '../core/network-state.ts';
import { CAUSES, type Cause } from '../core/recovery/cause.ts';
import type { GatewayStatus } from '../gateway/gateway-status.ts';
import type { DlcStatusRow } from '../gateway/multiplexer-status.ts';

/** A figure that the status has at the time of a scrape. */
export interface Reading {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  /** `counter` where it only ever grows, apart from restarts of what counts. */
  readonly kind: 'counter' | 'gauge';
  readonly read: (status: GatewayStatus) => readonly (readonly [value: number, labels?: Record<string, string>])[];
}

const PPP_DAMAGE = ['fcsErrors', 'aborts', 'runts', 'giants', 'badHeaders', 'droppedByPhase', 'controlFramesDropped'];

const one = (value: number | undefined): readonly (readonly [number])[] => (value === undefined ? [] : [[value]]);

type Samples = readonly (readonly [value: number, labels?: Record<string, string>])[];

/** Samples of each DLC, with its DLCI. */
function eachDlc(read: (dlc: DlcStatusRow) => readonly (readonly [number, Record<string, string>])[]) {
  return ({ multiplexer }: GatewayStatus): Samples =>
    (multiplexer?.dlcs ?? []).flatMap((dlc) =>
      read(dlc).map(([value, labels]) => [value, { dlci: String(dlc.dlci), ...labels }] as const),
    );
}

/** Names and units as Prometheus wants them: base units, `_total` for counters. */
export const READINGS: readonly Reading[] = [
  {
    name: 'cellmux_up',
    help: '1 while all three services work',
    kind: 'gauge',
    read: ({ state }) => one(state === 'up' ? 1 : 0),
  },
  {
    name: 'cellmux_service_up',
    help: '1 while the service works',
    labels: ['service'],
    kind: 'gauge',
    read: ({ ports }) => ports.map(({ service, works }) => [works ? 1 : 0, { service }]),
  },
  {
    name: 'cellmux_uptime_seconds',
    help: 'Time since the start',
    kind: 'gauge',
    read: ({ uptimeMs }) => one(uptimeMs / 1000),
  },
  {
    name: 'cellmux_line_bytes_total',
    help: 'Octets on the line, frames and all, since the multiplexer started',
    labels: ['direction'],
    kind: 'counter',
    read: ({ line }) => [
      [line.bytesSent, { direction: 'sent' }],
      [line.bytesReceived, { direction: 'received' }],
    ],
  },
  {
    name: 'cellmux_line_up',
    help: '1 while the line is open and multiplexed',
    kind: 'gauge',
    read: ({ line }) => one(line.works ? 1 : 0),
  },
  {
    name: 'cellmux_cmux_frames_total',
    help: 'Frames of all DLCs since the multiplexer started',
    labels: ['direction'],
    kind: 'counter',
    read: ({ multiplexer }) =>
      multiplexer === undefined
        ? []
        : [
            [multiplexer.framesSent, { direction: 'sent' }],
            [multiplexer.framesReceived, { direction: 'received' }],
          ],
  },
  {
    name: 'cellmux_cmux_discarded_frames_total',
    help: 'What was received as a frame and thrown away, by reason',
    labels: ['reason'],
    kind: 'counter',
    read: ({ multiplexer }) =>
      Object.entries(multiplexer?.damage ?? {})
        .filter(([reason]) => reason !== 'noiseOctets')
        .map(([reason, value]) => [value as number, { reason }]),
  },
  {
    name: 'cellmux_cmux_noise_bytes_total',
    help: 'Octets received that belong to no frame',
    kind: 'counter',
    read: ({ multiplexer }) => one(multiplexer?.damage.noiseOctets),
  },
  {
    name: 'cellmux_cmux_control_retransmissions_total',
    help: 'Messages of the control channel sent again because T2 ran out',
    kind: 'counter',
    read: ({ multiplexer }) => one(multiplexer?.controlRetransmissions),
  },
  {
    name: 'cellmux_dlc_bytes_total',
    help: 'Information octets of a DLC since the multiplexer started',
    labels: ['dlci', 'direction'],
    kind: 'counter',
    read: eachDlc(({ bytesSent, bytesReceived }) => [
      [bytesSent, { direction: 'sent' }],
      [bytesReceived, { direction: 'received' }],
    ]),
  },
  {
    name: 'cellmux_dlc_frames_total',
    help: 'Frames with information of a DLC since the multiplexer started',
    labels: ['dlci', 'direction'],
    kind: 'counter',
    read: eachDlc(({ framesSent, framesReceived }) => [
      [framesSent, { direction: 'sent' }],
      [framesReceived, { direction: 'received' }],
    ]),
  },
  {
    name: 'cellmux_dlc_state',
    help: '1 for the state that a DLC is in',
    labels: ['dlci', 'state'],
    kind: 'gauge',
    read: eachDlc(({ state }) => [[1, { state }]]),
  },
  {
    name: 'cellmux_dlc_open',
    help: '1 while the DLC of a port is open',
    labels: ['dlci'],
    kind: 'gauge',
    read: ({ ports }) => ports.map(({ dlci, isOpen }) => [isOpen ? 1 : 0, { dlci: String(dlci) }]),
  },
  {
    name: 'cellmux_dlc_stopped',
    help: '1 while an end has stopped the other on a DLC with FC',
    labels: ['dlci', 'by'],
    kind: 'gauge',
    read: eachDlc(({ isStoppedByPeer, isStoppedByUs }) => [
      [isStoppedByPeer ? 1 : 0, { by: 'module' }],
      [isStoppedByUs ? 1 : 0, { by: 'gateway' }],
    ]),
  },
  {
    name: 'cellmux_dlc_stops_total',
    help: 'How often an end has stopped the other on a DLC with FC',
    labels: ['dlci', 'by'],
    kind: 'counter',
    read: eachDlc(({ stopsByPeer, stopsByUs }) => [
      [stopsByPeer, { by: 'module' }],
      [stopsByUs, { by: 'gateway' }],
    ]),
  },
  {
    name: 'cellmux_dlc_retransmissions_total',
    help: 'SABM and DISC sent again because T1 ran out',
    labels: ['dlci'],
    kind: 'counter',
    read: eachDlc(({ retransmissions }) => [[retransmissions, {}]]),
  },
  {
    name: 'cellmux_ppp_phase',
    help: '1 for the phase that PPP is in (RFC 1661)',
    labels: ['phase'],
    kind: 'gauge',
    read: ({ ppp }) => PPP_PHASES.map((phase) => [ppp.phase === phase ? 1 : 0, { phase }]),
  },
  {
    name: 'cellmux_ppp_bytes_total',
    help: 'Octets of the PPP call of the moment, frames and all',
    labels: ['direction'],
    kind: 'counter',
    read: ({ ppp: { counters } }) => [
      ...one(counters['bytesSent']).map(([value]) => [value, { direction: 'sent' }] as const),
      ...one(counters['bytes']).map(([value]) => [value, { direction: 'received' }] as const),
    ],
  },
  {
    name: 'cellmux_ppp_packets_total',
    help: 'IP packets of the PPP call of the moment',
    labels: ['direction'],
    kind: 'counter',
    read: ({ ppp: { counters } }) => [
      ...one(counters['packetsSent']).map(([value]) => [value, { direction: 'sent' }] as const),
      ...one(counters['packetsReceived']).map(([value]) => [value, { direction: 'received' }] as const),
    ],
  },
  {
    name: 'cellmux_ppp_discarded_frames_total',
    help: 'Frames received in the PPP call of the moment and thrown away, by reason',
    labels: ['reason'],
    kind: 'counter',
    read: ({ ppp: { counters } }) =>
      PPP_DAMAGE.flatMap((reason) => one(counters[reason]).map(([value]) => [value, { reason }] as const)),
  },
  {
    name: 'cellmux_socket_bytes_total',
    help: 'Octets of all IP Easy sockets since the start',
    labels: ['direction'],
    kind: 'counter',
    read: ({ sockets }) => [
      [sockets.bytesWritten, { direction: 'sent' }],
      [sockets.bytesRead, { direction: 'received' }],
    ],
  },
  {
    name: 'cellmux_outages_active',
    help: 'Outages that last, by cause',
    labels: ['cause'],
    kind: 'gauge',
    read: ({ outages }) =>
      (Object.keys(CAUSES) as Cause[]).map((cause) => [
        outages.filter((outage) => outage.cause === cause).length,
        { cause },
      ]),
  },
  {
    name: 'cellmux_capture_active',
    help: '1 while frames are recorded',
    kind: 'gauge',
    read: ({ capture }) => one(capture === undefined ? 0 : 1),
  },
  {
    name: 'cellmux_sockets_open',
    help: 'Connections through sockets of the module that are open or being opened',
    kind: 'gauge',
    read: ({ sockets }) => one(sockets.open),
  },
  {
    name: 'cellmux_sockets_waiting',
    help: 'Connections that wait for a socket',
    kind: 'gauge',
    read: ({ sockets }) => one(sockets.waiting),
  },
  {
    name: 'cellmux_signal_dbm',
    help: 'Received signal strength',
    kind: 'gauge',
    read: ({ network }) => one(network.signal?.dbm),
  },
  {
    name: 'cellmux_registered',
    help: '1 while the module is registered',
    labels: ['domain'],
    kind: 'gauge',
    read: ({ network }) => [
      [isRegistered(network.registration) ? 1 : 0, { domain: 'circuit' }],
      [isRegistered(network.packetRegistration) ? 1 : 0, { domain: 'packet' }],
    ],
  },
];
