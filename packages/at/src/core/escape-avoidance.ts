const PLUS = 0x2b;

/**
 * Sees when data that is being sent would be taken for the escape sequence: exactly three `+` with nothing sent for a
 * guard time before and behind them (register S12). Where that threatens, the last `+` has to wait until the gap before
 * it is longer than the sequence may have, or until more data follows.
 */
export class EscapeAvoidance {
  readonly #guardMs: number;
  /** `+` sent since the line was quiet, and nothing else; undefined when anything else was sent. */
  #run: number | undefined = 0;
  #lastMs = -Infinity;

  /** @param guardMs the shortest quiet time that might be taken for the guard time. */
  constructor(guardMs: number) {
    this.#guardMs = guardMs;
  }

  /** Data is about to be sent at `nowMs`. True when its last octet completes an escape sequence, if nothing follows. */
  sends(bytes: Uint8Array, nowMs: number): boolean {
    if (bytes.length === 0) return false;
    if (nowMs - this.#lastMs >= this.#guardMs) this.#run = 0;
    this.#lastMs = nowMs;
    let run = this.#run;
    for (let index = 0; index < bytes.length && run !== undefined; index++) {
      run = bytes[index] === PLUS && run < 3 ? run + 1 : undefined;
    }
    this.#run = run;
    return run === 3;
  }
}
