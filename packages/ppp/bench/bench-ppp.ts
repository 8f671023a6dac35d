import { memoryPair } from '@cellmux/port';
import { FrameDecoder, FrameEncoder, maximumFrameBytes, PppLink, PROTOCOL } from '../src/index.ts';
import { benchTun } from './bench-tun.ts';
import { BytewiseDecoder, bytewiseEncode } from './bytewise-coder.ts';

/** One figure; `ratio` is this package over what it is measured against, more is better. */
export interface BenchRow {
  readonly package: string;
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly against?: string;
  readonly ratio?: number;
}

const AGAINST = 'plain bytewise coder, same run';
const ROUNDS = 41;
/** Octets of packets coded in one measurement. */
const WORK_BYTES = 600_000;

/** Chunks as a line at full speed brings them. */
const CHUNK_BYTES = 4096;

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] as number;

/** Octets that look random and are the same in every run. */
function randomPacket(octets: number, seed: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length: octets }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
}

/** Milliseconds of two pieces of work, in turns, so that a noisy machine is noisy for both. */
function inTurns(mine: () => void, plain: () => void): { mineMs: number; ratio: number } {
  const time = (work: () => void): number => {
    const start = performance.now();
    work();
    return performance.now() - start;
  };
  for (let round = 0; round < 3; round++) {
    mine();
    plain();
  }
  const rounds = Array.from({ length: ROUNDS }, (_, round) => {
    if (round % 2 === 0) {
      const mineMs = time(mine);
      return { mineMs, plainMs: time(plain) };
    }
    const plainMs = time(plain);
    return { mineMs: time(mine), plainMs };
  });
  return {
    mineMs: median(rounds.map(({ mineMs }) => mineMs)),
    ratio: median(rounds.map(({ mineMs, plainMs }) => plainMs / mineMs)),
  };
}

function codecRows(packetBytes: number, accm: number, chunkBytes: number): BenchRow[] {
  const count = Math.ceil(WORK_BYTES / packetBytes);
  const packets = Array.from({ length: 64 }, (_, seed) => randomPacket(packetBytes, seed + 1));
  const target = new Uint8Array(maximumFrameBytes(packetBytes));
  const encoder = new FrameEncoder({ accm, pfc: false, acfc: false });
  const wire = new Uint8Array(maximumFrameBytes(packetBytes) * count);
  let end = 0;
  for (let index = 0; index < count; index++)
    end = encoder.encode(PROTOCOL.IPv4, packets[index & 63] as Uint8Array, wire, end);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < end; at += chunkBytes) chunks.push(wire.slice(at, Math.min(end, at + chunkBytes)));
  let octets = 0;
  const onFrame = (_protocol: number, information: Uint8Array): void => {
    octets += information.length;
  };
  const decoder = new FrameDecoder({ maximumInformationBytes: 1500, onFrame });
  decoder.accm = accm;
  const plainDecoder = new BytewiseDecoder(accm, onFrame);
  const encode = inTurns(
    () => {
      for (let index = 0; index < count; index++)
        encoder.encode(PROTOCOL.IPv4, packets[index & 63] as Uint8Array, target, 0);
    },
    () => {
      for (let index = 0; index < count; index++)
        bytewiseEncode(PROTOCOL.IPv4, packets[index & 63] as Uint8Array, accm, target, 0);
    },
  );
  const decode = inTurns(
    () => {
      for (const chunk of chunks) decoder.decode(chunk);
    },
    () => {
      for (const chunk of chunks) plainDecoder.decode(chunk);
    },
  );
  if (octets !== 2 * (ROUNDS + 3) * count * packetBytes) throw new Error('a frame was lost');
  const row = (name: string, { mineMs, ratio }: { mineMs: number; ratio: number }): BenchRow => ({
    package: 'ppp',
    name,
    value: (count * packetBytes) / 1000 / mineMs,
    unit: 'MB/s',
    against: AGAINST,
    ratio,
  });
  const label = `${packetBytes} octets, ACCM ${accm.toString(16)}`;
  return [
    ...(chunkBytes === CHUNK_BYTES ? [row(`encode, ${label}`, encode)] : []),
    row(`decode, ${label}, chunks of ${chunkBytes}`, decode),
  ];
}

async function linkRows(packetBytes: number): Promise<BenchRow[]> {
  const { dte, dce } = memoryPair({ backlogLimitBytes: 2 ** 24 });
  const options = { sendQueuePackets: 4096, batchBytes: 16_384 } as const;
  const near = new PppLink(dte, options);
  const far = new PppLink(dce, { ...options, role: 'server', peerAddress: '10.0.0.2' });
  await Promise.all([near.open(), far.open()]);
  let heard = 0;
  far.packets$.subscribe(() => heard++);
  const packets = Array.from({ length: 64 }, (_, seed) => randomPacket(packetBytes, seed + 1).fill(0x45, 0, 1));
  const perRound = Math.ceil((packetBytes > 100 ? 8_000_000 : 2_000_000) / packetBytes);
  const times: number[] = [];
  for (let round = 0; round < 9; round++) {
    const start = performance.now();
    for (let sent = 0; sent < perRound; ) {
      const burst: Promise<void>[] = [];
      for (; burst.length < 256 && sent < perRound; sent++) burst.push(near.send(packets[sent & 63] as Uint8Array));
      await Promise.all(burst);
    }
    if (round > 1) times.push(performance.now() - start);
  }
  if (heard !== 9 * perRound) throw new Error(`${9 * perRound - heard} packets were lost`);
  await near.close();
  await far.ended;
  const ms = median(times);
  return packetBytes > 100
    ? [{ package: 'ppp', name: `link to link, ${packetBytes} octets`, value: (perRound * packetBytes) / 1000 / ms, unit: 'MB/s' }]
    : [{ package: 'ppp', name: `link to link, ${packetBytes} octets`, value: (perRound / ms) * 1000, unit: 'packets/s' }];
}

async function establishmentRow(): Promise<BenchRow> {
  const times: number[] = [];
  for (let round = 0; round < 60; round++) {
    const { dte, dce } = memoryPair();
    const near = new PppLink(dte, { user: 'u', password: 'p' });
    const far = new PppLink(dce, { role: 'server', auth: 'pap', verify: () => 'p', peerAddress: '10.0.0.2' });
    const start = performance.now();
    void far.open();
    await near.open();
    if (round >= 10) times.push(performance.now() - start);
    await near.close();
    await far.close({ signal: AbortSignal.abort() });
  }
  return { package: 'ppp', name: 'establishment with PAP over memory', value: median(times), unit: 'ms' };
}

/** The figures of this package. Rows of TUN are left out where it is not permitted. */
export async function benchPpp(): Promise<BenchRow[]> {
  return [
    ...codecRows(1500, 0, CHUNK_BYTES),
    ...codecRows(1500, 0xffffffff, CHUNK_BYTES),
    ...codecRows(1500, 0, 127),
    ...codecRows(40, 0, CHUNK_BYTES),
    ...codecRows(40, 0xffffffff, CHUNK_BYTES),
    ...(await linkRows(1500)),
    ...(await linkRows(40)),
    await establishmentRow(),
    ...(await benchTun()),
  ];
}
