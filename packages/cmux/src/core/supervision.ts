import type { CommandOutcome } from './control-channel.ts';
import type { LinkContext } from './link-context.ts';
import { encodeModemStatus } from './modem-status.ts';

/**
 * Finds out whether the peer is still there (3GPP TS 27.010 §5.4.6.3.4): Test when nothing has come for a while, and MSC
 * to a peer that has no Test.
 */
export class Supervision {
  readonly #context: LinkContext;
  readonly #keepAliveMs: number;
  readonly #onLost: () => void;
  #receivedAtMs = 0;
  #atMs = Infinity;
  #isAsking = false;
  #count = 0;

  constructor(context: LinkContext, keepAliveMs: number, onLost: () => void) {
    this.#context = context;
    this.#keepAliveMs = keepAliveMs;
    this.#onLost = onLost;
  }

  get nextDeadlineMs(): number {
    return this.#atMs;
  }

  /** The link is up: begins to watch, where that is wished. */
  begin(nowMs: number): void {
    this.#receivedAtMs = nowMs;
    if (this.#keepAliveMs > 0) this.#atMs = nowMs + this.#keepAliveMs;
  }

  end(): void {
    this.#atMs = Infinity;
  }

  /** A frame of the peer arrived. */
  heard(nowMs: number): void {
    this.#receivedAtMs = nowMs;
  }

  handleTimeout(nowMs: number, isAwake: boolean): void {
    if (this.#atMs > nowMs) return;
    // Not the silence so far against the limit: rounded the other way it would be due for ever and never be over.
    const silentUntilMs = this.#receivedAtMs + this.#keepAliveMs;
    if (isAwake && silentUntilMs > nowMs) {
      this.#atMs = silentUntilMs;
      return;
    }
    this.#atMs = nowMs + this.#keepAliveMs;
    if (isAwake) this.ask();
  }

  /** Asks the peer now. */
  ask(): void {
    const { control, nowMs, dlcs, state } = this.#context;
    if (this.#isAsking || state !== 'up') return;
    const done = (outcome: CommandOutcome): void => {
      this.#isAsking = false;
      if (outcome === 'noAnswer') this.#onLost();
    };
    if (!control.isUnsupported('Test')) {
      this.#isAsking = true;
      this.#count = (this.#count + 1) & 0xffff;
      // Never empty: a Test without a value is one damaged bit away from FCoff, which has none either.
      const pattern = Uint8Array.of(0x63, 0x6d, this.#count >> 8, this.#count & 0xff);
      control.command('Test', 0, pattern, nowMs, false, done);
      return;
    }
    const dlc = dlcs.find((one) => one !== undefined && one.dlci > 0 && one.isOpen);
    if (dlc === undefined || control.isOutstanding('MSC', dlc.dlci)) return;
    this.#isAsking = true;
    control.command('MSC', dlc.dlci, encodeModemStatus(dlc.dlci, dlc.signals), nowMs, false, done);
  }
}
