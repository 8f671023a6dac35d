import { FrameEncoder, maximumFrameBytes } from './frame-encoder.ts';
import { DEFAULT_FORMAT, type Crc32 } from './frame-format.ts';
import type { LcpAgreement } from './lcp-options.ts';
import { CODE, PROTOCOL } from './protocol-numbers.ts';

/** Where frames go. */
export interface FrameOutputHost {
  /** A frame to be sent, complete with flags; the octets are the receiver's for good. */
  transmit(frame: Uint8Array): void;
  /** The same, unescaped and without FCS. */
  onFrame: ((direction: 'sent' | 'received', frame: Uint8Array) => void) | undefined;
}

/** Puts control packets into frames, each protocol and code in the format that holds for it at the moment. */
export class FrameOutput {
  readonly #host: FrameOutputHost;
  readonly #basic = new FrameEncoder(DEFAULT_FORMAT);
  #lcp = this.#basic;
  #encoder = this.#basic;

  constructor(host: FrameOutputHost) {
    this.#host = host;
  }

  /** Puts IP packets into frames as agreed at the moment. */
  get encoder(): FrameEncoder {
    return this.#encoder;
  }

  /** LCP has opened: what the peer asked us to do holds from the next frame on. */
  agreed({ accm, pfc, acfc, fcs32 }: LcpAgreement, crc32: Crc32 | undefined): void {
    const format = { accm, crc32: fcs32 ? crc32 : undefined };
    this.#encoder = new FrameEncoder({ ...format, pfc, acfc });
    this.#lcp = new FrameEncoder({ ...format, pfc: false, acfc: false });
  }

  /** What was agreed is void. */
  reset(): void {
    this.#encoder = this.#basic;
    this.#lcp = this.#basic;
  }

  /**
   * Sends a packet. Of LCP, codes up to Code-Reject always go in the default format, all others with the ACCM and the FCS
   * agreed on (RFC 1662 §7.1, RFC 1570 §2.1), and none with a compressed header (RFC 1661 §6.5, §6.6).
   */
  send(protocol: number, packet: Uint8Array): void {
    let encoder = this.#encoder;
    if (protocol === PROTOCOL.LCP) encoder = (packet[0] as number) <= CODE.codeReject ? this.#basic : this.#lcp;
    const room = new Uint8Array(maximumFrameBytes(packet.length));
    const end = encoder.encode(protocol, packet, room, 0);
    this.#host.transmit(room.subarray(0, end));
    this.#host.onFrame?.('sent', plainFrame(protocol, packet));
  }
}

/** A frame as a capture wants it: address, control, protocol, information. */
export function plainFrame(protocol: number, information: Uint8Array): Uint8Array {
  const frame = new Uint8Array(information.length + 4);
  frame.set([0xff, 0x03, protocol >>> 8, protocol & 0xff]);
  frame.set(information, 4);
  return frame;
}
