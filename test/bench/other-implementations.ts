import { ReadlineParser } from '@serialport/parser-readline';
import { SlipDecoder, SlipEncoder } from '@serialport/parser-slip-encoder';
import { crc16kermit } from 'crc';
import { chunksOf, parsing, repeated, RESPONSES } from '../../packages/at/bench/bench-at.ts';
import { inTurns, pseudoRandom, type BenchOptions, type BenchRow } from '../../packages/port/bench/index.ts';
import { FCS16_INITIAL, fcs16 } from '../../packages/ppp/src/core/fcs16.ts';
import { FrameDecoder, FrameEncoder, maximumFrameBytes, PROTOCOL } from '@cellmux/ppp';

/** Figures against what the registry has. There is no CMUX and no PPP in JavaScript; these are what comes nearest. */
export function* benchOthers(name: 'at' | 'ppp', { quick }: BenchOptions): Generator<BenchRow> {
  const budgetMs = quick ? 100 : 900;
  if (name === 'at') yield linesRow(budgetMs);
  else {
    yield fcsRow(1500, budgetMs);
    yield fcsRow(40, budgetMs);
    yield framesRow(1500, budgetMs);
    yield framesRow(40, budgetMs);
  }
}

/** A parser that classifies responses against one that splits them into lines and does nothing else. */
function linesRow(budgetMs: number): BenchRow {
  const chunks = chunksOf(repeated(RESPONSES), 127);
  const ours = parsing(chunks);
  let lines = 0;
  const readline = (): number => {
    const parser = new ReadlineParser({ delimiter: '\r\n', encoding: 'latin1' });
    lines = 0;
    parser.on('data', (line: string) => {
      if (line !== '') lines++;
    });
    for (const chunk of chunks) parser.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
    // Flowing mode begins in the next tick; what was written is read out here, so that all is within one run.
    while (parser.read() !== null);
    return lines;
  };
  const { ms, ratios } = inTurns(budgetMs, [ours, readline]);
  const rate = (index: number): number => (lines / (ms[index] as number)) * 1000;
  return {
    package: 'at',
    name: 'responses parsed, chunks of 127',
    value: rate(0),
    unit: 'lines/s',
    against: `@serialport/parser-readline, which only splits: ${Math.round(rate(1))} lines/s`,
    ratio: ratios[1] as number,
  };
}

function fcsRow(octets: number, budgetMs: number): BenchRow {
  const bytes = Buffer.from(pseudoRandom(octets));
  const count = Math.ceil(150_000 / octets);
  const run = (fcs: () => number) => (): number => {
    let sum = 0;
    for (let index = 0; index < count; index++) sum += fcs();
    return sum;
  };
  // The same polynomial and the same register; only the complement at the end is left out of both.
  const ours = (): number => fcs16(FCS16_INITIAL, bytes);
  const theirs = (): number => crc16kermit(bytes, FCS16_INITIAL);
  if (ours() !== theirs()) throw new Error('they compute different things');
  const { ms, ratios } = inTurns(budgetMs, [run(ours), run(theirs)]);
  const rate = (index: number): number => (count * octets) / (ms[index] as number) / 1e3;
  return {
    package: 'ppp',
    name: `FCS-16 of ${octets} octets`,
    value: rate(0),
    unit: 'MB/s',
    against: `crc16kermit of crc: ${rate(1).toFixed(0)} MB/s`,
    ratio: ratios[1] as number,
  };
}

/** Frames with address, protocol and FCS against SLIP, which knows only where a packet ends. */
function framesRow(octets: number, budgetMs: number): BenchRow {
  const count = Math.ceil(150_000 / octets);
  const packets = Array.from({ length: count }, (_, seed) => pseudoRandom(octets, seed + 1));
  const wire = new Uint8Array(maximumFrameBytes(octets) * count);
  const encoder = new FrameEncoder({ accm: 0, pfc: false, acfc: false });
  let end = 0;
  for (const packet of packets) end = encoder.encode(PROTOCOL.IPv4, packet, wire, end);
  const chunks = chunksOf(wire.slice(0, end), 4096);
  const slip = new SlipEncoder();
  const slipParts: Buffer[] = [];
  slip.on('data', (part: Buffer) => slipParts.push(part));
  for (const packet of packets) slip.write(Buffer.from(packet));
  for (let part = slip.read() as Buffer | null; part !== null; part = slip.read() as Buffer | null);
  const slipChunks = chunksOf(new Uint8Array(Buffer.concat(slipParts)), 4096).map((chunk) => Buffer.from(chunk));
  let arrived = 0;
  const decoder = new FrameDecoder({
    maximumInformationBytes: 1500,
    onFrame: (_protocol, information) => {
      arrived += information.length;
    },
  });
  decoder.accm = 0;
  const { ms, ratios } = inTurns(budgetMs, [
    () => {
      arrived = 0;
      for (const chunk of chunks) decoder.decode(chunk);
      if (arrived !== count * octets) throw new Error(`${arrived} octets arrived of ${count * octets}`);
      return arrived;
    },
    () => {
      let octetsOut = 0;
      const theirs = new SlipDecoder();
      theirs.on('data', (packet: Buffer) => {
        octetsOut += packet.length;
      });
      for (const chunk of slipChunks) theirs.write(chunk);
      while (theirs.read() !== null);
      if (octetsOut !== count * octets) throw new Error(`SLIP gave ${octetsOut} octets of ${count * octets}`);
      return octetsOut;
    },
  ]);
  const rate = (index: number): number => (count * octets) / (ms[index] as number) / 1e3;
  return {
    package: 'ppp',
    name: `decode, ${octets} octets, ACCM 0, chunks of 4096`,
    value: rate(0),
    unit: 'MB/s',
    against: `@serialport/parser-slip-encoder, which has no FCS: ${rate(1).toFixed(0)} MB/s`,
    ratio: ratios[1] as number,
  };
}
