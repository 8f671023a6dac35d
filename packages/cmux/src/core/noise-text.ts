/** Octets of noise kept to find text in. */
const TEXT_LIMIT_OCTETS = 256;
/** The shortest text that is taken for one: `RDY` and its line end. */
const TEXT_FROM_OCTETS = 5;

/**
 * Tells a module's boot text, or what it says in AT command mode, from the debris of damaged frames: nothing but text,
 * with a line end, and no frame since it began.
 */
export class NoiseText {
  #octets = new Uint8Array(TEXT_LIMIT_OCTETS);
  #length = 0;
  #isText = true;

  /** True while nothing is collected. */
  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** Octets that belong to no frame. */
  add(bytes: Uint8Array, start: number, end: number): void {
    for (let index = start; index < end && this.#length < TEXT_LIMIT_OCTETS; index++) {
      const octet = bytes[index] as number;
      // What a line says while its driver is switched on: breaks and half octets.
      if (this.#length === 0 && (octet === 0 || octet >= 0x80)) continue;
      if (!isText(octet)) this.#isText = false;
      this.#octets[this.#length++] = octet;
    }
  }

  clear(): void {
    this.#length = 0;
    this.#isText = true;
  }

  /** The text that was collected, trimmed; undefined where it is none. Collects anew. */
  take(): string | undefined {
    const octets = this.#octets.subarray(0, this.#length);
    const isText = this.#isText && octets.length >= TEXT_FROM_OCTETS && octets.some((octet) => octet < 0x20);
    const text = isText ? String.fromCharCode(...octets).trim() : '';
    this.clear();
    return text.length >= 2 ? text : undefined;
  }
}

function isText(octet: number): boolean {
  return octet === 0x0d || octet === 0x0a || (octet >= 0x20 && octet < 0x7f);
}
