import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { hasCode } from '@cellmux/port';
import { cpuSeconds, type BenchRow, type BenchSkip } from '../../port/bench/index.ts';
import { openTun } from '../src/tun/index.ts';

const run = promisify(execFile);
const NETNS = `cmxbench${process.pid}`;
const PACKET_BYTES = 100;
const TARGET = { of: 'value', atLeast: 100_000 } as const;

const KOFFI = createRequire(import.meta.url).resolve('koffi');

/**
 * Sends datagrams into the device as fast as one process can, by calls of libc: Node's own sockets are slower than what
 * is measured. The kernel drops what is too much.
 */
const flood = (ms: number): string => `
  const libc = require(${JSON.stringify(KOFFI)}).load(null);
  const [AF_INET, SOCK_DGRAM, MSG_DONTWAIT] = [2, 2, 0x40];
  const send = libc.func('long send(int, void *, size_t, int)');
  const fd = libc.func('int socket(int, int, int)')(AF_INET, SOCK_DGRAM, 0);
  const address = Buffer.from([AF_INET, 0, 0, 9, 10, 93, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0]);
  libc.func('int connect(int, void *, int)')(fd, address, address.length);
  const body = Buffer.alloc(${PACKET_BYTES - 28});
  const end = Date.now() + ${ms};
  while (Date.now() < end) for (let i = 0; i < 64; i++) send(fd, body, body.length, MSG_DONTWAIT);
`;

/** Packets a second through a TUN device, each way. */
export async function* benchTun(ms: number): AsyncGenerator<BenchRow | BenchSkip> {
  const skip = (skipped: string): BenchSkip => ({ package: 'ppp', name: 'TUN', skipped });
  try {
    await run('ip', ['netns', 'add', NETNS]);
  } catch {
    yield skip('a network namespace may not be made here (Linux, root and the Debian package iproute2 are needed)');
    return;
  }
  try {
    yield* readRows(ms);
    yield* writeRows(ms);
  } catch (error) {
    if (!hasCode(error, 'ERR_PPP_TUN_NOT_PERMITTED')) throw error;
    yield skip((error as Error).message);
  } finally {
    await run('ip', ['netns', 'del', NETNS]);
  }
}

function* rows(way: string, packets: number, wallSeconds: number, coreSeconds: number): Generator<BenchRow> {
  const common = { package: 'ppp', name: `TUN ${way}, ${PACKET_BYTES} octets`, against: '', ratio: null };
  yield { ...common, value: packets / wallSeconds, unit: 'packets/s', target: TARGET };
  yield { ...common, value: packets / coreSeconds, unit: 'packets/s per core' };
}

async function* readRows(ms: number): AsyncGenerator<BenchRow> {
  await using tun = await openTun({ netns: NETNS, localAddress: '10.93.0.1', peerAddress: '10.93.0.2' });
  let packets = 0;
  let [firstMs, lastMs] = [0, 0];
  let [first, last] = [process.cpuUsage(), process.cpuUsage()];
  tun.packets$.subscribe(() => {
    // Not at each packet: looking at the clocks costs more than taking one.
    if (packets++ % 256 !== 0) return;
    lastMs = performance.now();
    last = process.cpuUsage();
    if (packets > 1) return;
    firstMs = lastMs;
    first = last;
  });
  await run('ip', ['netns', 'exec', NETNS, process.execPath, '-e', flood(ms)]);
  const seconds = (usage: NodeJS.CpuUsage): number => (usage.user + usage.system) / 1e6;
  yield* rows('read', packets, (lastMs - firstMs) / 1000, seconds(last) - seconds(first));
}

async function* writeRows(ms: number): AsyncGenerator<BenchRow> {
  await using tun = await openTun({ netns: NETNS, localAddress: '10.93.0.1', peerAddress: '10.93.0.2' });
  // UDP to a port where nobody listens would cost an ICMP answer each: to an address that is not ours it ends in routing.
  const packet = new Uint8Array(PACKET_BYTES);
  packet.set([0x45, 0, 0, PACKET_BYTES, 0, 0, 0, 0, 64, 17, 0, 0, 10, 93, 0, 2, 10, 99, 99, 99]);
  let packets = 0;
  const startMs = performance.now();
  const coreSeconds = await cpuSeconds(async () => {
    while (performance.now() - startMs < ms) {
      for (let index = 0; index < 1000; index++) if (!tun.write(packet)) throw new Error('a packet was not taken');
      packets += 1000;
      await Promise.resolve();
    }
  });
  yield* rows('write', packets, (performance.now() - startMs) / 1000, coreSeconds);
}
