import { memoryPair } from '@cellmux/port';
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

/** One figure of `pnpm bench`. */
export interface BenchRow {
  readonly package: 'at';
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What it is measured against, and how many times as much it is; empty and 0 where it stands alone. */
  readonly against: string;
  readonly ratio: number;
}

const STREAM_OCTETS = 64 * 1024;
const NAIVE = 'string and regular expressions';

/** A dialogue as a module speaks it: polls, status lists, unsolicited lines. */
const RESPONSES =
  '\r\n+CSQ: 17,0\r\n\r\nOK\r\n' +
  '\r\nSRING: 2,300\r\n' +
  '\r\n#SS: 1,3,10.141.2.165,38158,88.37.127.146,10510\r\n#SS: 2,2,10.141.2.165,38159,88.37.127.146,80\r\n' +
  '#SS: 3,0\r\n#SS: 4,0\r\n#SS: 5,0\r\n#SS: 6,0\r\n\r\nOK\r\n' +
  '\r\n+CME ERROR: activation failed\r\n' +
  '\r\n+CREG: 1,"00A1","0B2C"\r\n\r\nNO CARRIER\r\n';

function repeated(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.repeat(Math.ceil(STREAM_OCTETS / text.length)), 'latin1'));
}

/** Pseudo-random octets. */
function noise(): Uint8Array {
  const bytes = new Uint8Array(STREAM_OCTETS);
  let state = 1;
  for (let index = 0; index < bytes.length; index++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[index] = state >>> 16;
  }
  return bytes;
}

function chunksOf(bytes: Uint8Array, octets: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let from = 0; from < bytes.length; from += octets) chunks.push(bytes.slice(from, from + octets));
  return chunks;
}

/** MiB/s of two tasks over the same octets: the fastest of many rounds, taken in turn. */
function rates(octets: number, rounds: number, tasks: readonly (() => number)[]): number[] {
  const best = tasks.map(() => Infinity);
  let check = 0;
  for (let round = 0; round < rounds; round++) {
    for (const [index, task] of tasks.entries()) {
      const before = process.hrtime.bigint();
      check += task();
      best[index] = Math.min(best[index] ?? Infinity, Number(process.hrtime.bigint() - before) / 1e9);
    }
  }
  if (check === 0) throw new Error('nothing was parsed');
  return best.map((seconds) => octets / seconds / 1024 / 1024);
}

function row(name: string, unit: string, value: number, reference?: number): BenchRow {
  return {
    package: 'at',
    name,
    value: Number(value.toPrecision(4)),
    unit,
    against: reference === undefined ? '' : `${NAIVE}: ${reference.toPrecision(4)} ${unit}`,
    ratio: reference === undefined ? 0 : Number((value / reference).toPrecision(3)),
  };
}

function parser(rounds: number): BenchRow[] {
  const bytes = repeated(RESPONSES);
  const facts = commandLineFacts('AT+CSQ;#SS');
  return [1, 127, 1024].map((octets) => {
    const chunks = chunksOf(bytes, octets);
    const [own = 0, naive = 0] = rates(bytes.length, rounds, [
      () => {
        const reading = new ResponseParser();
        let events = 0;
        reading.begin({ line: 'AT+CSQ;#SS', ...facts });
        for (const chunk of chunks) {
          reading.push(chunk);
          while (reading.next() !== undefined) events++;
        }
        return events;
      },
      () => {
        const splitter = new LineSplitter();
        for (const chunk of chunks) splitter.push(chunk);
        return splitter.lines + splitter.finals + splitter.urcs;
      },
    ]);
    return row(`responses parsed, chunks of ${octets}`, 'MiB/s', own, naive);
  });
}

function scanner(rounds: number): BenchRow[] {
  const sources = { 'random data': noise(), 'lines of text': repeated('250 2.1.0 sender ok\r\n') };
  return Object.entries(sources).flatMap(([name, bytes]) =>
    [127, 1024].map((octets) => {
      const chunks = chunksOf(bytes, octets);
      const [own = 0, naive = 0] = rates(bytes.length, rounds, [
        () => {
          const looking = new DataEndScanner();
          let data = 0;
          for (const chunk of chunks) data += looking.push(chunk).length;
          return data;
        },
        () => {
          const splitter = new EndSplitter();
          for (const chunk of chunks) splitter.push(chunk);
          return splitter.octets;
        },
      ]);
      return row(`${name} scanned for the end of a call, chunks of ${octets}`, 'MiB/s', own, naive);
    }),
  );
}

async function commands(count: number): Promise<BenchRow[]> {
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
  const before = process.hrtime.bigint();
  for (let index = 0; index < count; index++) await client.command('AT+CSQ');
  const seconds = Number(process.hrtime.bigint() - before) / 1e9;
  await client.close();
  await server.close();
  return [row('AT+CSQ, client and server in memory, no gap', 'commands/s', count / seconds)];
}

/** Options of {@link benchAt}; smaller figures make a quick look of it. */
export interface BenchAtOptions {
  readonly rounds?: number;
  readonly commands?: number;
}

/** All figures of the AT package. */
export async function benchAt(options: BenchAtOptions = {}): Promise<BenchRow[]> {
  const { rounds = 200 } = options;
  return [...parser(rounds), ...scanner(rounds), ...(await commands(options.commands ?? 20_000))];
}
