/** Octets that were sent and that the far end of a slow network has not acknowledged yet. */
export class Unacknowledged {
  readonly #afterMs: number;
  /** What was sent in one millisecond, and when it is acknowledged; in that order. */
  readonly #underWay: { readonly atMs: number; bytes: number }[] = [];

  /** @param afterMs how long an acknowledgement takes; at most that many entries are kept */
  constructor(afterMs: number) {
    this.#afterMs = afterMs;
  }

  sent(bytes: number, nowMs: number): void {
    if (this.#afterMs === 0 || bytes === 0) return;
    this.#forget(nowMs);
    const atMs = Math.floor(nowMs) + this.#afterMs;
    const last = this.#underWay.at(-1);
    if (last?.atMs === atMs) last.bytes += bytes;
    else this.#underWay.push({ atMs, bytes });
  }

  bytesAt(nowMs: number): number {
    this.#forget(nowMs);
    return this.#underWay.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  clear(): void {
    this.#underWay.length = 0;
  }

  #forget(nowMs: number): void {
    const kept = this.#underWay.findIndex(({ atMs }) => atMs > nowMs);
    this.#underWay.splice(0, kept < 0 ? this.#underWay.length : kept);
  }
}
