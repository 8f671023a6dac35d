import type { AbortOptions, Circuits, Port } from '@cellmux/port';
import { IDLE_CIRCUITS, memoryPair, ReceiveStream } from '@cellmux/port';
import { of } from 'rxjs';
import {
  AdvancedDeframer,
  advancedFrameLimit,
  BASIC_OVERHEAD,
  BasicDeframer,
  CONTROL,
  encodeAdvanced,
  encodeBasic,
  encodeBasicFrame,
  Multiplexer,
  type DlcPort,
  type FrameSink,
} from '../src/index.ts';
import { fastest, type BenchRow } from './bench-row.ts';
import {
  AdvancedOctetMachine,
  BasicOctetMachine,
  encodeOctets,
  encodeOctetsAdvanced,
  type OctetFrame,
} from './octet-machine.ts';

type Option = 'basic' | 'advanced';

const STREAM_OCTETS = 64 * 1024;
const ADDRESS = 0x05;

/** Counts what arrives, so that nothing can be left out as unused. */
class Count implements FrameSink {
  octets = 0;

  frame(_bytes: Uint8Array, _address: number, _control: number, start: number, end: number): void {
    this.octets = (this.octets + end - start) & 0xfffffff;
  }

  noise(): void {
    return;
  }

  readonly whole = ({ info }: OctetFrame): void => {
    this.octets = (this.octets + info.length) & 0xfffffff;
  };
}

/** Pseudo-random octets: escapes come as often as in any data without a pattern. */
function payload(octets: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(octets);
  let state = seed;
  for (let index = 0; index < octets; index++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[index] = state >>> 16;
  }
  return bytes;
}

function frameOf(option: Option, info: Uint8Array): Uint8Array {
  if (option === 'basic') return encodeBasicFrame(ADDRESS, CONTROL.UIH, info);
  const out = new Uint8Array(advancedFrameLimit(info.length));
  return out.slice(0, encodeAdvanced(out, 0, ADDRESS, CONTROL.UIH, info, 0, info.length));
}

interface Stream {
  readonly chunks: readonly Uint8Array[];
  readonly payloadOctets: number;
  readonly frames: number;
}

function stream(option: Option, n1: number, chunkOctets: number): Stream {
  const parts: Uint8Array[] = [];
  let length = 0;
  while (length < STREAM_OCTETS) {
    const frame = frameOf(option, payload(n1, parts.length + 1));
    parts.push(frame);
    length += frame.length;
  }
  const all = new Uint8Array(Buffer.concat(parts));
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < all.length; at += chunkOctets) chunks.push(all.slice(at, at + chunkOctets));
  return { chunks, payloadOctets: parts.length * n1, frames: parts.length };
}

function machineOf(option: Option, n1: number, onFrame: (frame: OctetFrame) => void): BasicOctetMachine | AdvancedOctetMachine {
  return option === 'basic' ? new BasicOctetMachine(n1, onFrame) : new AdvancedOctetMachine(n1, onFrame);
}

function row(name: string, megabytes: number, plain: number): BenchRow {
  return {
    package: 'cmux',
    name,
    value: Math.round(megabytes),
    unit: 'MB/s',
    against: `plain per-octet state machine, ${Math.round(plain)} MB/s`,
    ratio: Math.round((megabytes / plain) * 10) / 10,
  };
}

function feed(receiver: { receive(chunk: Uint8Array): void }, chunks: readonly Uint8Array[]): () => void {
  return () => {
    for (const chunk of chunks) receiver.receive(chunk);
  };
}

function deframers(rounds: number): BenchRow[] {
  const rows: BenchRow[] = [];
  for (const option of ['basic', 'advanced'] as const) {
    for (const n1 of [31, 127, 1500]) {
      for (const chunkOctets of [65_536, 64]) {
        const { chunks, payloadOctets } = stream(option, n1, chunkOctets);
        const count = new Count();
        const ours = option === 'basic' ? new BasicDeframer(count, { n1 }) : new AdvancedDeframer(count, { n1 });
        const [fast = 0, plain = 0] = fastest(rounds, [
          feed(ours, chunks),
          feed(machineOf(option, n1, count.whole), chunks),
        ]);
        const chunk = chunkOctets === 64 ? '64-octet' : '64-KiB';
        rows.push(
          row(`deframer, ${option}, N1 ${n1}, ${chunk} chunks`, payloadOctets / fast / 1e3, payloadOctets / plain / 1e3),
        );
      }
    }
  }
  return rows;
}

function encoders(rounds: number): BenchRow[] {
  const rows: BenchRow[] = [];
  for (const option of ['basic', 'advanced'] as const) {
    for (const n1 of [31, 127, 1500]) {
      const frames = Math.ceil(STREAM_OCTETS / n1);
      const data = payload(frames * n1);
      const limit = option === 'basic' ? n1 + BASIC_OVERHEAD : advancedFrameLimit(n1);
      const out = new Uint8Array(frames * limit);
      let octets = 0;
      const ours = (): void => {
        let at = 0;
        for (let from = 0; from < data.length; from += n1) {
          at =
            option === 'basic'
              ? encodeBasic(out, at, ADDRESS, CONTROL.UIH, data, from, from + n1)
              : encodeAdvanced(out, at, ADDRESS, CONTROL.UIH, data, from, from + n1);
        }
        octets += at;
      };
      const plain = (): void => {
        const encode = option === 'basic' ? encodeOctets : encodeOctetsAdvanced;
        for (let from = 0; from < data.length; from += n1)
          octets += encode(ADDRESS, CONTROL.UIH, data.subarray(from, from + n1)).length;
      };
      const [fast = 0, slow = 0] = fastest(rounds, [ours, plain]);
      rows.push(row(`encoder, ${option}, N1 ${n1}`, data.length / fast / 1e3, data.length / slow / 1e3));
      if (octets === 0) throw new Error('nothing was encoded');
    }
  }
  return rows;
}

/** A line that is fed by hand, so that what is measured is the way from its bytes to a subscriber of a DLC's port. */
class FedLine implements Port {
  readonly name = 'fed';
  readonly role = 'dte';
  readonly circuits: Circuits = IDLE_CIRCUITS;
  readonly circuits$ = of(IDLE_CIRCUITS);
  readonly isClosed = false;
  readonly #stream = new ReceiveStream({ name: 'fed' });
  readonly received$ = this.#stream.bytes$;

  receive(chunk: Uint8Array): void {
    this.#stream.push(chunk);
  }

  send(_bytes: Uint8Array, _options?: AbortOptions): Promise<void> {
    return Promise.resolve();
  }

  pause(): void {
    return;
  }

  resume(): void {
    return;
  }

  setCircuits(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

async function toSubscriber(rounds: number): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const option of ['basic', 'advanced'] as const) {
    for (const n1 of [31, 127, 1500]) {
      for (const chunkOctets of [65_536, 64]) {
        const { chunks, payloadOctets } = stream(option, n1, chunkOctets);
        const line = new FedLine();
        const multiplexer = new Multiplexer(line, { role: 'initiator', option, n1 });
        const started = multiplexer.start();
        const answer = (dlci: number): void => {
          const address = (dlci << 2) | 3;
          const ua = new Uint8Array(16);
          const end =
            option === 'basic'
              ? encodeBasic(ua, 0, address, 0x73, ua, 0, 0)
              : encodeAdvanced(ua, 0, address, 0x73, ua, 0, 0);
          line.receive(ua.slice(0, end));
        };
        answer(0);
        await started;
        const opening = multiplexer.open(1);
        answer(1);
        const port = await opening;
        const count = new Count();
        port.received$.subscribe((bytes) => {
          count.octets = (count.octets + bytes.length) & 0xfffffff;
        });
        const [ours = 0, plain = 0] = fastest(rounds, [
          feed(line, chunks),
          feed(machineOf(option, n1, count.whole), chunks),
        ]);
        const chunk = chunkOctets === 64 ? '64-octet' : '64-KiB';
        rows.push(
          row(
            `bytes in to a port's subscriber, ${option}, N1 ${n1}, ${chunk} chunks`,
            payloadOctets / ours / 1e3,
            payloadOctets / plain / 1e3,
          ),
        );
        await multiplexer.close();
      }
    }
  }
  return rows;
}

/** Two multiplexers back to back over memory: all that there is, both ends on one core. */
async function backToBack(megabytes: number): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const n1 of [31, 127, 1500]) {
    const { dte, dce } = memoryPair();
    const host = new Multiplexer(dte, { n1 });
    const module = new Multiplexer(dce, { n1, role: 'responder' });
    void module.start();
    await host.start();
    const port = await host.open(1);
    const far = module.ports.get(1) as DlcPort;
    let received = 0;
    far.received$.subscribe((bytes) => {
      received += bytes.length;
    });
    const block = payload(64 * 1024);
    const total = megabytes * 1024 * 1024;
    const framesBefore = module.counters.frames;
    const before = process.cpuUsage();
    for (let sent = 0; sent < total; sent += block.length) await port.send(block);
    while (received < total) await new Promise((resolve) => setImmediate(resolve));
    const { user, system } = process.cpuUsage(before);
    const seconds = (user + system) / 1e6;
    const frames = module.counters.frames - framesBefore;
    const alone = { package: 'cmux', against: '', ratio: 0 };
    const name = `two multiplexers back to back over memory, N1 ${n1}`;
    rows.push({ ...alone, name, value: Math.round(received / seconds / 1e6), unit: 'MB/s per core' });
    rows.push({ ...alone, name, value: Math.round(frames / seconds), unit: 'frames/s per core' });
    await host.close();
  }
  return rows;
}

/** Memory of a DLC before and after 1 GiB went through it. */
async function memory(mebibytes: number): Promise<BenchRow> {
  const { dte, dce } = memoryPair();
  const host = new Multiplexer(dte, { n1: 1500 });
  const module = new Multiplexer(dce, { n1: 1500, role: 'responder' });
  void module.start();
  await host.start();
  const port = await host.open(1);
  let received = 0;
  (module.ports.get(1) as DlcPort).received$.subscribe((bytes) => {
    received += bytes.length;
  });
  const block = payload(256 * 1024);
  const run = async (octets: number): Promise<number> => {
    const until = received + octets;
    for (let sent = 0; sent < octets; sent += block.length) await port.send(block);
    while (received < until) await new Promise((resolve) => setImmediate(resolve));
    for (let turn = 0; turn < 4; turn++) {
      (globalThis as { gc?: () => void }).gc?.();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = await run(32 * 1024 * 1024);
  const after = await run(mebibytes * 1024 * 1024);
  await host.close();
  return {
    package: 'cmux',
    name: `memory that ${mebibytes} MiB through one DLC leave behind`,
    value: Math.round((after - before) / 1024),
    unit: 'KiB',
    against: '',
    ratio: 0,
  };
}

/** Options of {@link benchCmux}; smaller figures make a quick look of it. */
export interface BenchCmuxOptions {
  readonly rounds?: number;
  readonly backToBackMebibytes?: number;
  readonly memoryMebibytes?: number;
}

/** All figures of the CMUX package. */
export async function benchCmux(options: BenchCmuxOptions = {}): Promise<BenchRow[]> {
  const { rounds = 300, backToBackMebibytes = 64, memoryMebibytes = 1024 } = options;
  return [
    ...deframers(rounds),
    ...(await toSubscriber(rounds)),
    ...encoders(rounds),
    ...(await backToBack(backToBackMebibytes)),
    await memory(memoryMebibytes),
  ];
}
