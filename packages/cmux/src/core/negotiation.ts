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
  /** DLCs that were not opened since this end proposed something for them: the peer may still hold to it. */
  readonly #proposed = new Map<number, DlcParameters>();
  /** DLCs for which both ends proposed at once, and the peer's proposal counts. */
  readonly #yielded = new Set<number>();

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

  /** True where neither end can hold to anything but the standard's values: SABM may then go without PN before it. */
  isFresh(dlci: number): boolean {
    return !this.#agreed.has(dlci) && !this.#proposed.has(dlci);
  }

  /** A DLC is open: what was agreed for it is in use, and what was not is over. */
  opened(dlci: number): void {
    this.#proposed.delete(dlci);
  }

  /** A DLC is no more, or its opening is over. */
  forget(dlci: number): void {
    this.#wished.delete(dlci);
    this.#agreed.delete(dlci);
    this.#yielded.delete(dlci);
  }

  /** The peer begins anew, and holds to nothing. */
  clear(): void {
    this.#wished.clear();
    this.#agreed.clear();
    this.#yielded.clear();
    this.#proposed.clear();
  }

  /** Proposes what is wished; where nothing is, what the ends may hold to. */
  propose(dlc: Dlc): void {
    const { control, deframer, nowMs } = this.#context;
    const { dlci } = dlc;
    const proposed = this.#wished.get(dlci) ?? this.parametersFor(dlci);
    this.#agreed.delete(dlci);
    this.#proposed.set(dlci, proposed);
    // Where the answer is lost the peer has agreed all the same, and sends frames as long as that.
    if (proposed.n1 > deframer.n1) deframer.n1 = proposed.n1;
    control.command('PN', dlci, encodeParameters(dlci, proposed), nowMs, false, (outcome, answer) => {
      if (dlc.state === 'negotiating') this.#answered(dlc, proposed, outcome, answer);
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
    const proposed = this.#proposed.get(dlci);
    if (dlc.state === 'negotiating' && proposed !== undefined && role === 'initiator') {
      // Both propose at once: the initiator's proposal counts.
      return { ...proposed, n1: Math.min(proposed.n1, wanted.n1), k: Math.min(proposed.k, wanted.k || proposed.k) };
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
    if (dlc.state === 'negotiating') this.#yielded.add(dlci);
    this.#agreed.set(dlci, { ...agreed, t1Ms: Math.max(t1Ms, agreed.t1Ms) });
    return agreed;
  }

  #answered(dlc: Dlc, proposed: DlcParameters, outcome: CommandOutcome, answer: Uint8Array | undefined): void {
    const { dlci } = dlc;
    const wished = this.#wished.get(dlci);
    const agreed = this.#yielded.delete(dlci) ? this.#agreed.get(dlci) : agreementOn(proposed, answer);
    // Silence, NSC or a changed proposal: the standard's values hold.
    const parameters = agreed ?? this.#context.standardParameters(dlci);
    if (wished !== undefined && !isFitting(wished, parameters.frameType, parameters.convergence)) {
      this.#notAgreed(dlc, outcome);
      return;
    }
    this.#machine.configure(dlc, parameters);
    this.#machine.step(dlc, 'open');
  }

  #notAgreed(dlc: Dlc, outcome: CommandOutcome): void {
    this.#machine.settleOpen(dlc, outcome === 'linkLost' ? 'linkLost' : 'notAgreed');
    this.#machine.step(dlc, 'disconnect');
  }
}

/** What holds after this answer to a proposal; undefined where that is nothing of the kind. */
function agreementOn(proposed: DlcParameters, answer: Uint8Array | undefined): DlcParameters | undefined {
  const answered = answer === undefined ? undefined : decodeParameters(answer)?.parameters;
  if (answered === undefined) return undefined;
  const { frameType, convergence, n1, priority, k } = answered;
  const isSame = frameType === proposed.frameType && convergence === proposed.convergence;
  // N1 and k may be lower, not higher.
  if (!isSame || n1 > proposed.n1 || n1 < N1_FROM[convergence] || k > proposed.k) return undefined;
  return { ...proposed, n1, priority, k: Math.max(1, k) };
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
