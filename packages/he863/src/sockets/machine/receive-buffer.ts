/** Where a datagram came from. */
export interface Source {
  readonly address: string;
  readonly port: number;
}

interface Piece {
  bytes: Uint8Array;
  readonly source: Source | undefined;
}

/** What one read of datagrams gives. */
export interface DatagramRead {
  readonly bytes: Uint8Array;
  /** Bytes of the same datagram that are left. */
  readonly left: number;
  readonly source: Source | undefined;
}

/** Small pieces of a stream are joined up to this size. */
const JOINED_BYTES = 512;

/**
 * What the peer has sent and the host has not read yet: a queue of bytes that remembers where datagrams end. It has no
 * bound of its own: its owner stops taking from the network when {@link length} or {@link pieces} reaches one.
 */
export class ReceiveBuffer {
  #pieces: Piece[] = [];
  #first = 0;
  #length = 0;

  /** Bytes held. */
  get length(): number {
    return this.#length;
  }

  /** Chunks or datagrams held. */
  get pieces(): number {
    return this.#pieces.length - this.#first;
  }

  push(bytes: Uint8Array, source?: Source): void {
    if (bytes.length === 0) return;
    this.#length += bytes.length;
    const last = this.#pieces.length > this.#first ? this.#pieces.at(-1) : undefined;
    // A stream that comes byte by byte would cost far more than its bytes.
    if (source === undefined && last !== undefined && last.bytes.length + bytes.length <= JOINED_BYTES) {
      const joined = new Uint8Array(last.bytes.length + bytes.length);
      joined.set(last.bytes);
      joined.set(bytes, last.bytes.length);
      last.bytes = joined;
      return;
    }
    this.#pieces.push({ bytes, source });
  }

  /** Puts bytes back in front: they were taken and not delivered. */
  unshift(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const first = this.#pieces[this.#first];
    if (this.#first > 0) this.#pieces[--this.#first] = { bytes, source: first?.source };
    else this.#pieces.unshift({ bytes, source: first?.source });
    this.#length += bytes.length;
  }

  /** Takes up to `maximum` bytes, across the ends of datagrams. */
  take(maximum: number): Uint8Array {
    const wanted = Math.min(maximum, this.#length);
    const head = this.#pieces[this.#first];
    if (head === undefined || wanted === 0) return new Uint8Array(0);
    if (head.bytes.length >= wanted) return this.#takeFrom(head, wanted);
    const out = new Uint8Array(wanted);
    let filled = 0;
    while (filled < wanted) {
      const piece = this.#pieces[this.#first];
      if (piece === undefined) break;
      const part = this.#takeFrom(piece, wanted - filled);
      out.set(part, filled);
      filled += part.length;
    }
    return out;
  }

  /** Takes up to `maximum` bytes of the oldest chunk or datagram only. */
  takeDatagram(maximum: number): DatagramRead {
    const piece = this.#pieces[this.#first];
    if (piece === undefined) return { bytes: new Uint8Array(0), left: 0, source: undefined };
    const { source } = piece;
    const size = piece.bytes.length;
    const bytes = this.#takeFrom(piece, maximum);
    return { bytes, left: size - bytes.length, source };
  }

  clear(): void {
    this.#pieces = [];
    this.#first = 0;
    this.#length = 0;
  }

  #takeFrom(piece: Piece, maximum: number): Uint8Array {
    const part = piece.bytes.length <= maximum ? piece.bytes : piece.bytes.subarray(0, maximum);
    this.#length -= part.length;
    if (part.length < piece.bytes.length) {
      piece.bytes = piece.bytes.subarray(part.length);
      return part;
    }
    this.#first++;
    if (this.#first >= 64 && this.#first * 2 >= this.#pieces.length) {
      this.#pieces.splice(0, this.#first);
      this.#first = 0;
    }
    return part;
  }
}
