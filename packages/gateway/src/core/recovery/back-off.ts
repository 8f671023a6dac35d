/** How pauses grow. */
export interface BackOffOptions {
  /** After the first failure, ms. */
  readonly firstMs: number;
  /** The longest, ms. */
  readonly longestMs: number;
  /** Numbers from 0 to 1, so that many gateways that lost one network do not all come back in the same second. */
  readonly random: () => number;
}

/** The pause after so many failures in a row, from 1 on: doubling up to the limit, and of that the half to the whole. */
export function backOffMs(failures: number, { firstMs, longestMs, random }: BackOffOptions): number {
  const whole = Math.min(longestMs, firstMs * 2 ** Math.min(Math.max(0, failures - 1), 30));
  return Math.round(whole / 2 + (random() * whole) / 2);
}
