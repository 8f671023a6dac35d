import { memoryPair } from '@cellmux/port';
import { cpuSeconds, inTurns, pseudoRandom, type BenchOptions, type BenchRow } from '../../port/bench/index.ts';
import {
  AtClient,
  AtServer,
  commandLineFacts,
  DataEndScanner,
  HE863_AT_PROFILE,
  ResponseParser,
  type CommandDeclaration,
} from '../src/index.ts';
import { EndSplitter, LineSplitter } from './line-splitter.ts';

const STREAM_OCTETS = 64 * 1024;
const NAIVE = 'string and regular expressions';

/** A dialogue as a module speaks it: polls, status lists, unsolicited lines. */
export const RESPONSES =
  '\r\n+CSQ: 17,0\r\n\r\nOK\r\n' +
  '\r\nSRING: 2,300\r\n' +
  '\r\n#SS: 1,3,10.141.2.165,38158,88.37.127.146,10510\r\n#SS: 2,2,10.141.2.165,38159,88.37.127.146,80\r\n' +
  '#SS: 3,0\r\n#SS: 4,0\r\n#SS: 5,0\r\n#SS: 6,0\r\n\r\nOK\r\n' +
  '\r\n+CME ERROR: activation failed\r\n' +
  '\r\n+CREG: 1,"00A1","0B2C"\r\n\r\nNO CARRIER\r\n';

/** Text over and over again, about a stream's worth of it. */
export function repeated(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.repeat(Math.ceil(STREAM_OCTETS / text.length)), 'latin1'));
}

/** Octets in chunks of this size. */
export function chunksOf(bytes: Uint8Array, octets: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let from = 0; from < bytes.length; from += octets) chunks.push(bytes.slice(from, from + octets));
  return chunks;
}

/** The parser of this package over chunks of a module's responses: gives how many events it found. */
export function parsing(chunks: readonly Uint8Array[]): () => number {
  const line = 'AT+CSQ;#SS';
  const command = { line, ...commandLineFacts(line) };
  return () => {
    const parser = new ResponseParser();
    let events = 0;
    parser.begin(command);
    for (const chunk of chunks) {
      parser.push(chunk);
      while (parser.next() !== undefined) events++;
    }
    return events;
  };
}

function* parserRows(budgetMs: number): Generator<BenchRow> {
  const bytes = repeated(RESPONSES);
  for (const octets of [1, 127, 1024]) {
    const chunks = chunksOf(bytes, octets);
    const splitting = (): number => {
      const splitter = new LineSplitter();
      for (const chunk of chunks) splitter.push(chunk);
      return splitter.lines + splitter.finals + splitter.urcs;
    };
    const lines = splitting();
    const { ms, ratios } = inTurns(budgetMs, [parsing(chunks), splitting]);
    const rate = (index: number): number => (lines / (ms[index] as number)) * 1000;
    yield {
      package: 'at',
      name: `responses parsed, chunks of ${octets}`,
      value: rate(0),
      unit: 'lines/s',
      against: `${NAIVE}: ${Math.round(rate(1))} lines/s`,
      ratio: ratios[1] as number,
    };
  }
}

function* scannerRows(budgetMs: number): Generator<BenchRow> {
  const sources = { 'random data': pseudoRandom(STREAM_OCTETS), 'lines of text': repeated('250 2.1.0 sender ok\r\n') };
  for (const [name, bytes] of Object.entries(sources)) {
    for (const octets of [127, 1024]) {
      const chunks = chunksOf(bytes, octets);
      const { ms, ratios } = inTurns(budgetMs, [
        () => {
          const scanner = new DataEndScanner();
          let data = 0;
          for (const chunk of chunks) data += scanner.push(chunk).length;
          return data;
        },
        () => {
          const splitter = new EndSplitter();
          for (const chunk of chunks) splitter.push(chunk);
          return splitter.octets;
        },
      ]);
      const rate = (index: number): number => bytes.length / (ms[index] as number) / 1e3;
      yield {
        package: 'at',
        name: `${name} scanned for the end of a call, chunks of ${octets}`,
        value: rate(0),
        unit: 'MB/s',
        against: `${NAIVE}: ${rate(1).toFixed(0)} MB/s`,
        ratio: ratios[1] as number,
      };
    }
  }
}

async function commandsRow(count: number): Promise<BenchRow> {
  const { dte, dce } = memoryPair();
  const declarations: CommandDeclaration[] = [
    {
      name: '+CSQ',
      execute: (context) => {
        context.info('+CSQ: 17,0');
        return 'OK';
      },
    },
  ];
  const server = new AtServer(dce, declarations, { session: undefined });
  const client = new AtClient(dte, { profile: { ...HE863_AT_PROFILE, resultGapMs: 0 } });
  await client.command('ATE0');
  const seconds = await cpuSeconds(async () => {
    for (let index = 0; index < count; index++) await client.command('AT+CSQ');
  });
  await client.close();
  await server.close();
  return {
    package: 'at',
    name: 'AT+CSQ, client and server in memory, no gap',
    value: count / seconds,
    unit: 'commands/s per core',
    against: '',
    ratio: null,
  };
}

/** All figures of the AT package. */
export async function* benchAt({ quick }: BenchOptions): AsyncGenerator<BenchRow> {
  const budgetMs = quick ? 100 : 900;
  yield* parserRows(budgetMs);
  yield* scannerRows(budgetMs);
  yield await commandsRow(quick ? 2000 : 20_000);
}
