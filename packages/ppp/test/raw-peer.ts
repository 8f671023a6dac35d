import { concatBytes, type Port } from '@cellmux/port';
import {
  controlPacket,
  optionOctets,
  parseControlPacket,
  parseOptions,
  type ControlOption,
} from '../src/core/control-packet.ts';
import { FrameDecoder } from '../src/core/frame-decoder.ts';
import { FrameEncoder, maximumFrameBytes } from '../src/core/frame-encoder.ts';
import { DEFAULT_FORMAT, type FrameFormat } from '../src/core/frame-format.ts';

/** A frame that the link under test has sent. */
export interface SeenFrame {
  readonly protocol: number;
  readonly information: Uint8Array;
  /** Set for a control packet. */
  readonly code: number;
  readonly identifier: number;
  readonly options: readonly ControlOption[];
  readonly data: Uint8Array;
}

/** The far end of a link in a test: sees every frame, sends whatever it likes. */
export class RawPeer {
  readonly seen: SeenFrame[] = [];
  /** The octets as they came. */
  wire: Uint8Array = new Uint8Array(0);
  readonly decoder: FrameDecoder;
  onFrame: (frame: SeenFrame) => void = () => undefined;
  readonly port: Port;

  constructor(port: Port) {
    this.port = port;
    this.decoder = new FrameDecoder({
      maximumInformationBytes: 4000,
      onFrame: (protocol, information) => {
        const packet = parseControlPacket(information);
        const frame: SeenFrame = {
          protocol,
          information,
          code: packet?.code ?? -1,
          identifier: packet?.identifier ?? -1,
          data: packet?.data ?? new Uint8Array(0),
          options: packet === undefined ? [] : parseOptions(packet.data),
        };
        this.seen.push(frame);
        this.onFrame(frame);
      },
    });
    port.received$.subscribe({
      next: (chunk) => {
        this.wire = concatBytes([this.wire, chunk]);
        this.decoder.decode(chunk);
      },
      error: () => undefined,
    });
  }

  /** Sends octets as they are. */
  bytes(...chunks: readonly Uint8Array[]): void {
    void this.port.send(concatBytes(chunks)).catch(() => undefined);
  }

  text(text: string): void {
    this.bytes(Uint8Array.from(text, (character) => character.charCodeAt(0)));
  }

  frame(protocol: number, information: Uint8Array, format: FrameFormat = DEFAULT_FORMAT): void {
    this.bytes(frameOf(protocol, information, format));
  }

  control(
    protocol: number,
    code: number,
    identifier: number,
    data: Uint8Array | readonly ControlOption[] = [],
    format: FrameFormat = DEFAULT_FORMAT,
  ): void {
    const octets = data instanceof Uint8Array ? data : optionOctets(data);
    this.frame(protocol, controlPacket(code, identifier, octets), format);
  }

  /** The frames seen of a protocol and code. */
  of(protocol: number, code: number): SeenFrame[] {
    return this.seen.filter((frame) => frame.protocol === protocol && frame.code === code);
  }
}

/** One frame as octets. */
export function frameOf(protocol: number, information: Uint8Array, format: FrameFormat = DEFAULT_FORMAT): Uint8Array {
  const target = new Uint8Array(maximumFrameBytes(information.length));
  return target.slice(0, new FrameEncoder(format).encode(protocol, information, target, 0));
}

export const octets = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
