import { inTurns, pseudoRandom, type BenchRow, type Target } from '../../port/bench/index.ts';
import {
  AdvancedDeframer,
  AdvancedEncoder,
  advancedFrameLimit,
  BASIC_OVERHEAD,
  BasicDeframer,
  CONTROL,
  encodeBasic,
  type FrameSink,
} from '../src/index.ts';
import {
  ADDRESS,
  CHUNKS,
  frameStream,
  N1S,
  PLAIN,
  plainDeframing,
  STREAM_OCTETS,
  type Option,
} from './frame-stream.ts';
import { AdvancedOctetEncoder, encodeOctets } from './octet-machine.ts';

const OPTIONS: readonly Option[] = ['basic', 'advanced'];

/** Counts what arrives. */
class CountingSink implements FrameSink {
  octets = 0;

  frame(_bytes: Uint8Array, _address: number, _control: number, start: number, end: number): void {
    this.octets += end - start;
  }

  noise(): void {
    return;
  }
}

/** A row whose tasks are this package's and the plain one over the same payload. */
export function comparedRow(
  name: string,
  payloadOctets: number,
  budgetMs: number,
  tasks: readonly [() => number, () => number],
  target?: Target,
): BenchRow {
  const { ms, ratios } = inTurns(budgetMs, tasks);
  const rate = (index: number): number => payloadOctets / (ms[index] as number) / 1e3;
  return {
    package: 'cmux',
    name,
    value: rate(0),
    unit: 'MB/s',
    against: `${PLAIN}: ${rate(1).toFixed(0)} MB/s`,
    ratio: ratios[1] as number,
    ...(target === undefined ? {} : { target }),
  };
}

/** The deframers at the level of offsets: no object is made for a frame. */
export function* deframerRows(budgetMs: number): Generator<BenchRow> {
  for (const option of OPTIONS) {
    for (const n1 of N1S) {
      for (const [chunkOctets, chunkName] of CHUNKS) {
        const stream = frameStream(option, n1, chunkOctets);
        const sink = new CountingSink();
        const deframer = option === 'basic' ? new BasicDeframer(sink, { n1 }) : new AdvancedDeframer(sink, { n1 });
        const name = `deframer, ${option}, N1 ${n1}, ${chunkName}`;
        yield comparedRow(
          name,
          stream.payloadOctets,
          budgetMs,
          [
            () => {
              sink.octets = 0;
              for (const chunk of stream.chunks) deframer.receive(chunk);
              return sink.octets;
            },
            plainDeframing(option, n1, stream),
          ],
          deframerTarget(option, n1, chunkOctets),
        );
      }
    }
  }
}

function deframerTarget(option: Option, n1: number, chunkOctets: number): Target | undefined {
  if (chunkOctets === 64) return { of: 'ratio', atLeast: 1.3 };
  if (option === 'advanced') return n1 === 31 ? undefined : { of: 'ratio', atLeast: 2.5 };
  return { of: 'ratio', atLeast: n1 === 31 ? 20 : 30 };
}

/** The encoders, frame behind frame into one array. */
export function* encoderRows(budgetMs: number): Generator<BenchRow> {
  for (const option of OPTIONS) {
    for (const n1 of N1S) {
      const frames = Math.ceil(STREAM_OCTETS / n1);
      const data = pseudoRandom(frames * n1);
      const out = new Uint8Array(frames * (option === 'basic' ? n1 + BASIC_OVERHEAD : advancedFrameLimit(n1)));
      const plainAdvanced = new AdvancedOctetEncoder(n1);
      const advanced = new AdvancedEncoder();
      yield comparedRow(
        `encoder, ${option}, N1 ${n1}`,
        data.length,
        budgetMs,
        [
          () => {
            let at = 0;
            for (let from = 0; from < data.length; from += n1) {
              at =
                option === 'basic'
                  ? encodeBasic(out, at, ADDRESS, CONTROL.UIH, data, from, from + n1)
                  : advanced.encode(out, at, ADDRESS, CONTROL.UIH, data, from, from + n1);
            }
            return at;
          },
          () => {
            let octets = 0;
            for (let from = 0; from < data.length; from += n1) {
              const info = data.subarray(from, from + n1);
              octets += (
                option === 'basic'
                  ? encodeOctets(ADDRESS, CONTROL.UIH, info)
                  : plainAdvanced.encode(ADDRESS, CONTROL.UIH, info)
              ).length;
            }
            return octets;
          },
        ],
        n1 === 31 ? undefined : { of: 'ratio', atLeast: 2.5 },
      );
    }
  }
}
