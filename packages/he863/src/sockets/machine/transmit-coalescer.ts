/** `pktSz` 0 is "automatic": the module then takes 300 bytes (guide §3.2.1.2). */
export const AUTOMATIC_PACKET_BYTES = 300;

/** Options of {@link TransmitCoalescer}. */
export interface TransmitCoalescerOptions {
  /** `<pktSz>` of #SCFG: 0 automatic, 1 to 1500 bytes. */
  readonly pktSz: number;
  /** The character of #PADFWD that sends at once what is gathered; undefined while #PADCMD is off. */
  readonly forwardCharacter?: number | undefined;
  /** True: each packet is a datagram and is given singly. False: packets that are ready together are given as one. */
  readonly datagrams?: boolean | undefined;
}

/**
 * Gathers what the host types in online mode into packets: one goes when `pktSz` bytes are there or the forward
 * character comes; the owner's `txTo` timer calls {@link flush} (guide §3.2.1.2). Holds less than `pktSz` bytes.
 */
export class TransmitCoalescer {
  readonly #packetBytes: number;
  readonly #forward: number;
  readonly #datagrams: boolean;
  readonly #held: Uint8Array;
  #heldBytes = 0;

  constructor({ pktSz, forwardCharacter, datagrams = false }: TransmitCoalescerOptions) {
    this.#packetBytes = pktSz === 0 ? AUTOMATIC_PACKET_BYTES : pktSz;
    this.#forward = forwardCharacter ?? -1;
    this.#datagrams = datagrams;
    this.#held = new Uint8Array(this.#packetBytes);
  }

  /** Bytes gathered and not given out. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Takes bytes of the host and gives the packets that are ready, in order. They are the receiver's for good. */
  push(bytes: Uint8Array): Uint8Array[] {
    const packets: Uint8Array[] = [];
    let offset = 0;
    if (this.#forward >= 0) {
      for (;;) {
        const at = bytes.indexOf(this.#forward, offset);
        if (at < 0) break;
        this.#fill(bytes.subarray(offset, at + 1), packets);
        const rest = this.flush();
        if (rest !== undefined) packets.push(rest);
        offset = at + 1;
      }
    }
    this.#fill(offset === 0 ? bytes : bytes.subarray(offset), packets);
    return packets;
  }

  /** Gives what is gathered, however little. */
  flush(): Uint8Array | undefined {
    if (this.#heldBytes === 0) return undefined;
    const packet = this.#held.slice(0, this.#heldBytes);
    this.#heldBytes = 0;
    return packet;
  }

  #fill(bytes: Uint8Array, packets: Uint8Array[]): void {
    const size = this.#packetBytes;
    let offset = 0;
    if (this.#heldBytes > 0) {
      offset = Math.min(size - this.#heldBytes, bytes.length);
      this.#held.set(bytes.subarray(0, offset), this.#heldBytes);
      this.#heldBytes += offset;
      if (this.#heldBytes < size) return;
      packets.push(this.#held.slice());
      this.#heldBytes = 0;
    }
    const whole = Math.floor((bytes.length - offset) / size) * size;
    if (this.#datagrams) {
      for (const end = offset + whole; offset < end; offset += size) packets.push(bytes.slice(offset, offset + size));
    } else if (whole > 0) {
      packets.push(bytes.slice(offset, offset + whole));
      offset += whole;
    }
    this.#held.set(bytes.subarray(offset), 0);
    this.#heldBytes = bytes.length - offset;
  }
}
