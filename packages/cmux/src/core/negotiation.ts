import type { CommandOutcome } from './control-channel.ts';
import type { Dlc } from './dlc.ts';
import type { DlcMachine } from './dlc-machine.ts';
import { DLCI_MAX } from './limits.ts';
import type { LinkContext } from './link-context.ts';
import { decodeParameters, encodeParameters, N1_FROM, type DlcParameters } from './parameter-negotiation.ts';

/** DLC parameter negotiation, both ends of it (3GPP TS 27.010 §5.4.6.3.1): before SABM, and only where it is wished. */
export class Negotiation {
  readonly #context: LinkContext;
  readonly #machine: DlcMachine;
  /** What this end wishes for DLCs that it is about to open. */
  readonly #wished = new Map<number, DlcParameters>();
  /** What was agreed on when the peer proposed, for DLCs that are not open yet. */
  readonly #agreed = new Map<number, DlcParameters>();

  constructor(context: LinkContext, machine: DlcMachine) {
    this.#context = context;
    this.#machine = machine;
  }

  /** What this end wishes for a DLC that it is about to open. */
  wish(dlci: number, parameters: DlcParameters): void {
    this.#wished.set(dlci, parameters);
  }

  /** What the peer proposed and was answered for a DLC, or else the standard's values. */
  parametersFor(dlci: number): DlcParameters {
    return this.#agreed.get(dlci) ?? this.#context.standardParameters(dlci);
  }

  /** True where this end can do without what it wishes for a DLC that comes with {@link parametersFor}. */
  fits(dlci: number): boolean {
    const wished = this.#wished.get(dlci);
    if (wished === undefined) return true;
    const { frameType, convergence } = this.parametersFor(dlci);
    return isFitting(wished, frameType, convergence);
  }

  forget(dlci: number): void {
    this.#wished.delete(dlci);
    this.#agreed.delete(dlci);
  }

  /** Proposes what is wished. */
  propose(dlc: Dlc): void {
    const { control, nowMs } = this.#context;
    const wished = this.#wished.get(dlc.dlci) ?? this.parametersFor(dlc.dlci);
    control.command('PN', dlc.dlci, encodeParameters(dlc.dlci, wished), nowMs, false, (outcome, answer) => {
      if (dlc.state === 'negotiating') this.#answered(dlc, wished, outcome, answer);
    });
  }

  /**
   * The answer to a proposal of the peer. It may lower N1, and bring back what this end does not have; undefined for a
   * DLCI that cannot have parameters.
   */
  answer(dlci: number, wanted: DlcParameters): DlcParameters | undefined {
    if (dlci < 1 || dlci > DLCI_MAX) return undefined;
    const { n1Limit, option, role, t1Ms } = this.#context.options;
    const dlc = this.#context.dlc(dlci);
    // What is open stays as it is: where that is not what the peer wants, it sees that it was not agreed to.
    if (dlc.state !== 'disconnected' && dlc.state !== 'negotiating') return dlc.parameters;
    const wished = this.#wished.get(dlci);
    if (dlc.state === 'negotiating' && wished !== undefined && role === 'initiator') {
      // Both propose at once: the initiator's proposal counts.
      return { ...wished, n1: Math.min(wished.n1, wanted.n1), k: Math.min(wished.k, wanted.k || wished.k) };
    }
    const n1 = Math.min(wanted.n1, n1Limit);
    const agreed: DlcParameters = {
      ...wanted,
      // I frames exist in the advanced option alone (§6).
      frameType: wanted.frameType === 'I' && option === 'basic' ? 'UIH' : wanted.frameType,
      convergence: n1 < N1_FROM[wanted.convergence] ? 1 : wanted.convergence,
      n1,
      k: wanted.k === 0 ? 2 : wanted.k,
    };
    this.#agreed.set(dlci, { ...agreed, t1Ms: Math.max(t1Ms, agreed.t1Ms) });
    return agreed;
  }

  #answered(dlc: Dlc, wished: DlcParameters, outcome: CommandOutcome, answer: Uint8Array | undefined): void {
    const answered = answer === undefined ? undefined : decodeParameters(answer)?.parameters;
    const theirs = this.#agreed.get(dlc.dlci);
    if (theirs !== undefined) {
      // Both proposed at once, and the peer's proposal counts.
      if (isFitting(wished, theirs.frameType, theirs.convergence)) this.#machine.configure(dlc, theirs);
      else {
        this.#notAgreed(dlc, outcome);
        return;
      }
    } else if (
      answered !== undefined &&
      answered.frameType === wished.frameType &&
      answered.convergence === wished.convergence &&
      answered.n1 <= wished.n1 &&
      answered.n1 >= N1_FROM[wished.convergence] &&
      answered.k <= wished.k
    ) {
      const { n1, priority, k } = answered;
      this.#machine.configure(dlc, { ...wished, n1, priority, k: Math.max(1, k) });
    } else if (isFitting(wished, 'UIH', 1)) {
      // Silence, NSC or a changed proposal: the standard's values hold.
      this.#machine.configure(dlc, this.#context.standardParameters(dlc.dlci));
    } else {
      this.#notAgreed(dlc, outcome);
      return;
    }
    this.#machine.step(dlc, 'open');
  }

  #notAgreed(dlc: Dlc, outcome: CommandOutcome): void {
    this.#machine.settleOpen(dlc, outcome === 'linkLost' ? 'linkLost' : 'notAgreed');
    this.#machine.step(dlc, 'disconnect');
  }
}

/** An application that counts on repetition, on a check of its data or on whole frames cannot do without. */
function isFitting(
  wished: DlcParameters,
  frameType: DlcParameters['frameType'],
  convergence: DlcParameters['convergence'],
): boolean {
  const fitsFrames = wished.frameType !== 'I' || frameType === 'I';
  return fitsFrames && (wished.convergence === 1 || wished.convergence === convergence);
}
