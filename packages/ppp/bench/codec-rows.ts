import { inTurns, pseudoRandom, type BenchRow, type Target } from '../../port/bench/index.ts';
import { FrameDecoder, FrameEncoder, maximumFrameBytes, PROTOCOL } from '../src/index.ts';
import { BytewiseDecoder, bytewiseEncode } from './bytewise-coder.ts';

const PLAIN = 'plain bytewise coder';
/** Octets of packets coded in one run. */
const WORK_BYTES = 300_000;

/** What a line at full speed brings, and what a frame of CMUX on the HE863 holds. */
const CHUNKS_BYTES: readonly number[] = [4096, 127];

/** Encoder and decoder of one packet size and map. */
export function* codecRows(packetBytes: number, accm: number, budgetMs: number): Generator<BenchRow> {
  const count = Math.ceil(WORK_BYTES / packetBytes);
  const packets = Array.from({ length: 64 }, (_, seed) => pseudoRandom(packetBytes, seed + 1));
  const encoder = new FrameEncoder({ accm, pfc: false, acfc: false });
  const wire = new Uint8Array(maximumFrameBytes(packetBytes) * count);
  const encodeAll = (encode: (packet: Uint8Array, offset: number) => number): number => {
    let end = 0;
    for (let index = 0; index < count; index++) end = encode(packets[index & 63] as Uint8Array, end);
    return end;
  };
  const ours = (packet: Uint8Array, offset: number): number => encoder.encode(PROTOCOL.IPv4, packet, wire, offset);
  const plain = (packet: Uint8Array, offset: number): number =>
    bytewiseEncode(PROTOCOL.IPv4, packet, accm, wire, offset);
  const label = `${packetBytes} octets, ACCM ${accm.toString(16)}`;
  const row = (name: string, tasks: readonly (() => number)[], target: Target): BenchRow => {
    const { ms, ratios } = inTurns(budgetMs, tasks);
    const rate = (index: number): number => (count * packetBytes) / (ms[index] as number) / 1e3;
    return {
      package: 'ppp',
      name,
      value: rate(0),
      unit: 'MB/s',
      against: `${PLAIN}: ${rate(1).toFixed(0)} MB/s`,
      ratio: ratios[1] as number,
      target,
    };
  };
  yield row(`encode, ${label}`, [() => encodeAll(ours), () => encodeAll(plain)], {
    of: 'ratio',
    atLeast: packetBytes > 100 && accm === 0 ? 1.6 : 1,
  });
  const end = encodeAll(ours);
  let octets = 0;
  const onFrame = (_protocol: number, information: Uint8Array): void => {
    octets += information.length;
  };
  for (const chunkBytes of CHUNKS_BYTES) {
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < end; at += chunkBytes) chunks.push(wire.slice(at, Math.min(end, at + chunkBytes)));
    const decoding = (decoder: { decode(chunk: Uint8Array): unknown }) => (): number => {
      octets = 0;
      for (const chunk of chunks) decoder.decode(chunk);
      if (octets !== count * packetBytes) throw new Error(`${octets} octets arrived of ${count * packetBytes}`);
      return octets;
    };
    const decoder = new FrameDecoder({ maximumInformationBytes: 1500, onFrame });
    decoder.accm = accm;
    yield row(
      `decode, ${label}, chunks of ${chunkBytes}`,
      [decoding(decoder), decoding(new BytewiseDecoder(accm, onFrame))],
      { of: 'ratio', atLeast: packetBytes > 100 && accm === 0 ? 2 : 1 },
    );
  }
}
