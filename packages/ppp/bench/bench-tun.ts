import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { openTun } from '../src/tun/index.ts';
import type { BenchRow } from './bench-ppp.ts';

const run = promisify(execFile);
const NETNS = `cmxbench${process.pid}`;
const SECONDS = 2;
const PACKET_BYTES = 100;

/** Sends datagrams into the device as fast as one process can; the kernel drops what is too much. */
const FLOOD = `
  const net = require('node:dgram').createSocket('udp4');
  const body = Buffer.alloc(${PACKET_BYTES - 28});
  net.bind(0, '10.93.0.1', () => net.connect(9, '10.93.0.2', () => {
    const end = Date.now() + ${SECONDS * 1000};
    const turn = () => {
      for (let i = 0; i < 64; i++) net.send(body, () => undefined);
      if (Date.now() < end) setImmediate(turn); else net.close();
    };
    turn();
  }));
`;

/** Packets a second through a TUN device, each way; nothing where it may not be made. */
export async function benchTun(): Promise<BenchRow[]> {
  try {
    await run('ip', ['netns', 'add', NETNS]);
  } catch {
    return [];
  }
  try {
    return [await readRow(), await writeRow()];
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_PPP_TUN_NOT_PERMITTED') return [];
    throw error;
  } finally {
    await run('ip', ['netns', 'del', NETNS]);
  }
}

async function readRow(): Promise<BenchRow> {
  await using tun = await openTun({ netns: NETNS, localAddress: '10.93.0.1', peerAddress: '10.93.0.2' });
  let packets = 0;
  let firstMs = 0;
  let lastMs = 0;
  tun.packets$.subscribe(() => {
    lastMs = performance.now();
    if (packets++ === 0) firstMs = lastMs;
  });
  await run('ip', ['netns', 'exec', NETNS, process.execPath, '-e', FLOOD]);
  return { package: 'ppp', name: `TUN read, ${PACKET_BYTES} octets`, value: (packets / (lastMs - firstMs)) * 1000, unit: 'packets/s' };
}

async function writeRow(): Promise<BenchRow> {
  await using tun = await openTun({ netns: NETNS, localAddress: '10.93.0.1', peerAddress: '10.93.0.2' });
  // UDP to a port where nobody listens would cost an ICMP answer each: to an address that is not ours it ends in routing.
  const packet = new Uint8Array(PACKET_BYTES);
  packet.set([0x45, 0, 0, PACKET_BYTES, 0, 0, 0, 0, 64, 17, 0, 0, 10, 93, 0, 2, 10, 99, 99, 99]);
  const count = 100_000;
  const start = performance.now();
  for (let index = 0; index < count; index++) if (!tun.write(packet)) throw new Error('a packet was not taken');
  return { package: 'ppp', name: `TUN write, ${PACKET_BYTES} octets`, value: (count / (performance.now() - start)) * 1000, unit: 'packets/s' };
}
