import {
  controlPacket,
  optionOctets,
  parseOptions,
  sameOctets,
  type ControlOption,
  type ControlPacket,
} from './control-packet.ts';
import type { NegotiationLimits } from './negotiation-limits.ts';
import type { NegotiationStep, OptionNegotiator } from './option-negotiator.ts';
import { CODE } from './protocol-numbers.ts';

interface SentRequest {
  readonly identifier: number;
  readonly options: readonly ControlOption[];
  readonly octets: Uint8Array;
  /** A valid answer to it has arrived. */
  isAnswered: boolean;
}

/** What we ask for in one negotiation: the last Configure-Request, and what counts as an answer to it (RFC 1661 §5.1 to §5.4). */
export class OwnRequest {
  readonly #negotiator: OptionNegotiator;
  readonly #limits: NegotiationLimits;
  #sent: SentRequest | undefined;
  #naksReceived = 0;

  constructor(negotiator: OptionNegotiator, limits: NegotiationLimits) {
    this.#negotiator = negotiator;
    this.#limits = limits;
  }

  /** A negotiation begins. */
  restart(): void {
    this.#sent = undefined;
    this.#naksReceived = 0;
  }

  /** The Configure-Request to send now. */
  next(newIdentifier: () => number): Uint8Array {
    const options = this.#negotiator.request();
    const octets = optionOctets(options);
    const before = this.#sent;
    // A retransmission keeps its identifier, so that a late answer to it still counts (RFC 1661 §5.1).
    const isRepeated = before?.isAnswered === false && sameOctets(octets, before.octets);
    const identifier = isRepeated ? before.identifier : newIdentifier();
    this.#sent = { identifier, options, octets, isAnswered: false };
    return controlPacket(CODE.configureRequest, identifier, octets);
  }

  /**
   * Takes an Ack, a Nak or a Reject and gives what it leads to. Undefined where it is no answer to the last request: a
   * duplicate, an answer to one that is no longer ours, or one that does not fit. Taking that would restart what is settled.
   */
  answered(packet: ControlPacket): NegotiationStep | undefined {
    const sent = this.#sent;
    if (sent === undefined || sent.isAnswered || packet.identifier !== sent.identifier) return undefined;
    const step = this.#take(packet, sent);
    if (step !== undefined) sent.isAnswered = true;
    return step;
  }

  #take({ code, data }: ControlPacket, sent: SentRequest): NegotiationStep | undefined {
    if (code === CODE.configureAck) {
      if (!sameOctets(data, sent.octets)) return undefined;
      this.#negotiator.acked(sent.options);
      return 'go';
    }
    const options = parseOptions(data);
    if (options.length === 0 || options.some((option) => !option.isWellFormed)) return undefined;
    if (code === CODE.configureReject) {
      return isSubset(options, sent.options) ? this.#negotiator.rejected(options) : undefined;
    }
    if (++this.#naksReceived <= this.#limits.maxNaksReceived) return this.#negotiator.naked(options);
    const named = new Set(options.map(({ type }) => type));
    const refused = sent.options.filter(({ type }) => named.has(type));
    return refused.length > 0 ? this.#negotiator.rejected(refused) : { fatal: 'noAgreement' };
  }
}

/** True where `options` are some of `all`, in the same order and with the same values. */
function isSubset(options: readonly ControlOption[], all: readonly ControlOption[]): boolean {
  let index = 0;
  for (const option of options) {
    while (index < all.length && !sameOctets((all[index] as ControlOption).raw, option.raw)) index++;
    if (index === all.length) return false;
    index++;
  }
  return true;
}
