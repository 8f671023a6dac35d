import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Gateway } from '@cellmux/gateway';
import { VirtualHe863 } from '@cellmux/he863';
import { CellmuxError, faultyLine, seededRandom, systemClock, type FaultyLine } from '@cellmux/port';
import { EchoServer, GatewayTraffic } from '../gateway/gateway-traffic.ts';
import { readSoakOptions } from './soak-options.ts';
import { growthPerMinute, memoryPlot, type MemorySample } from './memory-plot.ts';

/* `pnpm soak`: PPP, six sockets and AT on each line, faults now and then, for as long as asked. */
const options = readSoakOptions();
if (options === undefined) process.exit();
const { minutes, lines, seed } = options;
/** A line of the fastest kind that a module of this generation has, bit/s. */
const BAUD_RATE = 7_200_000;
/** Growth that is none: what the collector leaves lying differs from one look to the next. */
const HEAP_GROWTH_LIMIT_BYTES = 1_000_000;
const FAULT_EVERY_MS = 20_000;

const random = seededRandom(seed);
console.log(`soak: ${minutes} min, ${lines} lines at ${BAUD_RATE / 1e6} Mbit/s, seed ${seed}`);
const handlesBefore = process.getActiveResourcesInfo().length;
const problems: string[] = [];
// Listeners that pile up on one emitter are warned of by Node.
process.on('warning', ({ name, message }) => problems.push(`${name}: ${message}`));
const listenersBefore = countListeners();
const echo = await EchoServer.start();

function countListeners(): number {
  return process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
}

async function startLine() {
  const module = new VirtualHe863({ machineNames: false, bootMs: 1000 });
  let line: FaultyLine | undefined;
  const gateway = new Gateway({
    line: () => {
      line = faultyLine({ baudRate: BAUD_RATE });
      const { dte, dce } = line;
      module.serve(dce);
      return Promise.resolve({ port: dte, close: () => dte.close() });
    },
    keepAliveMs: 2000,
    pppEchoMs: 2000,
    recovery: { longestPauseMs: 5000, random },
  });
  let outages = 0;
  gateway.events$.subscribe(({ type }) => {
    if (type === 'outageEnded') outages++;
  });
  await gateway.start();
  const traffic = new GatewayTraffic({
    gateway,
    clock: systemClock,
    echo,
    connections: 6,
    everyMs: 20,
    bytesEach: 40_000,
    writeBytes: 1000,
    mayCut: options?.faults === true,
  });
  traffic.start();
  const strike = (): void => {
    const port = Math.floor(random() * 4);
    const faults = [
      () => line?.fail(new CellmuxError('ERR_PORT_LOST', 'unplugged')),
      () => module.faults.inject({ kind: 'reset' }),
      () => module.faults.inject({ kind: 'carrier', port: 1 }),
      () => module.faults.inject({ kind: 'context', cid: 2 }),
      () => module.faults.inject({ kind: 'silence', port, forMs: 3000 }),
      () => module.faults.inject({ kind: 'coverage', forMs: 2000 }),
    ];
    faults[Math.floor(random() * faults.length)]?.();
  };
  return { module, gateway, traffic, strike, outages: () => outages };
}

const running = await Promise.all(Array.from({ length: lines }, startLine));
const samples: MemorySample[] = [];
const [beganMs, cpuBefore] = [performance.now(), process.cpuUsage()];
const endMs = beganMs + minutes * 60_000;
// The last part is without faults: what it takes to be up again is no part of what is measured.
const calmMs = endMs - Math.min(20_000, minutes * 20_000);
let nextFaultMs = beganMs + FAULT_EVERY_MS / 2;
while (performance.now() < endMs) {
  await new Promise((resolve) => setTimeout(resolve, 1000));
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  samples.push({ atMs: performance.now() - beganMs, rssBytes: rss, heapBytes: heapUsed });
  if (process.stderr.isTTY || samples.length % 30 === 0) {
    const text = `${samples.length} s of ${Math.round(minutes * 60)} s, ${running.reduce((total, { outages }) => total + outages(), 0)} outages ended, RSS ${Math.round(rss / 1e6)} MB`;
    process.stderr.write(process.stderr.isTTY ? `\r${text} ` : `${text}\n`);
  }
  if (options.faults && performance.now() >= nextFaultMs && performance.now() < calmMs) {
    nextFaultMs += FAULT_EVERY_MS;
    for (const { strike } of running) strike();
  }
}
const seconds = (performance.now() - beganMs) / 1000;
const { user, system } = process.cpuUsage(cpuBefore);
const states = running.map(({ gateway }) => gateway.state);
for (const state of states) if (state !== 'up') problems.push(`a gateway is ${state} at the end`);
for (const { module, gateway, traffic } of running) {
  module.faults.clear();
  await traffic.stop();
  await gateway.stop();
  await module.close();
  for (const [what, count] of Object.entries(traffic.unexplained)) problems.push(`${what}: ${count}`);
}
await echo[Symbol.asyncDispose]();
await new Promise((resolve) => setTimeout(resolve, 500));
const left = process.getActiveResourcesInfo();
if (left.length > handlesBefore + 1) problems.push(`handles left: ${left.join(', ')}`);
const listeners = countListeners() - listenersBefore;
if (listeners !== 0) problems.push(`listeners of the process left: ${listeners}`);
const half = samples.slice(Math.floor(samples.length / 2));
const heapGrowth = growthPerMinute(half, ({ heapBytes }) => heapBytes);
if (globalThis.gc !== undefined && minutes >= 2 && heapGrowth > HEAP_GROWTH_LIMIT_BYTES) {
  problems.push(`the heap grows by ${(heapGrowth / 1e6).toFixed(2)} MB a minute`);
}
const folder = join(import.meta.dirname, '../../test-artefacts');
await mkdir(folder, { recursive: true });
await writeFile(join(folder, 'soak-memory.svg'), memoryPlot(samples));

const sum = (of: (one: (typeof running)[number]) => number): number =>
  running.reduce((total, one) => total + of(one), 0);
const rss = samples.at(-1)?.rssBytes ?? 0;
if (process.stderr.isTTY) process.stderr.write('\n');
console.log(`outages that ended: ${sum(({ outages }) => outages())}`);
for (const name of ['sockets', 'ppp', 'at'] as const) {
  const unit = name === 'sockets' ? 'octets' : name === 'ppp' ? 'pings' : 'commands';
  const [sent, delivered, told] = (['sent', 'delivered', 'told'] as const).map((key) =>
    sum(({ traffic }) => traffic[name][key]),
  );
  console.log(`${name}: ${sent} ${unit} sent, ${delivered} delivered, ${told} told lost`);
}
console.log(`CPU ${((user + system) / 1e4 / seconds / lines).toFixed(1)} % of a core for each line`);
console.log(
  `RSS ${(rss / 1e6 / lines).toFixed(1)} MB for each line; heap ${(heapGrowth / 1e3).toFixed(0)} kB a minute`,
);
console.log('memory over time: test-artefacts/soak-memory.svg');
for (const problem of problems) console.error(`soak: ${problem}`);
console.log(problems.length === 0 ? 'soak: all accounted for' : `soak: failed, seed ${seed}`);
process.exitCode = problems.length === 0 ? 0 : 1;
