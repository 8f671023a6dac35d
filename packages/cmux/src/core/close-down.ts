import type { DlcMachine } from './dlc-machine.ts';
import type { LinkContext } from './link-context.ts';
import type { LinkEnd } from './link-event.ts';

const NOTHING = new Uint8Array(0);

/**
 * The end of a link, 3GPP TS 27.010 §5.8.2. From this end: DISC on each DLC, CLD, and where that is not answered DISC on
 * DLCI 0; each with its tries, so that it ends in any case. From the peer: its CLD or DISC is answered first.
 */
export class CloseDown {
  readonly #context: LinkContext;
  readonly #machine: DlcMachine;
  readonly #onEnd: () => void;
  #whenSent: (() => void) | undefined;
  /** Until when a line that takes nothing is waited for, where the peer has closed. */
  #untilMs = Infinity;
  #isPeers = false;
  /** DISC was sent on DLCI 0. */
  #isDisconnecting = false;

  constructor(context: LinkContext, machine: DlcMachine, onEnd: () => void) {
    this.#context = context;
    this.#machine = machine;
    this.#onEnd = onEnd;
  }

  /** Closes from this end. */
  close(): void {
    const context = this.#context;
    if (context.state === 'closed' || context.state === 'closing') return;
    if (context.state !== 'up') {
      this.end('closed');
      return;
    }
    context.state = 'closing';
    for (const dlc of context.dlcs) {
      if (dlc === undefined || dlc.dlci === 0 || dlc.state === 'disconnected') continue;
      dlc.outbound.drop('closed');
      this.#machine.step(dlc, 'disconnect');
    }
    this.goOn();
  }

  /** The next step of {@link close}, once no DLC is left. */
  goOn(): void {
    const { state, dlcs, control, nowMs } = this.#context;
    if (state !== 'closing' || this.#isPeers) return;
    if (dlcs.some((dlc) => dlc !== undefined && dlc.dlci !== 0 && dlc.state !== 'disconnected')) return;
    if (control.isOutstanding('CLD', 0)) return;
    control.command('CLD', 0, NOTHING, nowMs, false, (outcome) => {
      if (outcome === 'linkLost') return;
      if (outcome === 'answered') {
        this.#context.deframer.stop();
        this.end('closed');
      } else {
        this.#disconnectLink();
      }
    });
  }

  /** DLCI 0 is not open any more. */
  linkClosed(): void {
    if (!this.#isDisconnecting) this.peerCloses();
  }

  /** The peer has closed the link: what answers it is queued, and leaves first. */
  peerCloses(): void {
    const context = this.#context;
    if (context.state === 'closed' || this.#isPeers) return;
    context.deframer.stop();
    context.state = 'closing';
    this.#isPeers = true;
    for (const dlc of context.dlcs) {
      if (dlc !== undefined && dlc.dlci !== 0) this.#machine.forget(dlc, 'peer');
    }
    context.control.drop();
    this.#untilMs = context.nowMs + context.options.t2Ms + context.slackMs;
    this.whenSent(() => {
      this.end('closedByPeer');
    });
  }

  get nextDeadlineMs(): number {
    return this.#untilMs;
  }

  handleTimeout(nowMs: number): void {
    if (this.#untilMs <= nowMs) this.end('closedByPeer');
  }

  /** Does something once all that is urgent has left. A later wish replaces an earlier one. */
  whenSent(task: () => void): void {
    this.#whenSent = task;
    this.#context.isTouched = true;
  }

  /** To be called whenever something may have left. */
  endIfSent(): void {
    const task = this.#whenSent;
    if (task === undefined || this.#context.batchesOut.size > 0 || this.#context.transmitter.hasUrgent) return;
    this.#whenSent = undefined;
    task();
  }

  /** The link is over. */
  end(end: LinkEnd): void {
    const context = this.#context;
    if (context.state === 'closed') return;
    context.state = 'closed';
    context.isTouched = true;
    context.transmitter.forget(() => true);
    this.#whenSent = undefined;
    this.#untilMs = Infinity;
    // A line that takes nothing any more would keep their senders waiting.
    for (const { finished } of context.batchesOut) for (const ticket of finished) ticket.dropped('linkLost');
    context.batchesOut.clear();
    for (const dlc of context.dlcs) {
      if (dlc === undefined) continue;
      dlc.t1AtMs = Infinity;
      if (dlc.dlci !== 0 && dlc.state !== 'disconnected') this.#machine.forget(dlc, 'link');
      dlc.state = 'disconnected';
      this.#machine.settleOpen(dlc, 'linkLost');
    }
    context.control.drop();
    this.#onEnd();
    context.emit({ type: 'ended', end });
  }

  #disconnectLink(): void {
    const link = this.#context.dlc(0);
    this.#isDisconnecting = true;
    link.onClosed.push(() => {
      this.#context.deframer.stop();
      this.end(link.wasAnswered ? 'closed' : 'closedUnanswered');
    });
    this.#machine.step(link, 'disconnect');
  }
}
