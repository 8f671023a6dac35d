import { controlPacket, optionOctets, parseOptions, type ControlOption, type ControlPacket } from './control-packet.ts';
import type { NegotiationLimits } from './negotiation-limits.ts';
import type { OptionNegotiator } from './option-negotiator.ts';
import { CODE } from './protocol-numbers.ts';

/** The answer to a Configure-Request. */
export interface RequestAnswer {
  readonly packet: Uint8Array;
  /** What is granted; undefined where the answer is a Nak or a Reject. */
  readonly granted: readonly ControlOption[] | undefined;
}

/** What the peer asks for in one negotiation (RFC 1661 §5.1 to §5.4), and how often. */
export class PeerRequests {
  readonly #negotiator: OptionNegotiator;
  readonly #limits: NegotiationLimits;
  #received = 0;
  /** Naks since the last Ack. */
  #naksSent = 0;

  constructor(negotiator: OptionNegotiator, limits: NegotiationLimits) {
    this.#negotiator = negotiator;
    this.#limits = limits;
  }

  /** A negotiation begins. */
  restart(): void {
    this.#received = 0;
    this.#naksSent = 0;
  }

  /** Judges a request: options to reject come before options to nak. Undefined where there have been too many. */
  judge({ identifier, data }: ControlPacket): RequestAnswer | undefined {
    if (++this.#received > this.#limits.maxRequestsReceived) return undefined;
    const options = parseOptions(data);
    const mayNak = this.#naksSent < this.#limits.maxFailure;
    const rejects: ControlOption[] = [];
    const naks: ControlOption[] = [];
    for (const option of options) {
      const verdict = option.isWellFormed ? this.#negotiator.judge(option) : 'reject';
      if (verdict === 'ack') continue;
      if (verdict === 'reject') rejects.push(option);
      else if (verdict.always === true || mayNak) naks.push(verdict.nak);
      else rejects.push(option);
    }
    const refusal = (code: number, refused: readonly ControlOption[]): RequestAnswer => ({
      packet: controlPacket(code, identifier, optionOctets(refused)),
      granted: undefined,
    });
    if (rejects.length > 0) return refusal(CODE.configureReject, rejects);
    if (naks.length > 0) {
      this.#naksSent++;
      return refusal(CODE.configureNak, naks);
    }
    this.#naksSent = 0;
    return { packet: controlPacket(CODE.configureAck, identifier, data), granted: options };
  }
}
