import { setImmediate as immediate } from 'node:timers/promises';
import { memoryPair } from '@cellmux/port';
import { FedPort, pseudoRandom, steadyCpuSeconds, type BenchRow, type Target } from '../../port/bench/index.ts';
import { CONTROL, encodeAdvanced, encodeBasic, Multiplexer, type DlcPort } from '../src/index.ts';
import { comparedRow } from './codec-rows.ts';
import { CHUNKS, frameStream, N1S, plainDeframing, type Option } from './frame-stream.ts';

/** From octets of the line to a subscriber of a DLC's port: all there is of receiving. */
export async function* subscriberRows(budgetMs: number): AsyncGenerator<BenchRow> {
  for (const option of ['basic', 'advanced'] as const) {
    for (const n1 of N1S) {
      for (const [chunkOctets, chunkName] of CHUNKS) {
        const stream = frameStream(option, n1, chunkOctets);
        const { line, port } = await openOnFedLine(option, n1);
        let octets = 0;
        port.received$.subscribe((bytes) => {
          octets += bytes.length;
        });
        yield comparedRow(
          `line to a port's subscriber, ${option}, N1 ${n1}, ${chunkName}`,
          stream.payloadOctets,
          budgetMs,
          [
            () => {
              octets = 0;
              for (const chunk of stream.chunks) line.receive(chunk);
              return octets;
            },
            plainDeframing(option, n1, stream),
          ],
          subscriberTarget(option, n1, chunkOctets),
        );
      }
    }
  }
}

function subscriberTarget(option: Option, n1: number, chunkOctets: number): Target | undefined {
  if (chunkOctets === 64) return { of: 'ratio', atLeast: 1.3 };
  if (option === 'advanced') return n1 === 31 ? undefined : { of: 'ratio', atLeast: 2.5 };
  return { of: 'ratio', atLeast: n1 === 31 ? 4 : 9 };
}

/** A multiplexer on a line fed by hand, whose peer answers SABM on DLCI 0 and 1. */
async function openOnFedLine(option: Option, n1: number): Promise<{ line: FedPort; port: DlcPort }> {
  const line = new FedPort();
  const multiplexer = new Multiplexer(line, { role: 'initiator', option, n1 });
  const answer = (dlci: number): void => {
    const ua = new Uint8Array(16);
    const encode = option === 'basic' ? encodeBasic : encodeAdvanced;
    line.receive(ua.slice(0, encode(ua, 0, (dlci << 2) | 3, CONTROL.UA | 0x10, ua, 0, 0)));
  };
  const starting = multiplexer.start();
  answer(0);
  await starting;
  const opening = multiplexer.open(1);
  answer(1);
  return { line, port: await opening };
}

interface OpenPair {
  readonly host: Multiplexer;
  readonly module: Multiplexer;
  readonly near: DlcPort;
  readonly far: DlcPort;
}

async function openPair(n1: number): Promise<OpenPair> {
  const { dte, dce } = memoryPair();
  const host = new Multiplexer(dte, { n1 });
  const module = new Multiplexer(dce, { n1, role: 'responder' });
  void module.start();
  await host.start();
  const near = await host.open(1);
  return { host, module, near, far: module.ports.get(1) as DlcPort };
}

/** Sends octets over a DLC until all have arrived. */
async function transfer(near: DlcPort, octets: number, received: () => number): Promise<void> {
  const block = pseudoRandom(64 * 1024);
  const until = received() + octets;
  for (let sent = 0; sent < octets; sent += block.length) await near.send(block);
  while (received() < until) await immediate();
}

/** Two multiplexers back to back over memory: both ends and both directions of the line, on one core. */
export async function* backToBackRows(mebibytes: number): AsyncGenerator<BenchRow> {
  for (const n1 of N1S) {
    const { host, module, near, far } = await openPair(n1);
    let received = 0;
    far.received$.subscribe((bytes) => {
      received += bytes.length;
    });
    const octets = mebibytes * 2 ** 20;
    let frames = 0;
    const seconds = await steadyCpuSeconds(async () => {
      const framesBefore = module.counters.frames;
      await transfer(near, octets, () => received);
      frames = module.counters.frames - framesBefore;
    });
    const alone = { package: 'cmux', name: `two multiplexers over memory, N1 ${n1}`, against: '', ratio: null };
    yield { ...alone, value: octets / seconds / 1e6, unit: 'MB/s per core' };
    yield { ...alone, value: frames / seconds, unit: 'frames/s per core' };
    await host.close();
  }
}

/** Octets in use, after all garbage is collected. */
async function memoryOctets(): Promise<number> {
  const { gc } = globalThis as { gc?: () => void };
  if (gc === undefined) throw new Error('memory is measured with node --expose-gc');
  for (let turn = 0; turn < 4; turn++) {
    gc();
    await immediate();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Growth that counts as none: the heap breathes, and the compiler puts code there. One octet kept a frame would be more. */
const NO_GROWTH_KIB = 512;

/** Memory of a DLC: what an idle one takes, and what many octets through it leave behind. */
export async function* memoryRows(mebibytes: number): AsyncGenerator<BenchRow> {
  const alone = { package: 'cmux', against: '', ratio: null, unit: 'KiB' };
  {
    const { host, near } = await openPair(127);
    const before = await memoryOctets();
    for (let dlci = 2; dlci <= 61; dlci++) await host.open(dlci);
    const after = await memoryOctets();
    yield { ...alone, name: 'memory of one more open DLC, both ends of it', value: (after - before) / 60 / 1024 };
    await near.close();
    await host.close();
  }
  const { host, near, far } = await openPair(1500);
  let received = 0;
  far.received$.subscribe((bytes) => {
    received += bytes.length;
  });
  await transfer(near, 2 ** 25, () => received);
  const before = await memoryOctets();
  await transfer(near, mebibytes * 2 ** 20, () => received);
  const after = await memoryOctets();
  await host.close();
  yield {
    ...alone,
    name: `memory that ${mebibytes} MiB through one DLC leave behind`,
    value: (after - before) / 1024,
    target: { of: 'value', atMost: NO_GROWTH_KIB },
  };
}
