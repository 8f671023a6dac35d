import { option, sameOctets, type ControlOption } from './control-packet.ts';
import type { NegotiationStep, OptionNegotiator, OptionVerdict } from './option-negotiator.ts';

/** Interface-Identifier (RFC 5072 §4.1). */
const INTERFACE_IDENTIFIER = 1;
const IDENTIFIER_BYTES = 8;

/** What IPV6CP is to ask for. */
export interface Ipv6cpConfiguration {
  /** Our interface identifier, eight octets; undefined for one at random. */
  readonly identifier: Uint8Array | undefined;
  readonly random: (octets: number) => Uint8Array;
}

const isZero = (octets: Uint8Array): boolean => octets.every((octet) => octet === 0);

/** IPV6CP's side of the negotiation (RFC 5072 §4). */
export class Ipv6cpOptions implements OptionNegotiator {
  localIdentifier = new Uint8Array(IDENTIFIER_BYTES);
  peerIdentifier = new Uint8Array(IDENTIFIER_BYTES);
  readonly #configuration: Ipv6cpConfiguration;
  #wanted = new Uint8Array(IDENTIFIER_BYTES);
  #isWanted = true;

  constructor(configuration: Ipv6cpConfiguration) {
    this.#configuration = configuration;
    this.restart();
  }

  restart(): void {
    this.#wanted = Uint8Array.from(this.#configuration.identifier ?? this.#random());
    this.#isWanted = true;
    this.localIdentifier = this.#wanted;
    this.peerIdentifier = new Uint8Array(IDENTIFIER_BYTES);
  }

  request(): readonly ControlOption[] {
    return this.#isWanted ? [option(INTERFACE_IDENTIFIER, this.#wanted)] : [];
  }

  judge({ type, data }: ControlOption): OptionVerdict {
    if (type !== INTERFACE_IDENTIFIER || data.length !== IDENTIFIER_BYTES) return 'reject';
    if (!isZero(data) && !sameOctets(data, this.#wanted)) return 'ack';
    if (isZero(data) && isZero(this.#wanted)) return 'reject';
    return { nak: option(INTERFACE_IDENTIFIER, this.#random()) };
  }

  granted(options: readonly ControlOption[]): void {
    const identifier = options.find(({ type }) => type === INTERFACE_IDENTIFIER)?.data;
    this.peerIdentifier = Uint8Array.from(identifier ?? new Uint8Array(IDENTIFIER_BYTES));
  }

  acked(): void {
    this.localIdentifier = this.#wanted;
  }

  naked(options: readonly ControlOption[]): NegotiationStep {
    const proposed = options.find(({ type }) => type === INTERFACE_IDENTIFIER)?.data;
    // Cellular networks give the identifier: what they propose is taken.
    if (proposed?.length === IDENTIFIER_BYTES && !isZero(proposed)) this.#wanted = Uint8Array.from(proposed);
    else this.#wanted = Uint8Array.from(this.#random());
    return 'go';
  }

  rejected(): NegotiationStep {
    this.#isWanted = false;
    return 'go';
  }

  /** Eight random octets with the universal/local bit clear: an identifier that is unique on this link only. */
  #random(): Uint8Array {
    for (;;) {
      const octets = this.#configuration.random(IDENTIFIER_BYTES);
      octets[0] = (octets[0] as number) & ~0x02;
      if (!isZero(octets)) return octets;
    }
  }
}
