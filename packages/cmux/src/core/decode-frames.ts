import { AdvancedDeframer } from './advanced-deframer.ts';
import { BasicDeframer } from './basic-deframer.ts';
import {
  CONTROL,
  frameTypeOf,
  isHeaderOnlyFcs,
  KIND,
  KIND_OF_CONTROL,
  POLL_FINAL,
  type FrameType,
} from './control-field.ts';
import { describeMessages, type DecodedMessage } from './describe-message.ts';
import { fcsOf } from './fcs.ts';
import { FLAG_ADVANCED, FLAG_BASIC } from './limits.ts';
import type { FramingOption } from './link-options.ts';

/** A frame with every field named as 3GPP TS 27.010 §5.2.1 names it. */
export interface DecodedFrame {
  readonly kind: 'frame';
  /** Data link connection identifier, 0 to 63. */
  readonly dlci: number;
  /** The command/response bit: 1 in a command of the initiator and in a response to it. */
  readonly cr: 0 | 1;
  readonly type: FrameType;
  /** The poll bit of a command, the final bit of a response. */
  readonly pf: 0 | 1;
  /** The information field; empty where there is none. */
  readonly info: Uint8Array;
  /** The messages of the information field on DLCI 0; empty elsewhere. */
  readonly messages: readonly DecodedMessage[];
}

/** Octets that look like a frame and are none. */
export interface DamagedFrame {
  readonly kind: 'damaged';
  /** What is wrong: `FCS is 15, should be 1C`. */
  readonly why: string;
  /** What stands between the flags. */
  readonly octets: Uint8Array;
}

/** Octets that belong to no frame. */
export interface DecodedNoise {
  readonly kind: 'noise';
  readonly octets: Uint8Array;
}

/** The beginning of a frame that does not end within the octets given. */
export interface UnfinishedFrame {
  readonly kind: 'unfinished';
  /** What stands behind the opening flag. */
  readonly octets: Uint8Array;
}

/** What {@link decodeFrames} finds, in order. */
export type DecodedPiece = DecodedFrame | DamagedFrame | DecodedNoise | UnfinishedFrame;

/** Options of {@link decodeFrames}. */
export interface DecodeFramesOptions {
  /** Default `basic`. */
  readonly option?: FramingOption;
  /** The longest information field taken, in octets, 1 to 32768; default 32768. */
  readonly n1?: number;
}

/**
 * Reads octets of a line as frames, every field named: for people and for tests. Whatever is no frame comes out as
 * damaged, where it is clear what is wrong, as noise, or as unfinished; every octet besides flags is in exactly one piece.
 * Never throws.
 */
export function decodeFrames(
  octets: Uint8Array,
  { option = 'basic', n1 = 32768 }: DecodeFramesOptions = {},
): readonly DecodedPiece[] {
  const pieces: DecodedPiece[] = [];
  const sink = {
    frame: (bytes: Uint8Array, address: number, control: number, start: number, end: number): void => {
      pieces.push(decodedFrame(address, control, bytes.slice(start, end)));
    },
    noise: (bytes: Uint8Array, start: number, end: number): void => {
      const part = bytes.slice(start, end);
      const last = pieces.at(-1);
      const why = option === 'basic' ? damage(part) : undefined;
      if (why !== undefined) pieces.push({ kind: 'damaged', why, octets: part });
      else if (last?.kind === 'noise') pieces[pieces.length - 1] = { kind: 'noise', octets: joined(last.octets, part) };
      else pieces.push({ kind: 'noise', octets: part });
    },
  };
  const deframer = option === 'basic' ? new BasicDeframer(sink, { n1 }) : new AdvancedDeframer(sink, { n1 });
  deframer.receive(octets);
  // What has begun and not ended is searched for frames as after a silence of the line.
  deframer.idle();
  if (deframer.isPending) {
    const flag = option === 'basic' ? FLAG_BASIC : FLAG_ADVANCED;
    const from = option === 'basic' ? octets.length - deframer.pendingOctets : octets.lastIndexOf(flag);
    pieces.push({ kind: 'unfinished', octets: octets.slice(octets[from] === flag ? from + 1 : from) });
  }
  return pieces;
}

function decodedFrame(address: number, control: number, info: Uint8Array): DecodedFrame {
  const dlci = address >> 2;
  return {
    kind: 'frame',
    dlci,
    cr: (address & 0x02) === 0 ? 0 : 1,
    // A deframer hands on only what has a type.
    type: frameTypeOf(control) ?? 'UIH',
    pf: (control & POLL_FINAL) === 0 ? 0 : 1,
    info,
    messages: dlci === 0 && isData(control) ? describeMessages(info) : [],
  };
}

function isData(control: number): boolean {
  const type = control & ~POLL_FINAL;
  return type === CONTROL.UIH || type === CONTROL.UI;
}

/** What is wrong with octets that have the shape of a frame of the basic option; undefined where they have not. */
function damage(octets: Uint8Array): string | undefined {
  const [address = 0, control = 0, first = 0, second = 0] = octets;
  // The types of the error-recovery mode are left out: half of all octets would be one of them.
  if ((address & 1) === 0 || KIND_OF_CONTROL[control] === KIND.unknown) return undefined;
  const isShort = (first & 1) === 1;
  const headBytes = isShort ? 3 : 4;
  const length = (first >> 1) | (isShort ? 0 : second << 7);
  const got = octets.length - headBytes - 1;
  if (got < 0) return undefined;
  if (got !== length) return `its length says ${length}, there are ${got} octets`;
  const is = octets[octets.length - 1] ?? 0;
  const should = fcsOf(octets, 0, isHeaderOnlyFcs(control) ? headBytes : octets.length - 1);
  return is === should ? undefined : `FCS is ${hex(is)}, should be ${hex(should)}`;
}

function hex(octet: number): string {
  return octet.toString(16).toUpperCase().padStart(2, '0');
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}
