import type { ControlOption } from './control-packet.ts';

/** What we think of an option of the peer: take it, propose another value, or have nothing to do with it. */
export type OptionVerdict =
  | 'ack'
  | 'reject'
  /** `always`: even where Max-Failure turns other Naks into rejections. */
  | { readonly nak: ControlOption; readonly always?: boolean };

/** What an answer to our request led to. `fatal` gives up the protocol, `stall` asks again after a pause. */
export type NegotiationStep = 'go' | 'stall' | { readonly fatal: string };

/** The options of one protocol: what an automaton asks for and what it grants. */
export interface OptionNegotiator {
  /** Begins from scratch: what was agreed before is void. */
  restart(): void;
  /** The options of the next Configure-Request. */
  request(): readonly ControlOption[];
  /** Judges one option of the peer's request. Has no effect on what is agreed. */
  judge(option: ControlOption): OptionVerdict;
  /** We granted the peer's request. */
  granted(options: readonly ControlOption[]): void;
  /** The peer granted our request. */
  acked(options: readonly ControlOption[]): void;
  /** The peer proposed other values. */
  naked(options: readonly ControlOption[]): NegotiationStep;
  /** The peer rejected some of our options; they are left out from now on. */
  rejected(options: readonly ControlOption[]): NegotiationStep;
}
