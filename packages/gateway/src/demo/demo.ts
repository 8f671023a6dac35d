import { VirtualHe863 } from '@cellmux/he863';
import { pacedLine, type AbortOptions, type PacedLine } from '@cellmux/port';
import { asError } from '../errors/describe-error.ts';
import { Gateway } from '../gateway/gateway.ts';
import type { GatewayPart } from '../gateway/gateway-events.ts';
import { AtPoll } from './at-poll.ts';
import type { BodyReport, DemoReport, PortReport } from './demo-report.ts';
import { pppTraffic } from './echo-traffic.ts';
import { fetchBody, type FetchProgress } from './fetch-body.ts';
import { lineOctets, type DlcCount } from './line-shares.ts';
import { demoBody, startWebServer } from './web-server.ts';
import { VIRTUAL_AT_PROFILE } from '../gateway/virtual-at-profile.ts';

/** Bodies that are fetched, and the seed of each. */
const BODIES = [
  { path: '/one.bin', seed: 0x2f6e2b1 },
  { path: '/two.bin', seed: 0x6b8b4567 },
];
const HOST = 'files.demo';
const USER = 'demo';
const PASSWORD = 'demo';
const SAMPLE_MS = 100;

/** Options of {@link runDemo}. */
export interface DemoOptions extends AbortOptions {
  /** Rate of the line in bit/s, both ways. */
  readonly baudRate: number;
  /** Length of each of the two bodies. */
  readonly bodyBytes: number;
  /** Called some ten times a second. */
  readonly onProgress?: ((progress: DemoProgress) => void) | undefined;
}

/** What the screen shows while the demo works. */
export interface DemoProgress {
  readonly phase: string;
  readonly elapsedMs: number;
  readonly report: Omit<DemoReport, 'ok' | 'problems' | 'bodies' | 'end'>;
  readonly fetches: readonly FetchProgress[];
  /** What the end in order has reached. */
  readonly ended: readonly GatewayPart[];
}

/**
 * One paced line with the virtual HE863 at one end and the gateway at the other, and real traffic on all three ports at
 * once. Resolves with what was found, also when something was not verified; rejects when the traffic cannot start.
 */
export async function runDemo({ baudRate, bodyBytes, onProgress, signal }: DemoOptions): Promise<DemoReport> {
  const bodies = BODIES.map(({ path, seed }) => demoBody(path, bodyBytes, seed));
  await using server = await startWebServer(bodies);
  await using module = new VirtualHe863({
    hosts: { [HOST]: '127.0.0.1' },
    ppp: { auth: 'pap', user: USER, password: PASSWORD },
  });
  const line = pacedLine({ baudRate, name: 'demo line' });
  module.serve(line.dce);
  await using gateway = new Gateway({
    line: line.dte,
    baudRate,
    atProfile: VIRTUAL_AT_PROFILE,
    apn: 'demo',
    user: USER,
    password: PASSWORD,
  });

  const run = new DemoRun(
    gateway,
    line,
    baudRate,
    bodies.map(({ path }) => ({ path, bytes: 0, expectedBytes: bodyBytes })),
  );
  const sampler = setInterval(() => onProgress?.(run.progress), SAMPLE_MS);
  try {
    await gateway.start({ signal });
    await run.work({ bodies, port: server.port, signal: signal ?? new AbortController().signal });
    await gateway.stop();
    const { moduleInCommandMode, error } = await gateway.ended;
    signal?.throwIfAborted();
    onProgress?.(run.progress);
    return run.finish(moduleInCommandMode, error);
  } finally {
    clearInterval(sampler);
  }
}

/** The demo while it runs: what is measured, and what becomes of it. */
class DemoRun {
  readonly #gateway: Gateway;
  readonly #line: PacedLine;
  readonly #baudRate: number;
  readonly #fetches: FetchProgress[];
  readonly #ended: GatewayPart[] = [];
  readonly #startedMs = performance.now();
  #busyMs = 0;
  #busySinceMs: number | undefined;
  #phase = 'starting';
  #bodies: readonly BodyReport[] = [];
  #fetchErrors: readonly string[] = [];
  #traffic: ReturnType<typeof pppTraffic> | undefined;
  #poll: AtPoll | undefined;
  /** Its counters are read after the end, too, when the gateway has none any more. */
  #multiplexer: Gateway['multiplexer'] | undefined;
  #address = '';
  #peer = '';

  constructor(gateway: Gateway, line: PacedLine, baudRate: number, fetches: FetchProgress[]) {
    this.#gateway = gateway;
    this.#line = line;
    this.#baudRate = baudRate;
    this.#fetches = fetches;
    gateway.events$.subscribe((event) => {
      if (event.type === 'ended') this.#ended.push(event.what);
      if (event.type === 'pppUp') [this.#address, this.#peer] = [event.localAddress, event.peerAddress];
    });
    gateway.state$.subscribe((state) => (this.#phase = PHASES[state] ?? state));
  }

  get progress(): DemoProgress {
    return {
      phase: this.#phase,
      elapsedMs: performance.now() - this.#startedMs,
      report: this.#figures(),
      fetches: this.#fetches,
      ended: this.#ended,
    };
  }

  /** All three ports at once: until both bodies are there, the other two keep going. */
  async work({ bodies, port, signal }: WorkOptions): Promise<void> {
    const { packets, sockets, at, multiplexer } = this.#gateway;
    this.#multiplexer = multiplexer;
    const done = new AbortController();
    const until = AbortSignal.any([done.signal, signal]);
    const traffic = (this.#traffic = pppTraffic(packets, this.#peer));
    const poll = (this.#poll = new AtPoll(at));
    this.#busySinceMs = performance.now();
    const others = [traffic.icmp.run(until), traffic.udp.run(until), poll.run(until)];
    const fetched = await Promise.allSettled(
      bodies.map((body, index) =>
        fetchBody({
          sockets,
          host: HOST,
          port,
          body,
          signal,
          onProgress: (progress) => (this.#fetches[index] = progress),
        }),
      ),
    );
    done.abort();
    await Promise.all(others);
    this.#busyMs = performance.now() - this.#busySinceMs;
    this.#bodies = fetched.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    this.#fetchErrors = fetched.flatMap((outcome) =>
      outcome.status === 'rejected' ? [asError(outcome.reason).message] : [],
    );
    signal.throwIfAborted();
  }

  finish(moduleInCommandMode: boolean, error: unknown): DemoReport {
    const figures = this.#figures();
    const end = {
      socketsClosed: this.#ended.includes('sockets'),
      pppTerminated: this.#ended.includes('ppp'),
      multiplexerClosed: this.#ended.includes('multiplexer'),
      moduleInCommandMode,
    };
    const problems = [
      ...this.#fetchErrors.map((text) => `a body was not fetched: ${text}`),
      ...this.#bodies.filter(({ verified }) => !verified).map(({ url }) => `${url} arrived damaged or cut short`),
      ...echoProblems('pings', figures.ppp.icmp),
      ...echoProblems('UDP echoes', figures.ppp.udp),
      ...(figures.at.count === 0 ? ['no AT command was answered'] : []),
      ...(figures.at.failed > 0 ? [`${figures.at.failed} AT commands were not answered as they should be`] : []),
      ...(figures.line.badFrames > 0 ? [`${figures.line.badFrames} frames were damaged on a line without faults`] : []),
      ...(end.socketsClosed ? [] : ['the sockets were not closed in order']),
      ...(end.pppTerminated ? [] : ['PPP was not terminated in order']),
      ...(end.multiplexerClosed ? [] : ['the multiplexer was not closed in order']),
      ...(end.moduleInCommandMode ? [] : ['the module does not answer AT after the end']),
      ...(error === undefined ? [] : [`the gateway ended by itself: ${asError(error).message}`]),
    ];
    return { ok: problems.length === 0, problems, ...figures, bodies: this.#bodies, end };
  }

  /** What the multiplexer has counted for the three ports; zero before it runs. */
  #counts(): readonly [DlcCount, DlcCount, DlcCount] {
    const { dlcs } = this.#multiplexer?.counters ?? { dlcs: new Map<number, DlcCount>() };
    return [dlcs.get(1) ?? NO_COUNT, dlcs.get(2) ?? NO_COUNT, dlcs.get(3) ?? NO_COUNT];
  }

  /** Frames that either end of the multiplexer threw away; on a line without faults there are none. */
  #badFrames(): number {
    if (this.#multiplexer === undefined) return 0;
    const { badHeader, tooLong, noClosingFlag, badFcs, malformedMessages } = this.#multiplexer.counters;
    return badHeader + tooLong + noClosingFlag + badFcs + malformedMessages;
  }

  #figures(): DemoProgress['report'] {
    const nowMs = performance.now();
    const busySeconds = (this.#busyMs > 0 ? this.#busyMs : nowMs - (this.#busySinceMs ?? nowMs)) / 1000;
    const seconds = (nowMs - this.#startedMs) / 1000;
    const { dteToDce, dceToDte } = this.#line.stats;
    const icmp = this.#traffic?.icmp.report ?? NO_ECHOES;
    const udp = this.#traffic?.udp.report ?? NO_ECHOES;
    const at = this.#poll?.report ?? { count: 0, p50Ms: 0, p99Ms: 0, maxMs: 0, failed: 0, lastSignal: '' };
    const counts = this.#counts();
    const fetched = this.#fetches.reduce((sum, { bytes }) => sum + bytes, 0);
    // An echo carries its payload twice: there and back.
    const useful = [2 * (icmp.payloadBytes + udp.payloadBytes), fetched, counts[2].bytesSent + counts[2].bytesReceived];
    const errors = [icmp.lost + udp.lost, this.#fetchErrors.length, at.failed];
    const total = dteToDce.sent + dceToDte.sent;
    const ports = PORTS.map((what, index): PortReport => {
      const count = counts[index] ?? NO_COUNT;
      return {
        port: (index + 1) as 1 | 2 | 3,
        what,
        ...count,
        goodputBytesPerSecond: busySeconds > 0 ? Math.round((useful[index] ?? 0) / busySeconds) : 0,
        shareOfLine: total > 0 ? lineOctets(count) / total : 0,
        errors: errors[index] ?? 0,
      };
    });
    const direction = ({ sent, busyMs }: { readonly sent: number; readonly busyMs: number }) => ({
      bytes: sent,
      utilisation: seconds > 0 ? Math.min(1, busyMs / 1000 / seconds) : 0,
    });
    return {
      baudRate: this.#baudRate,
      seconds,
      busySeconds,
      line: { toModule: direction(dteToDce), fromModule: direction(dceToDte), badFrames: this.#badFrames() },
      ports,
      ppp: { address: this.#address, peer: this.#peer, icmp, udp },
      at,
    };
  }
}

interface WorkOptions {
  readonly bodies: readonly ReturnType<typeof demoBody>[];
  readonly port: number;
  readonly signal: AbortSignal;
}

const PORTS = ['PPP', 'IP Easy', 'AT'] as const;
const NO_COUNT: DlcCount = { framesSent: 0, framesReceived: 0, bytesSent: 0, bytesReceived: 0 };
const NO_ECHOES = {
  sent: 0,
  verified: 0,
  lost: 0,
  payloadBytes: 0,
  roundTrip: { count: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 },
};
const PHASES: Readonly<Record<string, string>> = {
  openingLine: 'opening the line',
  startingMultiplexer: 'AT+CMUX, then SABM on DLCI 0',
  openingPorts: 'opening DLCI 1, 2 and 3',
  bringingUp: 'dialling PPP, activating the context of the sockets',
  up: 'working',
  stopping: 'ending in order',
  stopped: 'ended',
};

function echoProblems(
  what: string,
  { sent, verified }: { readonly sent: number; readonly verified: number },
): string[] {
  if (sent === 0) return [`no ${what} were sent`];
  return sent === verified ? [] : [`${sent - verified} of ${sent} ${what} did not come back as they were sent`];
}
