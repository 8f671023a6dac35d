/** From this length on, a payload is handed on where it lies: a view costs less than the copy (measured on Node 20). */
const VIEW_FROM = 384;

/**
 * Payloads are gathered in slabs of this size: an array of its own for each would cost as much again as all the rest of
 * the way, since V8 asks the system for each of more than 64 octets. Whoever keeps a payload keeps its slab.
 */
const SLAB_OCTETS = 16 * 1024;

/** Chunks from this size on are worth a view of words. */
const WORDS_FROM = 192;

const NO_VIEW: DataView = new DataView(new ArrayBuffer(0));

/**
 * Gathers the payloads of one chunk of the line. Payloads of one DLC that follow each other become one array, which is
 * the receiver's for good; a long one that lies in the chunk itself is a view of it.
 */
export class ReceivedRun {
  readonly #emit: (dlci: number, bytes: Uint8Array) => void;
  #chunk: Uint8Array | undefined;
  #chunkView: DataView = NO_VIEW;
  /** The deframer's own memory, which is nearly always the same. */
  #other: Uint8Array | undefined;
  #otherView: DataView = NO_VIEW;
  #room = 0;
  #slab: Uint8Array = new Uint8Array(0);
  #slabView: DataView = NO_VIEW;
  #start = 0;
  #end = 0;
  #dlci = -1;

  constructor(emit: (dlci: number, bytes: Uint8Array) => void) {
    this.#emit = emit;
  }

  /** A chunk begins; all its payloads together have at most `room` octets. */
  begin(chunk: Uint8Array | undefined, room: number): void {
    this.#chunk = chunk;
    this.#chunkView = NO_VIEW;
    this.#room = room;
  }

  /** The payload `bytes[start]` to `bytes[end - 1]` of a DLC. */
  add(dlci: number, bytes: Uint8Array, start: number, end: number): void {
    if (dlci !== this.#dlci) {
      this.flush();
      this.#dlci = dlci;
    }
    const length = end - start;
    if (length >= VIEW_FROM && bytes === this.#chunk) {
      this.flush();
      this.#emit(dlci, bytes.subarray(start, end));
      return;
    }
    if (this.#end + length > this.#slab.length) {
      this.flush();
      this.#slab = new Uint8Array(Math.max(SLAB_OCTETS, this.#room));
      this.#slabView = new DataView(this.#slab.buffer);
      this.#start = this.#end = 0;
    }
    const slab = this.#slab;
    let at = this.#end;
    let index = start;
    const view = this.#viewOf(bytes);
    if (view !== NO_VIEW) {
      const slabView = this.#slabView;
      // A view of the octets and set() cost as much as copying some 256 of them by words (measured on Node 20).
      for (const last = end - 8; index <= last; index += 8, at += 8) {
        const second = view.getInt32(index + 4, true);
        slabView.setInt32(at, view.getInt32(index, true), true);
        slabView.setInt32(at + 4, second, true);
      }
    }
    for (; index < end; index++, at++) slab[at] = bytes[index] as number;
    this.#end = at;
  }

  /** Hands on what is gathered: before anything else happens, and at the end of the chunk. */
  flush(): void {
    if (this.#end === this.#start) return;
    const bytes = this.#slab.subarray(this.#start, this.#end);
    this.#start = this.#end;
    this.#emit(this.#dlci, bytes);
  }

  #viewOf(bytes: Uint8Array): DataView {
    if (bytes === this.#chunk) {
      if (this.#chunkView === NO_VIEW && bytes.length >= WORDS_FROM)
        this.#chunkView = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      return this.#chunkView;
    }
    if (bytes !== this.#other) {
      this.#other = bytes;
      this.#otherView = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    return this.#otherView;
  }
}
