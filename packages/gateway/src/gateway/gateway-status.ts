import type { IpEasy } from '@cellmux/ipeasy';
import { CAUSES, type Patient, type Service, type Step } from '../core/recovery/cause.ts';
import type { Outage } from '../core/recovery/supervisor.ts';
import type { NetworkState } from './at-service.ts';
import type { GatewayState } from './gateway-events.ts';
import { damagedFrames, multiplexerStatusOf, type MultiplexerStatus } from './multiplexer-status.ts';
import type { Services } from './services.ts';
import type { ListenerKind } from './start-listeners.ts';

/** One virtual port. */
export interface PortStatus {
  readonly dlci: 1 | 2 | 3;
  readonly service: Service;
  readonly works: boolean;
  /** What is being tried or waited for, where it does not work. */
  readonly step: Step | undefined;
  readonly isOpen: boolean;
  /** What the module signals on it: DSR, CTS, RI, DCD; and what this end does: DTR, RTS. */
  readonly circuits: Readonly<Record<'dtr' | 'rts' | 'dsr' | 'cts' | 'ri' | 'dcd', boolean>> | undefined;
  readonly framesSent: number;
  readonly framesReceived: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** One of the six sockets. */
export interface SocketStatusRow {
  readonly connId: number;
  readonly state: string;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** An outage that lasts. */
export interface OutageStatus extends Outage {
  /** The cause for people. */
  readonly words: string;
  /** Since it began, ms. */
  readonly lastsMs: number;
}

/** An outage that is over. */
export interface PastOutage extends Outage {
  /** The cause for people. */
  readonly words: string;
  readonly durationMs: number;
  /** When it ended, ISO 8601, UTC. */
  readonly endedAt: string;
}

/** How a gateway is, at one moment; JSON as it stands, and without a secret. */
export interface GatewayStatus {
  readonly state: GatewayState;
  /** The time of it, ISO 8601, UTC. */
  readonly at: string;
  /** Since the start, ms. */
  readonly uptimeMs: number;
  readonly line: {
    readonly name: string | undefined;
    readonly works: boolean;
    readonly step: Step | undefined;
    readonly bytesSent: number;
    readonly bytesReceived: number;
    /** Frames thrown away: damaged, too long, or none. */
    readonly badFrames: number;
  };
  /** The multiplexer that runs on the line; undefined while there is none. */
  readonly multiplexer: MultiplexerStatus | undefined;
  readonly ports: readonly PortStatus[];
  readonly ppp: {
    readonly phase: string;
    readonly localAddress: string | undefined;
    readonly peerAddress: string | undefined;
    readonly dns: readonly string[];
    readonly counters: Readonly<Record<string, number>>;
  };
  readonly sockets: {
    readonly address: string;
    /** Connections through the queue that are open or being opened, and callers that wait. */
    readonly open: number;
    readonly waiting: number;
    /** Octets of all connections since the start. */
    readonly bytesRead: number;
    readonly bytesWritten: number;
    readonly rows: readonly SocketStatusRow[];
  };
  readonly network: NetworkState;
  readonly listeners: readonly { readonly what: ListenerKind; readonly where: string }[];
  readonly outages: readonly OutageStatus[];
  readonly pastOutages: readonly PastOutage[];
  /** The file of the capture that runs. */
  readonly capture: string | undefined;
}

/** What {@link statusOf} looks at. */
export interface StatusParts {
  readonly state: GatewayState;
  readonly uptimeMs: number;
  readonly nowMs: number;
  readonly services: Services;
  readonly queue: { readonly open: number; readonly waiting: number };
  readonly listeners: readonly { readonly what: ListenerKind; readonly where: string }[];
  readonly recovery: {
    readonly outages: readonly Outage[];
    works(patient: Patient): boolean;
    stepOf(patient: Patient): Step | undefined;
  };
  readonly pastOutages: readonly PastOutage[];
  readonly capture: string | undefined;
}

const PORTS = [
  [1, 'ppp'],
  [2, 'sockets'],
  [3, 'at'],
] as const;

/** Puts a status together. */
export function statusOf(parts: StatusParts): GatewayStatus {
  const { queue, recovery } = parts;
  const { link, ppp, sockets, at } = parts.services;
  const { multiplexer } = link;
  const { call } = ppp;
  const counters = multiplexer?.counters;
  const shown = multiplexer === undefined ? undefined : multiplexerStatusOf(multiplexer);
  const isUp = parts.state === 'up' || parts.state === 'degraded';
  return {
    state: parts.state,
    at: new Date().toISOString(),
    uptimeMs: Math.round(parts.uptimeMs),
    line: {
      name: link.lineName,
      works: multiplexer !== undefined && recovery.works('link'),
      step: recovery.stepOf('link'),
      bytesSent: counters?.octetsSent ?? 0,
      bytesReceived: counters?.octetsReceived ?? 0,
      badFrames: damagedFrames(shown?.damage),
    },
    multiplexer: shown,
    ports: PORTS.map(([dlci, service]): PortStatus => {
      const dlc = counters?.dlcs.get(dlci);
      const port = multiplexer?.ports.get(dlci);
      return {
        dlci,
        service,
        works: isUp && recovery.works(service),
        step: recovery.stepOf(service),
        isOpen: port !== undefined && !port.isClosed,
        circuits: port === undefined ? undefined : circuitsOf(port.circuits),
        framesSent: dlc?.framesSent ?? 0,
        framesReceived: dlc?.framesReceived ?? 0,
        bytesSent: dlc?.bytesSent ?? 0,
        bytesReceived: dlc?.bytesReceived ?? 0,
      };
    }),
    ppp: {
      phase: call?.link.phase ?? 'dead',
      localAddress: call?.network.localAddress,
      peerAddress: call?.network.peerAddress,
      dns: call?.network.dns ?? [],
      counters: numbersOf(call?.link.counters),
    },
    sockets: {
      address: sockets.address,
      open: queue.open,
      waiting: queue.waiting,
      ...sockets.carried,
      rows: socketRows(sockets.sockets),
    },
    network: at.state,
    listeners: parts.listeners.map(({ what, where }) => ({ what, where })),
    outages: recovery.outages.map((outage) => ({
      ...outage,
      words: CAUSES[outage.cause].words,
      lastsMs: Math.round(parts.nowMs - outage.sinceMs),
    })),
    pastOutages: parts.pastOutages,
    capture: parts.capture,
  };
}

type Circuits = NonNullable<PortStatus['circuits']>;

function circuitsOf({ dtr, rts, dsr, cts, ri, dcd }: Circuits): Circuits {
  return { dtr, rts, dsr, cts, ri, dcd };
}

function numbersOf(counters: object | undefined): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(counters ?? {}).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
  );
}

function socketRows(ipEasy: IpEasy | undefined): SocketStatusRow[] {
  const rows: SocketStatusRow[] = [];
  for (const socket of ipEasy?.sockets ?? []) {
    const { connId, remoteAddress, remotePort } = socket as {
      connId?: number;
      remoteAddress?: string;
      remotePort?: number;
    };
    const {
      readyState = 'open',
      bytesRead = 0,
      bytesWritten = 0,
    } = socket as {
      readyState?: string;
      bytesRead?: number;
      bytesWritten?: number;
    };
    if (connId !== undefined)
      rows.push({ connId, state: readyState, remoteAddress, remotePort, bytesRead, bytesWritten });
  }
  return rows.sort((a, b) => a.connId - b.connId);
}
