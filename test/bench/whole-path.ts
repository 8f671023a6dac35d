import { Multiplexer } from '@cellmux/cmux';
import { concatBytes, memoryPair } from '@cellmux/port';
import { PppLink } from '@cellmux/ppp';
import { firstValueFrom } from 'rxjs';
import { BasicOctetMachine } from '../../packages/cmux/bench/octet-machine.ts';
import {
  inTurns,
  pseudoRandom,
  steadyCpuSeconds,
  type BenchOptions,
  type BenchRow,
} from '../../packages/port/bench/index.ts';
import { BytewiseDecoder } from '../../packages/ppp/bench/bytewise-coder.ts';
import { SwitchedLine } from './switched-line.ts';

const PLAIN = 'plain CMUX and PPP, octet by octet';
/** What a read of a busy line gives. */
const CHUNK_OCTETS = 4096;
const PACKET_SIZES: readonly number[] = [1500, 40];
const N1S: readonly number[] = [127, 1500];
/** Packets that are under way at once. */
const BURST = 128;

interface Stack {
  readonly line: SwitchedLine;
  readonly near: PppLink;
  readonly far: PppLink;
}

/** A host and a module, each with line, CMUX and PPP on DLCI 1, joined in memory. */
async function openStack(n1: number): Promise<Stack> {
  const { dte, dce } = memoryPair();
  const line = new SwitchedLine(dte);
  const host = new Multiplexer(line, { n1 });
  const module = new Multiplexer(dce, { n1, role: 'responder' });
  const incoming = firstValueFrom(module.incoming$);
  void module.start();
  await host.start();
  const near = new PppLink(await host.open(1), { sendQueuePackets: 2 * BURST });
  const far = new PppLink(await incoming, { role: 'server', peerAddress: '10.0.0.2', sendQueuePackets: 2 * BURST });
  await Promise.all([near.open(), far.open()]);
  return { line, near, far };
}

async function sendAll(link: PppLink, packets: readonly Uint8Array[], count: number): Promise<void> {
  for (let sent = 0; sent < count;) {
    const burst: Promise<void>[] = [];
    for (; burst.length < BURST && sent < count; sent++)
      burst.push(link.send(packets[sent % packets.length] as Uint8Array));
    await Promise.all(burst);
  }
}

/** Line, CMUX and PPP together: octets in, packets out, and back. */
export async function* benchStack({ quick }: BenchOptions): AsyncGenerator<BenchRow> {
  for (const n1 of N1S) {
    for (const packetBytes of PACKET_SIZES) {
      const stack = await openStack(n1);
      const name = `${packetBytes}-octet packets, N1 ${n1}`;
      yield await bothEndsRow(stack, name, packetBytes, quick ? 5e6 : 12e6);
      yield await receiveRow(stack, name, packetBytes, n1, quick ? 500 : 1500);
      yield await sendRow(stack, name, packetBytes, quick ? 5e6 : 12e6);
    }
  }
}

function rateRow(name: string, packets: number, packetBytes: number, seconds: number): BenchRow {
  const isLarge = packetBytes > 100;
  return {
    package: 'stack',
    name,
    value: isLarge ? (packets * packetBytes) / seconds / 1e6 : packets / seconds,
    unit: isLarge ? 'MB/s per core' : 'packets/s per core',
    against: '',
    ratio: null,
    target: { of: 'value', atLeast: isLarge ? 50 : 200_000 },
  };
}

function packetsOf(packetBytes: number): Uint8Array[] {
  return Array.from({ length: 64 }, (_, seed) => pseudoRandom(packetBytes, seed + 1).fill(0x45, 0, 1));
}

/** Packets both ways at once through both ends: each is sent and received on the same core. */
async function bothEndsRow({ near, far }: Stack, name: string, packetBytes: number, octets: number): Promise<BenchRow> {
  let heard = 0;
  const subscriptions = [near, far].map(({ packets$ }) => packets$.subscribe(() => heard++));
  const packets = packetsOf(packetBytes);
  const count = Math.ceil(octets / packetBytes / 2);
  const both = async (): Promise<void> => {
    await Promise.all([sendAll(near, packets, count), sendAll(far, packets, count)]);
  };
  const seconds = await steadyCpuSeconds(async () => {
    heard = 0;
    await both();
    if (heard !== 2 * count) throw new Error(`${heard} packets arrived of ${2 * count}`);
  });
  for (const subscription of subscriptions) subscription.unsubscribe();
  return rateRow(
    `packet, PPP, CMUX, line, CMUX, PPP, packet; both ways at once: ${name}`,
    2 * count,
    packetBytes,
    seconds,
  );
}

/** What the far end has sent, played to this end again and again. */
async function receiveRow(
  { line, near, far }: Stack,
  name: string,
  packetBytes: number,
  n1: number,
  budgetMs: number,
): Promise<BenchRow> {
  const packets = packetsOf(packetBytes);
  const count = Math.ceil(256_000 / packetBytes);
  line.recorded = [];
  await sendAll(far, packets, count);
  const sent = concatBytes(line.recorded);
  line.recorded = undefined;
  line.isCut = true;
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < sent.length; at += CHUNK_OCTETS) chunks.push(sent.slice(at, at + CHUNK_OCTETS));
  let heard = 0;
  const subscription = near.packets$.subscribe(() => heard++);
  let heardPlainly = 0;
  const decoder = new BytewiseDecoder(0, () => heardPlainly++);
  const machine = new BasicOctetMachine(n1, ({ info }) => {
    decoder.decode(info);
  });
  const { ms, ratios } = inTurns(budgetMs, [
    () => {
      heard = 0;
      for (const chunk of chunks) line.receive(chunk);
      if (heard !== count) throw new Error(`${heard} packets arrived of ${count}`);
      return heard;
    },
    () => {
      heardPlainly = 0;
      for (const chunk of chunks) machine.receive(chunk);
      if (heardPlainly !== count) throw new Error(`${heardPlainly} packets arrived of ${count}`);
      return heardPlainly;
    },
  ]);
  subscription.unsubscribe();
  const row = rateRow(`line, CMUX, PPP, packet: ${name}`, count, packetBytes, (ms[0] as number) / 1000);
  const plain = rateRow('', count, packetBytes, (ms[1] as number) / 1000);
  return { ...row, against: `${PLAIN}: ${Math.round(plain.value)} ${plain.unit}`, ratio: ratios[1] as number };
}

/** Packets from this end to a line that takes everything. */
async function sendRow({ line, near }: Stack, name: string, packetBytes: number, octets: number): Promise<BenchRow> {
  line.isCut = true;
  const packets = packetsOf(packetBytes);
  const count = Math.ceil(octets / packetBytes);
  const seconds = await steadyCpuSeconds(async () => {
    const before = line.octetsSent;
    await sendAll(near, packets, count);
    if (line.octetsSent - before < count * packetBytes) throw new Error('not all packets have left');
  });
  return rateRow(`packet, PPP, CMUX, line: ${name}`, count, packetBytes, seconds);
}
