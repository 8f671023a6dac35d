import { encodeSignals, type ModemStatus } from './modem-status.ts';
import type { ConvergenceLayer } from './parameter-negotiation.ts';
import { SendQueue, type DropReason, type SendTicket } from './send-queue.ts';

/** The header octet of convergence layer 4, §5.5.4: EA, first fragment, last fragment. */
export const FRAGMENT = { EA: 0x01, first: 0x40, last: 0x80 } as const;

/** The longest user frame of layer 4, in octets: a longer one is not sent, and given up by the end that puts it together. */
export const FRAME_LIMIT_OCTETS = 64 * 1024;

/**
 * What one DLC has to send, cut into information fields as its convergence layer asks (3GPP TS 27.010 §5.5): 1 plain
 * octets; 2 each field begins with the V.24 octets; 3 one user frame a field; 4 fragments with a header octet each.
 */
export class Outbound {
  readonly queue = new SendQueue();
  #convergence: ConvergenceLayer = 1;
  #n1 = 31;
  /** Layer 2: the signals that go in front of each field, and whether they must be sent though there is no data. */
  #signals: Uint8Array = encodeSignals({ fc: false, rtc: true, rtr: true, ic: false, dv: true });
  #signalsDue = false;

  configure(convergence: ConvergenceLayer, n1: number): void {
    this.#convergence = convergence;
    this.#n1 = n1;
  }

  /** The most octets that one user frame may have; Infinity where the layer knows no frames. */
  get longestFrame(): number {
    if (this.#convergence === 4) return FRAME_LIMIT_OCTETS;
    return this.#convergence === 3 ? this.#n1 : Infinity;
  }

  /** True where a user frame keeps its boundaries. */
  get isFramed(): boolean {
    return this.#convergence >= 3;
  }

  /** Layer 2: sends these signals with what comes next, and without data where there is none. */
  setSignals(status: ModemStatus): void {
    this.#signals = encodeSignals(status);
    this.#signalsDue = true;
  }

  /** True while signals wait that must leave even when the peer has stopped the data. */
  get signalsDue(): boolean {
    return this.#convergence === 2 && this.#signalsDue;
  }

  /** The length of the next information field; -1 where there is nothing to send. */
  nextLength(dataStopped: boolean): number {
    if (this.#convergence === 2) {
      if (dataStopped || this.queue.isEmpty) return this.#signalsDue ? this.#signals.length : -1;
      return Math.min(this.#n1, this.#signals.length + this.queue.octets);
    }
    const { first } = this.queue;
    if (dataStopped || first === undefined) return -1;
    switch (this.#convergence) {
      case 1:
        return Math.min(this.#n1, this.queue.octets);
      case 3:
        return first.bytes.length;
      case 4:
        return Math.min(this.#n1, 1 + first.bytes.length - first.sent);
    }
  }

  /** Writes the field whose length {@link nextLength} gave. */
  take(out: Uint8Array, offset: number, length: number, finished: SendTicket[]): void {
    switch (this.#convergence) {
      case 1:
        this.queue.take(out, offset, length, finished);
        return;
      case 2: {
        out.set(this.#signals, offset);
        this.#signalsDue = false;
        const data = length - this.#signals.length;
        if (data > 0) this.queue.take(out, offset + this.#signals.length, data, finished);
        return;
      }
      case 3:
        this.queue.takeOne(out, offset, length, finished);
        return;
      case 4: {
        const ticket = this.queue.first;
        if (ticket === undefined) return;
        const isFirst = ticket.sent === 0;
        this.queue.takeOne(out, offset + 1, length - 1, finished);
        const isLast = ticket.sent === ticket.bytes.length;
        out[offset] = FRAGMENT.EA | (isFirst ? FRAGMENT.first : 0) | (isLast ? FRAGMENT.last : 0);
        return;
      }
    }
  }

  drop(reason: DropReason): void {
    this.queue.drop(reason);
    this.#signalsDue = false;
  }
}
