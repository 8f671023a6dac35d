import type { LatencySummary } from '../core/latencies.ts';

/** One virtual port in the demo's table. */
export interface PortReport {
  readonly port: 1 | 2 | 3;
  readonly what: 'PPP' | 'IP Easy' | 'AT';
  /** Octets of this port that went to the module and came from it, as the multiplexer counted them. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly framesSent: number;
  readonly framesReceived: number;
  /** Octets of use to somebody, both ways together, a second: echoed payloads, bodies, AT text. */
  readonly goodputBytesPerSecond: number;
  /** Of all octets on the line, both ways, those that are this port's: 0 to 1, frames around the octets included. */
  readonly shareOfLine: number;
  /** What was lost, damaged or not answered. */
  readonly errors: number;
}

/** One direction of the line in the demo. */
export interface DirectionReport {
  readonly bytes: number;
  /** How much of the time the line was busy: 0 to 1. */
  readonly utilisation: number;
}

/** Echoes of one kind through PPP. */
export interface EchoReport {
  readonly sent: number;
  /** Those that came back in time, octet for octet. */
  readonly verified: number;
  /** Those that did not come back in time, or damaged; the rest is under way. */
  readonly lost: number;
  /** Payload octets that came back. */
  readonly payloadBytes: number;
  readonly roundTrip: LatencySummary;
}

/** One body that was fetched through an IP Easy socket. */
export interface BodyReport {
  readonly url: string;
  readonly connId: number | undefined;
  readonly bytes: number;
  readonly expectedBytes: number;
  /** CRC-32 of what arrived and of what the server has, eight hex digits. */
  readonly crc32: string;
  readonly expectedCrc32: string;
  readonly seconds: number;
  readonly verified: boolean;
}

/** What `cellmux demo` found; `--json` prints exactly this. */
export interface DemoReport {
  /** True when every body, every echo, every AT answer and the end in order were verified. */
  readonly ok: boolean;
  /** What was not verified, in words; empty when ok. */
  readonly problems: readonly string[];
  readonly baudRate: number;
  /** The whole run, and the part in which all three ports worked at once. */
  readonly seconds: number;
  readonly busySeconds: number;
  readonly line: {
    readonly toModule: DirectionReport;
    readonly fromModule: DirectionReport;
    /** Frames that the multiplexer threw away, whatever the cause. */
    readonly badFrames: number;
  };
  readonly ports: readonly PortReport[];
  readonly ppp: {
    readonly address: string;
    readonly peer: string;
    readonly icmp: EchoReport;
    readonly udp: EchoReport;
  };
  readonly bodies: readonly BodyReport[];
  readonly at: LatencySummary & { readonly failed: number; readonly lastSignal: string };
  /** The end in order. */
  readonly end: {
    readonly socketsClosed: boolean;
    readonly pppTerminated: boolean;
    readonly multiplexerClosed: boolean;
    readonly moduleInCommandMode: boolean;
  };
}
