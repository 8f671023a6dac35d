import type { Port } from '@cellmux/port';
import { optionOctets, parseControlPacket, parseOptions, type ControlOption } from '../src/core/control-packet.ts';
import { md5 } from '../src/core/hash/md5.ts';
import { CODE, FrameDecoder, PROTOCOL } from '../src/index.ts';
import { octets, RawPeer, type SeenFrame } from './raw-peer.ts';

/** IP-Compression-Protocol: both recorded peers ask for Van Jacobson compression. */
export const COMPRESSION = 2;

/** One entry of a recording. */
export interface RecordedEntry {
  readonly dir?: string;
  readonly wire?: string;
}

/** A recorded frame, read. */
export interface RecordedFrame {
  readonly wire: Uint8Array;
  readonly protocol: number;
  readonly information: Uint8Array;
  readonly code: number;
  readonly identifier: number;
  readonly data: Uint8Array;
}

/** The frames of one direction, in order. */
export function recordedFrames(entries: readonly RecordedEntry[], direction: string): RecordedFrame[] {
  return entries
    .filter(({ dir, wire }) => dir === direction && wire !== undefined)
    .map(({ wire = '' }) => {
      const frames: RecordedFrame[] = [];
      const decoder = new FrameDecoder({
        maximumInformationBytes: 1500,
        onFrame: (protocol, information) => {
          const packet = protocol > 0x8000 || protocol === PROTOCOL.LCP ? parseControlPacket(information) : undefined;
          const { code = -1, identifier = -1, data = information } = packet ?? {};
          frames.push({ wire: octets(wire), protocol, information, code, identifier, data });
        },
      });
      decoder.decode(octets(wire));
      return frames[0] as RecordedFrame;
    });
}

export const withoutCompression = (data: Uint8Array): readonly ControlOption[] =>
  parseOptions(data).filter(({ type }) => type !== COMPRESSION);

/** What is an answer, by protocol: codes, and the code of the request that each answers. */
function requestOf(protocol: number, code: number): number | undefined {
  if (protocol === PROTOCOL.PAP) return code === 2 || code === 3 ? 1 : undefined;
  if (protocol === PROTOCOL.CHAP) return code === 2 ? 1 : code === 3 || code === 4 ? 2 : undefined;
  if (code >= CODE.configureAck && code <= CODE.configureReject) return CODE.configureRequest;
  if (code === CODE.terminateAck) return CODE.terminateRequest;
  return protocol === PROTOCOL.LCP && code === CODE.echoReply ? CODE.echoRequest : undefined;
}

/**
 * Plays one end of a recording: everything that it sent, in order, octet for octet. Only answers are addressed anew, to what
 * the link under test has really asked: their identifiers, and what an Ack repeats. A request that was rejected in part is
 * said again without that part, as the recorded peer would have done.
 */
export class RecordedPeer {
  readonly peer: RawPeer;
  readonly #secret: string;
  #ipcpRequest: RecordedFrame | undefined;
  #isCompressionRejected = false;

  constructor(port: Port, secret: string) {
    this.peer = new RawPeer(port);
    this.#secret = secret;
    this.peer.onFrame = ({ protocol, code }) => {
      if (protocol !== PROTOCOL.IPCP || code !== CODE.configureReject) return;
      this.#isCompressionRejected = true;
      if (this.#ipcpRequest !== undefined) this.#ask(this.#ipcpRequest);
    };
  }

  /** Sends what was recorded; false where it answers what the link has not asked. */
  play(frame: RecordedFrame): boolean {
    const { protocol, code, data } = frame;
    if (protocol === PROTOCOL.IPCP && code === CODE.configureRequest) {
      this.#ipcpRequest = frame;
      this.#ask(frame);
      return true;
    }
    const asked = requestOf(protocol, code);
    const request = asked === undefined ? undefined : this.peer.of(protocol, asked).at(-1);
    if (asked !== undefined && request === undefined) return false;
    if (request === undefined) this.peer.bytes(frame.wire);
    else this.peer.control(protocol, code, request.identifier, this.#answer(frame, request) ?? data);
    return true;
  }

  #ask({ wire, protocol, code, identifier, data }: RecordedFrame): void {
    if (this.#isCompressionRejected) this.peer.control(protocol, code, identifier, withoutCompression(data));
    else this.peer.bytes(wire);
  }

  /** What an answer says where that depends on the request. */
  #answer({ protocol, code, data }: RecordedFrame, request: SeenFrame): Uint8Array | undefined {
    if (protocol === PROTOCOL.CHAP && code === 2) {
      const challenge = request.data.subarray(1, 1 + (request.data[0] ?? 0));
      const secret = Uint8Array.from(this.#secret, (character) => character.charCodeAt(0));
      return Uint8Array.of(
        16,
        ...md5(Uint8Array.of(request.identifier, ...secret, ...challenge)),
        ...data.subarray(17),
      );
    }
    return code === CODE.configureAck && protocol !== PROTOCOL.PAP && protocol !== PROTOCOL.CHAP
      ? request.data
      : undefined;
  }
}

/** The octets of options, for comparison. */
export const octetsOf = (options: readonly ControlOption[]): string =>
  Buffer.from(optionOctets(options)).toString('hex');
