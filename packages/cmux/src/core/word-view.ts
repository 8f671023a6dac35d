const NOTHING = new Uint8Array(0);
const NO_WORDS: DataView = new DataView(NOTHING.buffer);

/** The words of an array that is asked for again and again: making a view costs as much as coding 100 octets. */
export class WordView {
  #bytes: Uint8Array = NOTHING;
  #words = NO_WORDS;

  of(bytes: Uint8Array): DataView {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    return this.#words;
  }
}
