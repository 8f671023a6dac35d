import type { Dlc, OpenOutcome } from './dlc.ts';
import { DLC_TRANSITIONS, type DlcAction, type DlcInput, type DlcState } from './dlc-transitions.ts';
import { ErrorRecovery } from './error-recovery.ts';
import { LENGTH_MAX } from './limits.ts';
import type { LinkContext } from './link-context.ts';
import type { DlcParameters } from './parameter-negotiation.ts';
import type { DropReason } from './send-queue.ts';

/** What follows from the life of a DLC elsewhere in the link. */
export interface DlcMachineHooks {
  /** DLCI 0 is open. */
  readonly linkOpened: () => void;
  /** DLCI 0 was open and is not any more. */
  readonly linkClosed: () => void;
  /** A DLC other than 0 is open, or begins anew: the peer is to be told its signals. */
  readonly tellStatus: (dlc: Dlc) => void;
  /** Parameters are to be proposed. */
  readonly propose: (dlc: Dlc) => void;
  /** A DLC other than 0 is no more. */
  readonly gone: (dlc: Dlc) => void;
}

/** Runs the table of {@link DLC_TRANSITIONS} for each DLC. */
export class DlcMachine {
  readonly #context: LinkContext;
  readonly #hooks: DlcMachineHooks;

  constructor(context: LinkContext, hooks: DlcMachineHooks) {
    this.#context = context;
    this.#hooks = hooks;
  }

  step(dlc: Dlc, input: DlcInput): void {
    this.#context.isTouched = true;
    const transition = DLC_TRANSITIONS[dlc.state][input];
    if (transition === undefined) return;
    const before = dlc.state;
    dlc.state = transition.next;
    if (before !== transition.next) {
      dlc.tries = 0;
      dlc.t1AtMs = Infinity;
    }
    for (const action of transition.actions) this.#act(dlc, action, before);
    if (transition.next === 'disconnected' && before !== 'disconnected') this.#afterClosed(dlc);
  }

  /** T1 of a DLC ran out, or that of its error-recovery mode. */
  handleTimeout(dlc: Dlc, nowMs: number): void {
    if (dlc.t1AtMs <= nowMs) this.step(dlc, dlc.tries > dlc.parameters.n2 ? 'N2' : 'T1');
    const { recovery } = dlc;
    if (recovery === undefined || recovery.t1AtMs > nowMs || dlc.state === 'resetting') return;
    if (recovery.timeout(nowMs)) return;
    dlc.counters.resets++;
    recovery.t1AtMs = Infinity;
    this.step(dlc, 'reset');
  }

  configure(dlc: Dlc, parameters: DlcParameters): void {
    const { deframer, options } = this.#context;
    dlc.parameters = parameters;
    // N1 may be one octet more than the length field of the basic option can say.
    const longest = options.option === 'basic' ? Math.min(parameters.n1, LENGTH_MAX) : parameters.n1;
    dlc.outbound.configure(parameters.convergence, longest);
    dlc.inbound.configure(parameters.convergence);
    if (parameters.n1 > deframer.n1) deframer.n1 = parameters.n1;
  }

  /** DISC follows what was accepted for sending, once all of that has left. */
  disconnectIfDrained(dlc: Dlc): void {
    if (dlc.state === 'draining' && !dlc.hasUnsent && this.#context.batchesOut.size === 0) this.step(dlc, 'disconnect');
  }

  /** A DLC ends without a word on the line. */
  forget(dlc: Dlc, by: 'peer' | 'link'): void {
    const wasOpen = dlc.isOpen || dlc.state === 'disconnecting';
    dlc.state = 'disconnected';
    dlc.t1AtMs = Infinity;
    this.settleOpen(dlc, by === 'link' ? 'linkLost' : 'refused');
    if (wasOpen) this.#context.emit({ type: 'dlcClosed', dlci: dlc.dlci, by });
    this.#drop(dlc, by === 'link' ? 'linkLost' : 'closed');
    if (dlc.dlci !== 0) this.#hooks.gone(dlc);
  }

  /** Tells who waits for the DLC to open, if anybody does. */
  settleOpen(dlc: Dlc, outcome: OpenOutcome): void {
    const { onOpened } = dlc;
    dlc.onOpened = undefined;
    onOpened?.(outcome);
  }

  #act(dlc: Dlc, action: DlcAction, before: DlcState): void {
    const context = this.#context;
    const { dlci } = dlc;
    switch (action) {
      case 'sendPN':
        this.#hooks.propose(dlc);
        return;
      case 'sendSABM':
        context.sendCommand(dlc, 'SABM');
        return;
      case 'sendDISC':
        context.sendCommand(dlc, 'DISC');
        return;
      case 'sendUA':
        context.sendResponse(dlc, 'UA');
        return;
      case 'sendDM':
        context.sendResponse(dlc, 'DM');
        return;
      case 'restart':
        this.#restart(dlc, before === 'resetting');
        return;
      case 'opened':
      case 'openedByPeer':
        this.#opened(dlc, action === 'opened' ? 'us' : 'peer');
        return;
      case 'refused':
        this.settleOpen(dlc, 'refused');
        return;
      case 'unanswered':
        this.settleOpen(dlc, 'noAnswer');
        return;
      case 'closed':
        if (dlc.onOpened === undefined) context.emit({ type: 'dlcClosed', dlci, by: 'us' });
        this.settleOpen(dlc, 'closed');
        return;
      case 'closedByPeer':
        if (dlci !== 0) context.emit({ type: 'dlcClosed', dlci, by: 'peer' });
        return;
      case 'lost':
        context.emit({ type: 'dlcClosed', dlci, by: 'link' });
        return;
    }
  }

  #opened(dlc: Dlc, by: 'us' | 'peer'): void {
    if (dlc.dlci === 0) {
      this.#hooks.linkOpened();
    } else {
      const { dlci, peerSignals } = dlc;
      this.#context.emit({ type: 'dlcOpened', dlci, by });
      // A peer may tell them before it answers SABM.
      if (peerSignals !== undefined) this.#context.emit({ type: 'signals', dlci, status: peerSignals });
      if (dlc.parameters.frameType === 'I') {
        const { k, n2, t1Ms } = dlc.parameters;
        dlc.recovery = new ErrorRecovery({
          k,
          n2,
          t1Ms: t1Ms + this.#context.slackMs,
          opener: by === 'us',
          counters: dlc.counters,
        });
        this.#context.transmitter.addRecovering(dlc);
      }
      this.#hooks.tellStatus(dlc);
    }
    this.settleOpen(dlc, 'opened');
  }

  #restart(dlc: Dlc, opener: boolean): void {
    dlc.stoppedByPeer = false;
    if (dlc.dlci === 0) return;
    this.#context.emit({ type: 'dlcRestarted', dlci: dlc.dlci });
    dlc.inbound.restart();
    if (dlc.recovery?.restart(opener) === true) dlc.outbound.queue.dropBegun('reset');
    this.#hooks.tellStatus(dlc);
  }

  #afterClosed(dlc: Dlc): void {
    if (dlc.dlci === 0) {
      this.#hooks.linkClosed();
      for (const onClosed of dlc.onClosed.splice(0)) onClosed();
      return;
    }
    this.#drop(dlc, 'closed');
    this.#hooks.gone(dlc);
  }

  #drop(dlc: Dlc, reason: Exclude<DropReason, 'reset'>): void {
    const { transmitter, scheduler, control } = this.#context;
    dlc.recovery?.drop(reason);
    dlc.recovery = undefined;
    dlc.peerSignals = undefined;
    transmitter.removeRecovering(dlc);
    dlc.outbound.drop(reason);
    scheduler.remove(dlc);
    control.forget(dlc.dlci);
    for (const onClosed of dlc.onClosed.splice(0)) onClosed();
  }
}
