import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { CAUSES, SERVICES, STEPS } from '../core/recovery/cause.ts';
import { isRegistered } from '../core/network-state.ts';
import type { GatewayStatus } from '../gateway/gateway-status.ts';
import type { ObservedGateway } from './observed-gateway.ts';

/** A figure that the status has at the time of a scrape. */
interface Reading {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  /** `counter` where it only ever grows, apart from restarts of what counts. */
  readonly kind: 'counter' | 'gauge';
  readonly read: (status: GatewayStatus) => readonly (readonly [value: number, labels?: Record<string, string>])[];
}

const one = (value: number | undefined): readonly (readonly [number])[] => (value === undefined ? [] : [[value]]);

/** Names and units as Prometheus wants them: base units, `_total` for counters. */
const READINGS: readonly Reading[] = [
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
    name: 'cellmux_cmux_bad_frames_total',
    help: 'Frames thrown away: damaged, too long, or none',
    kind: 'counter',
    read: ({ line }) => one(line.badFrames),
  },
  {
    name: 'cellmux_dlc_bytes_total',
    help: 'Information octets of a DLC since it was opened',
    labels: ['dlci', 'direction'],
    kind: 'counter',
    read: ({ ports }) =>
      ports.flatMap(({ dlci, bytesSent, bytesReceived }) => [
        [bytesSent, { dlci: String(dlci), direction: 'sent' }] as const,
        [bytesReceived, { dlci: String(dlci), direction: 'received' }] as const,
      ]),
  },
  {
    name: 'cellmux_dlc_frames_total',
    help: 'Frames of a DLC since it was opened',
    labels: ['dlci', 'direction'],
    kind: 'counter',
    read: ({ ports }) =>
      ports.flatMap(({ dlci, framesSent, framesReceived }) => [
        [framesSent, { dlci: String(dlci), direction: 'sent' }] as const,
        [framesReceived, { dlci: String(dlci), direction: 'received' }] as const,
      ]),
  },
  {
    name: 'cellmux_dlc_open',
    help: '1 while the DLC is open',
    labels: ['dlci'],
    kind: 'gauge',
    read: ({ ports }) => ports.map(({ dlci, isOpen }) => [isOpen ? 1 : 0, { dlci: String(dlci) }]),
  },
  {
    name: 'cellmux_ppp_count_total',
    help: 'What the PPP call of the moment has counted, by name',
    labels: ['what'],
    kind: 'counter',
    read: ({ ppp }) => Object.entries(ppp.counters).map(([what, value]) => [value, { what }]),
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

/** The metrics of a gateway, every layer of it, and of its process, for Prometheus. */
export class GatewayMetrics {
  readonly registry = new Registry();
  readonly #gateway: ObservedGateway;
  readonly #gauges = new Map<string, Gauge>();

  constructor(gateway: ObservedGateway) {
    this.#gateway = gateway;
    collectDefaultMetrics({ register: this.registry });
    const registers = [this.registry];
    for (const { name, help, labels = [], kind, read } of READINGS) {
      const labelNames = [...labels];
      if (kind === 'gauge') {
        this.#gauges.set(name, new Gauge({ name, help, labelNames, registers }));
        continue;
      }
      // The figure of the moment is what the layer itself has counted; when the layer starts anew, so does the counter.
      const counter = new Counter({
        name,
        help,
        labelNames,
        registers,
        collect: () => {
          counter.reset();
          for (const [value, values = {}] of read(gateway.status)) counter.inc(values, value);
        },
      });
    }
    this.#countEvents(registers);
  }

  /** In the text format. */
  text(): Promise<string> {
    const { status } = this.#gateway;
    for (const { name, kind, read } of READINGS) {
      const gauge = this.#gauges.get(name);
      if (kind !== 'gauge' || gauge === undefined) continue;
      gauge.reset();
      for (const [value, labels = {}] of read(status)) gauge.set(labels, value);
    }
    return this.registry.metrics();
  }

  #countEvents(registers: Registry[]): void {
    const outages = new Counter({
      name: 'cellmux_outages_total',
      help: 'Outages that have ended, by cause',
      labelNames: ['cause'],
      registers,
    });
    const durations = new Histogram({
      name: 'cellmux_outage_duration_seconds',
      help: 'How long outages lasted, by service',
      labelNames: ['service'],
      buckets: [0.5, 1, 2, 5, 10, 30, 60, 120, 300, 900, 3600, 14_400],
      registers,
    });
    const steps = new Counter({
      name: 'cellmux_recovery_steps_total',
      help: 'Steps of the recovery, by whether they helped',
      labelNames: ['step', 'ok'],
      registers,
    });
    const connections = new Counter({
      name: 'cellmux_connections_total',
      help: 'Connections through proxy, forwards and listeners',
      labelNames: ['kind', 'ok'],
      registers,
    });
    const pings = new Histogram({
      name: 'cellmux_ping_round_trip_seconds',
      help: 'Round trips of the pings through PPP',
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers,
    });
    const lost = new Counter({ name: 'cellmux_pings_lost_total', help: 'Pings without an answer', registers });
    // What has not happened yet is zero, not missing.
    for (const cause of Object.keys(CAUSES)) outages.inc({ cause }, 0);
    for (const step of STEPS) for (const ok of ['true', 'false']) steps.inc({ step, ok }, 0);
    for (const service of SERVICES) durations.zero({ service });
    for (const kind of ['proxy', 'forward', 'incoming']) {
      for (const ok of ['true', 'false']) connections.inc({ kind, ok }, 0);
    }
    this.#gateway.events$.subscribe((event) => {
      switch (event.type) {
        case 'outageEnded':
          outages.inc({ cause: event.cause });
          for (const service of event.services) durations.observe({ service }, event.durationMs / 1000);
          return;
        case 'stepEnded':
          steps.inc({ step: event.step, ok: String(event.error === undefined) });
          return;
        case 'proxyConnected':
        case 'proxyFailed':
          connections.inc({ kind: 'proxy', ok: String(event.type === 'proxyConnected') });
          return;
        case 'forwardConnected':
        case 'forwardFailed':
          connections.inc({ kind: 'forward', ok: String(event.type === 'forwardConnected') });
          return;
        case 'incomingConnected':
        case 'incomingFailed':
          connections.inc({ kind: 'incoming', ok: String(event.type === 'incomingConnected') });
          return;
        case 'pingAnswered':
          pings.observe(event.roundTripMs / 1000);
          return;
        case 'pingLost':
          lost.inc();
          return;
        default:
      }
    });
  }
}
