/** From this length on, a payload is handed on where it lies: a view costs less than the copy (measured on Node 20). */
const VIEW_FROM = 384;

/**
 * Gathers the payloads of one chunk of the line. Payloads of one DLC that follow each other become one array, which is
 * the receiver's for good; a long one that lies in the chunk itself is a view of it.
 */
export class ReceivedRun {
  readonly #emit: (dlci: number, bytes: Uint8Array) => void;
  #chunk: Uint8Array | undefined;
  #room = 0;
  #out: Uint8Array | undefined;
  #start = 0;
  #end = 0;
  #dlci = -1;

  constructor(emit: (dlci: number, bytes: Uint8Array) => void) {
    this.#emit = emit;
  }

  /** A chunk begins; all its payloads together have at most `room` octets. */
  begin(chunk: Uint8Array | undefined, room: number): void {
    this.#chunk = chunk;
    this.#room = room;
    this.#out = undefined;
    this.#start = this.#end = 0;
    this.#dlci = -1;
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
    this.#out ??= new Uint8Array(this.#room);
    const out = this.#out;
    if (length > 64) {
      out.set(bytes.subarray(start, end), this.#end);
      this.#end += length;
      return;
    }
    let at = this.#end;
    for (let index = start; index < end; index++) out[at++] = bytes[index] as number;
    this.#end = at;
  }

  /** Hands on what is gathered: before anything else happens, and at the end of the chunk. */
  flush(): void {
    if (this.#out === undefined || this.#end === this.#start) return;
    const whole = this.#start === 0 && this.#end === this.#out.length;
    this.#emit(this.#dlci, whole ? this.#out : this.#out.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }
}
