import type { CommandOutcome } from './control-channel.ts';
import type { Dlc } from './dlc.ts';
import type { DlcMachine } from './dlc-machine.ts';
import type { LinkContext } from './link-context.ts';
import { decodeParameters, encodeParameters, type DlcParameters } from './parameter-negotiation.ts';

/** DLC parameter negotiation, both ends of it (3GPP TS 27.010 §5.4.6.3.1): before SABM, and only where it is wished. */
export class Negotiation {
  readonly #context: LinkContext;
  readonly #machine: DlcMachine;
  /** What is wished by this end, or was agreed with the peer, for DLCs that are not open yet. */
  readonly #agreed = new Map<number, DlcParameters>();

  constructor(context: LinkContext, machine: DlcMachine) {
    this.#context = context;
    this.#machine = machine;
  }

  /** What this end wishes for a DLC that it is about to open. */
  wish(dlci: number, parameters: DlcParameters): void {
    this.#agreed.set(dlci, parameters);
  }

  /** What was agreed for a DLC, or else the standard's values. */
  parametersFor(dlci: number): DlcParameters {
    return this.#agreed.get(dlci) ?? this.#context.standardParameters(dlci);
  }

  forget(dlci: number): void {
    this.#agreed.delete(dlci);
  }

  /** Proposes what is wished. */
  propose(dlc: Dlc): void {
    const { control, nowMs } = this.#context;
    const wanted = this.parametersFor(dlc.dlci);
    control.command('PN', dlc.dlci, encodeParameters(dlc.dlci, wanted), nowMs, false, (outcome, answer) => {
      if (dlc.state === 'negotiating') this.#answered(dlc, wanted, outcome, answer);
    });
  }

  /** The answer to a proposal of the peer. It may lower N1, and bring back what this end does not have. */
  answer(dlci: number, wanted: DlcParameters): DlcParameters {
    const { n1Limit, option } = this.#context.options;
    const agreed: DlcParameters = {
      ...wanted,
      // I frames exist in the advanced option alone (§6).
      frameType: wanted.frameType === 'I' && option === 'basic' ? 'UIH' : wanted.frameType,
      n1: Math.min(wanted.n1, n1Limit),
      k: wanted.k === 0 ? 2 : wanted.k,
    };
    if (dlci >= 1 && this.#context.dlc(dlci).state === 'disconnected')
      this.#agreed.set(dlci, { ...agreed, t1Ms: Math.max(10, agreed.t1Ms) });
    return agreed;
  }

  #answered(dlc: Dlc, wanted: DlcParameters, outcome: CommandOutcome, answer: Uint8Array | undefined): void {
    const agreed = answer === undefined ? undefined : decodeParameters(answer)?.parameters;
    const isAgreed =
      agreed !== undefined &&
      agreed.frameType === wanted.frameType &&
      agreed.convergence === wanted.convergence &&
      agreed.n1 <= wanted.n1 &&
      agreed.k <= wanted.k;
    if (isAgreed) {
      const { n1, priority } = agreed;
      this.#machine.configure(dlc, { ...wanted, n1, priority, k: Math.max(1, agreed.k) });
    } else if (wanted.frameType === 'I' || wanted.convergence !== 1) {
      // An application that counts on repetition or on whole frames cannot do without.
      this.#machine.settleOpen(dlc, outcome === 'linkLost' ? 'linkLost' : 'notAgreed');
      this.#machine.step(dlc, 'disconnect');
      return;
    } else {
      // Silence, NSC or a changed proposal: the standard's values hold.
      this.#machine.configure(dlc, this.#context.standardParameters(dlc.dlci));
    }
    this.#machine.step(dlc, 'open');
  }
}
