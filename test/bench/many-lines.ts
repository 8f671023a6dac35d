import { once } from 'node:events';
import { Gateway } from '@cellmux/gateway';
import { VirtualHe863 } from '@cellmux/he863';
import { faultyLine } from '@cellmux/port';
import { cpuSeconds, pseudoRandom, type BenchOptions, type BenchRow } from '../../packages/port/bench/index.ts';
import { EchoServer } from '../gateway/gateway-traffic.ts';

/** A line of the fastest kind that a module of this generation has, bit/s, ten of them an octet. */
const BAUD_RATE = 7_200_000;
/** Line time that travels as one piece, as a busy USB line gives it: less would measure timers. */
const SLICE_MS = 8;
const LINE_COUNTS = [1, 8, 32] as const;
/**
 * Packets on their way at once, on all lines together: on one line more than a round trip at its rate. Were it as many on each
 * of 32, which no core keeps full, every turn of the event loop would take a second, and AT would give commands up.
 */
const WINDOW_PACKETS = 48;
const LEAST_WINDOW_PACKETS = 4;
const PACKET_OCTETS = 1400;
const WRITE_OCTETS = 1500;
const AT_EVERY_MS = 200;
const WARM_UPS = 3;
/** Linear, but for what the caches of a processor make of more memory in use. */
const LEAST_RATIO = 0.7;

interface Line {
  readonly gateway: Gateway;
  readonly close: () => Promise<void>;
}

async function openLine(): Promise<Line> {
  const module = new VirtualHe863({ machineNames: false, bootMs: 100 });
  const gateway = new Gateway({
    line: () => {
      const { dte, dce } = faultyLine({ baudRate: BAUD_RATE, sliceMs: SLICE_MS, fifoMs: 2 * SLICE_MS });
      module.serve(dce);
      return Promise.resolve({ port: dte, close: () => dte.close() });
    },
  });
  await gateway.start();
  return {
    gateway,
    close: async () => {
      await gateway.stop();
      await module.close();
    },
  };
}

/** Packets through PPP to the far end and back, as many at a time as the window has room for. */
async function packets(gateway: Gateway, count: number, windowPackets: number): Promise<void> {
  const payload = pseudoRandom(PACKET_OCTETS);
  let left = count;
  const lane = async (): Promise<void> => {
    while (left-- > 0) await gateway.packets.udpEcho('10.64.64.64', 7, { payload, timeoutMs: 60_000 });
  };
  await Promise.all(Array.from({ length: windowPackets }, lane));
}

/** Octets through a socket of the module to a real server and back. */
async function stream(gateway: Gateway, port: number, octets: number): Promise<void> {
  const socket = await gateway.dial({ host: '127.0.0.1', port });
  let back = 0;
  const isBack = new Promise<void>((resolve, reject) => {
    socket.on('data', (chunk: Buffer) => {
      back += chunk.length;
      if (back >= octets) resolve();
    });
    socket.once('error', reject);
  });
  for (let sent = 0; sent < octets; sent += WRITE_OCTETS) {
    const chunk = pseudoRandom(Math.min(WRITE_OCTETS, octets - sent));
    if (!socket.write(chunk)) await once(socket, 'drain');
  }
  await isBack;
  socket.end();
  await once(socket, 'close');
}

/** AT on port 3 until the rest is done. */
async function polls(gateway: Gateway, until: AbortSignal): Promise<void> {
  while (!until.aborted) {
    await gateway.at.command('AT+CSQ');
    await new Promise((resolve) => setTimeout(resolve, AT_EVERY_MS));
  }
}

/** The same work on every line at once; seconds until the packets of all are through, the work that fills the lines. */
async function work(lines: readonly Line[], echoPort: number, packetCount: number): Promise<number> {
  const began = performance.now();
  const done = new AbortController();
  const polling = Promise.all(lines.map(({ gateway }) => polls(gateway, done.signal)));
  const streams = Promise.all(
    lines.flatMap(({ gateway }) => Array.from({ length: 6 }, () => stream(gateway, echoPort, 4 * WRITE_OCTETS))),
  );
  const window = Math.max(LEAST_WINDOW_PACKETS, Math.floor(WINDOW_PACKETS / lines.length));
  await Promise.all(lines.map(({ gateway }) => packets(gateway, packetCount, window)));
  const seconds = (performance.now() - began) / 1000;
  await streams;
  done.abort();
  await polling;
  return seconds;
}

const rssBytes = (): number => {
  for (let times = 0; times < 3; times++) globalThis.gc?.();
  return process.memoryUsage().rss;
};

/**
 * One process with 1, 8 and 32 gateways, each on a virtual module at 7.2 Mbit/s, all with PPP, six sockets and AT at once:
 * processor time and memory of both ends for each line. The ratio is 1 where growth is linear, less where it is worse.
 */
export async function* benchManyLines({ quick }: BenchOptions): AsyncGenerator<BenchRow> {
  const packetCount = quick ? 300 : 1500;
  const octets = 2 * packetCount * PACKET_OCTETS;
  const echo = await EchoServer.start();
  const lines: Line[] = [await openLine()];
  // Warm code first: what the compiler takes would be taken for a line's.
  for (let time = 0; time < WARM_UPS; time++) await work(lines, echo.port, packetCount);
  const emptyRss = rssBytes();
  const first = { cpu: 0, rss: 0 };
  for (const count of LINE_COUNTS) {
    while (lines.length < count) lines.push(await openLine());
    let seconds = 0;
    const cpu =
      (await cpuSeconds(async () => {
        seconds = await work(lines, echo.port, packetCount);
      })) / count;
    const share = (packetCount * PACKET_OCTETS * 10) / BAUD_RATE / seconds;
    const name = `${count} ${count === 1 ? 'line' : 'lines'} at 7.2 Mbit/s`;
    if (count === 1) first.cpu = cpu;
    yield {
      package: 'lines',
      name: `${name}, each way ${(share * 100).toFixed(0)} % full of packets: processor time for a line`,
      value: (cpu * 1e9) / octets,
      unit: 'ms for each MB',
      against: count === 1 ? '' : `1 line: ${((first.cpu * 1e9) / octets).toFixed(1)} ms for each MB`,
      ratio: count === 1 ? null : first.cpu / cpu,
      ...(count === 1 ? {} : { target: { of: 'ratio', atLeast: LEAST_RATIO } }),
    };
    if (count === 1) continue;
    const rss = (rssBytes() - emptyRss) / (count - 1);
    if (first.rss === 0) first.rss = rss;
    yield {
      package: 'lines',
      name: `${name}: memory for a line, of the process (RSS)`,
      value: rss / 1e6,
      unit: 'MB',
      against: count === LINE_COUNTS[1] ? '' : `8 lines: ${(first.rss / 1e6).toFixed(2)} MB`,
      ratio: count === LINE_COUNTS[1] ? null : first.rss / rss,
      ...(count === LINE_COUNTS[1] ? {} : { target: { of: 'ratio', atLeast: LEAST_RATIO } }),
    };
  }
  for (const line of lines) await line.close();
  await echo[Symbol.asyncDispose]();
}
