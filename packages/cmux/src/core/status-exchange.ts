import type { CommandOutcome } from './control-channel.ts';
import type { Dlc } from './dlc.ts';
import type { LinkContext } from './link-context.ts';
import { encodeModemStatus, type ModemStatus } from './modem-status.ts';

/**
 * Keeps the peer informed of the V.24 signals of this end, FC among them (3GPP TS 27.010 §5.4.6.3.7): one MSC for each
 * change and DLC, the next one only when the one before is through, and always the latest state.
 */
export class StatusExchange {
  readonly #context: LinkContext;
  /** DLCs whose signals were changed since the MSC that is outstanding, and those that must be told them in any case. */
  readonly #changed = new Set<number>();
  readonly #due = new Set<number>();
  readonly #retryAtMs = new Map<number, number>();

  constructor(context: LinkContext) {
    this.#context = context;
  }

  /** The signals of this end were changed: the peer is told, unless they are back before it could be. */
  change(dlc: Dlc): void {
    if (dlc.parameters.convergence !== 2 && this.#context.control.isOutstanding('MSC', dlc.dlci))
      this.#changed.add(dlc.dlci);
    else this.tell(dlc);
  }

  /** Tells the peer how things are on a DLC, whatever it was told before. */
  tell(dlc: Dlc): void {
    const { control, nowMs, scheduler } = this.#context;
    if (dlc.parameters.convergence === 2) {
      // Layer 2 carries the signals in front of the data (§5.5.2).
      dlc.outbound.setSignals(dlc.signals);
      scheduler.add(dlc);
      return;
    }
    if (control.isOutstanding('MSC', dlc.dlci)) {
      this.#due.add(dlc.dlci);
      return;
    }
    this.#retryAtMs.delete(dlc.dlci);
    const value = encodeModemStatus(dlc.dlci, dlc.signals);
    control.command('MSC', dlc.dlci, value, nowMs, true, (outcome) => {
      this.#told(dlc, outcome, value);
    });
  }

  /** The peer has told its signals. */
  take(dlci: number, status: ModemStatus): void {
    const dlc = this.#context.dlcs[dlci];
    if (dlc === undefined || dlc.state === 'disconnected') return;
    if (status.fc && !dlc.stoppedByPeer) dlc.counters.stoppedByPeer++;
    dlc.stoppedByPeer = status.fc;
    dlc.peerSignals = status;
    if (dlc.isOpen) this.#context.emit({ type: 'signals', dlci, status });
  }

  /** An MSC answer arrived that answers nothing: the peer may have taken a damaged MSC for one about this DLC. */
  unexpected(dlci: number, value: Uint8Array): void {
    const dlc = this.#context.dlcs[dlci];
    if (dlc?.isOpen !== true) return;
    if (!isSame(value, encodeModemStatus(dlci, dlc.signals))) this.tell(dlc);
  }

  /** A DLC is no more. */
  forget(dlci: number): void {
    this.#due.delete(dlci);
    this.#changed.delete(dlci);
    this.#retryAtMs.delete(dlci);
  }

  get nextDeadlineMs(): number {
    let next = Infinity;
    for (const atMs of this.#retryAtMs.values()) next = Math.min(next, atMs);
    return next;
  }

  handleTimeout(nowMs: number): void {
    for (const [dlci, atMs] of [...this.#retryAtMs]) {
      if (atMs > nowMs) continue;
      this.#retryAtMs.delete(dlci);
      const dlc = this.#context.dlc(dlci);
      if (dlc.isOpen) this.tell(dlc);
    }
  }

  #told(dlc: Dlc, outcome: CommandOutcome, value: Uint8Array): void {
    const isDue = this.#due.delete(dlc.dlci);
    const isChanged = this.#changed.delete(dlc.dlci) && !isSame(value, encodeModemStatus(dlc.dlci, dlc.signals));
    if (!dlc.isOpen || outcome === 'linkLost') return;
    if (isDue || isChanged) this.tell(dlc);
    // A peer that was stopped and never hears that it may go on would be stopped for good.
    else if (outcome === 'noAnswer') this.#retryAtMs.set(dlc.dlci, this.#context.nowMs + this.#context.options.t3Ms);
  }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((octet, index) => octet === other[index]);
}
