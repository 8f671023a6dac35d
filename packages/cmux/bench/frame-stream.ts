import { pseudoRandom } from '../../port/bench/index.ts';
import { advancedFrameLimit, CONTROL, encodeAdvanced, encodeBasicFrame } from '../src/index.ts';
import { AdvancedOctetMachine, BasicOctetMachine, type OctetFrame } from './octet-machine.ts';

/** The two framings of TS 27.010. */
export type Option = 'basic' | 'advanced';

/** Data of DLCI 1, sent by the initiator. */
export const ADDRESS = 0x07;
/** At least so many octets a stream. */
export const STREAM_OCTETS = 64 * 1024;
/** N1 of small modules, of the HE863, and of a whole IP packet. */
export const N1S: readonly number[] = [31, 127, 1500];
/** What a busy line gives at once, and what a UART's driver gives. */
export const CHUNKS: readonly (readonly [number, string])[] = [
  [65_536, '64-KiB chunks'],
  [64, '64-octet chunks'],
];
/** What the figures are measured against. */
export const PLAIN = 'plain per-octet state machine';

/** UIH frames one behind another, each with both its flags, cut into chunks. */
export interface FrameStream {
  readonly chunks: readonly Uint8Array[];
  readonly payloadOctets: number;
}

export function frameStream(option: Option, n1: number, chunkOctets: number): FrameStream {
  const parts: Uint8Array[] = [];
  let length = 0;
  while (length < STREAM_OCTETS) {
    const frame = frameOf(option, pseudoRandom(n1, parts.length + 1));
    parts.push(frame);
    length += frame.length;
  }
  const all = new Uint8Array(length);
  let end = 0;
  for (const part of parts) {
    all.set(part, end);
    end += part.length;
  }
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < length; at += chunkOctets) chunks.push(all.slice(at, at + chunkOctets));
  return { chunks, payloadOctets: parts.length * n1 };
}

function frameOf(option: Option, info: Uint8Array): Uint8Array {
  if (option === 'basic') return encodeBasicFrame(ADDRESS, CONTROL.UIH, info);
  const out = new Uint8Array(advancedFrameLimit(info.length));
  return out.slice(0, encodeAdvanced(out, 0, ADDRESS, CONTROL.UIH, info, 0, info.length));
}

/** The plain machine as a task over a stream. */
export function plainDeframing(option: Option, n1: number, { chunks }: FrameStream): () => number {
  let octets = 0;
  const onFrame = ({ info }: OctetFrame): void => {
    octets += info.length;
  };
  const machine = option === 'basic' ? new BasicOctetMachine(n1, onFrame) : new AdvancedOctetMachine(n1, onFrame);
  return () => {
    octets = 0;
    for (const chunk of chunks) machine.receive(chunk);
    return octets;
  };
}
