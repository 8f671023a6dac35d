import { option, readUnsigned, unsignedOctets, type ControlOption } from './control-packet.ts';
import type { NegotiationStep, OptionNegotiator, OptionVerdict } from './option-negotiator.ts';

/** IPCP's options (RFC 1332 §3, RFC 1877 §1). */
export const IPCP_OPTION = {
  ipAddresses: 1,
  ipCompressionProtocol: 2,
  ipAddress: 3,
  primaryDns: 129,
  primaryNbns: 130,
  secondaryDns: 131,
  secondaryNbns: 132,
} as const;

const SERVER_OPTIONS: ReadonlySet<number> = new Set([
  IPCP_OPTION.primaryDns,
  IPCP_OPTION.primaryNbns,
  IPCP_OPTION.secondaryDns,
  IPCP_OPTION.secondaryNbns,
]);

/**
 * Addresses that modules name while their context is still being activated: 10.11.12.13 and 10.11.12.14. No network has
 * its servers there, and 0.0.0.0 is none either.
 */
const PLACEHOLDERS: ReadonlySet<number> = new Set([0, 0x0a0b0c0d, 0x0a0b0c0e]);

/** Naks that only put us off about name servers, once there is an address, before we do without the servers. */
const DNS_PATIENCE = 10;

/** What IPCP is to ask for and to grant. Addresses are numbers; 0 asks the peer for one. */
export interface IpcpConfiguration {
  /** Our address; 0 to be given one, undefined not to name any. */
  readonly localAddress: number | undefined;
  /** Without an address of ours there is no use in going on. */
  readonly needsAddress: boolean;
  /** The peer's address, which it is told; undefined where it has one of its own, or none. */
  readonly peerAddress: number | undefined;
  /** Ask for the addresses of name servers. */
  readonly requestDns: boolean;
  /** The name servers that the peer is told, none to two. */
  readonly dns: readonly number[];
}

/** IPCP's side of the negotiation (RFC 1332). */
export class IpcpOptions implements OptionNegotiator {
  /** Our address; 0 while there is none. */
  localAddress = 0;
  /** The peer's; undefined where it named none. */
  peerAddress: number | undefined;
  readonly #configuration: IpcpConfiguration;
  /** Values to ask for, by option, in the order of asking. */
  readonly #wanted = new Map<number, number>();
  readonly #agreed = new Map<number, number>();
  #idleNaks = 0;

  constructor(configuration: IpcpConfiguration) {
    this.#configuration = configuration;
    this.restart();
  }

  /** The name servers agreed on, without placeholders. */
  get dns(): readonly number[] {
    return [IPCP_OPTION.primaryDns, IPCP_OPTION.secondaryDns]
      .map((type) => this.#agreed.get(type) ?? 0)
      .filter((address, index, all) => !PLACEHOLDERS.has(address) && all.indexOf(address) === index);
  }

  restart(): void {
    const { localAddress, peerAddress, requestDns } = this.#configuration;
    this.#wanted.clear();
    this.#agreed.clear();
    this.#idleNaks = 0;
    if (localAddress !== undefined) this.#wanted.set(IPCP_OPTION.ipAddress, localAddress);
    if (requestDns) {
      this.#wanted.set(IPCP_OPTION.primaryDns, 0);
      this.#wanted.set(IPCP_OPTION.secondaryDns, 0);
    }
    this.localAddress = 0;
    this.peerAddress = peerAddress;
  }

  request(): readonly ControlOption[] {
    return [...this.#wanted].map(([type, address]) => option(type, unsignedOctets(address, 4)));
  }

  judge({ type, data }: ControlOption): OptionVerdict {
    const { peerAddress, dns } = this.#configuration;
    if (data.length !== 4) return 'reject';
    const asked = readUnsigned(data);
    const want = (address: number | undefined): OptionVerdict => {
      if (address === undefined) return 'reject';
      return asked === address ? 'ack' : { nak: option(type, unsignedOctets(address, 4)) };
    };
    switch (type) {
      case IPCP_OPTION.ipAddress:
        // A peer of whom nothing is known has the address that it names; 0.0.0.0 asks for one, and there is none.
        return peerAddress === undefined && asked !== 0 ? 'ack' : want(peerAddress);
      case IPCP_OPTION.primaryDns:
        return want(dns[0]);
      case IPCP_OPTION.secondaryDns:
        return want(dns[1]);
      default:
        return 'reject';
    }
  }

  granted(options: readonly ControlOption[]): void {
    const address = options.find(({ type }) => type === IPCP_OPTION.ipAddress);
    this.peerAddress = address === undefined ? this.#configuration.peerAddress : readUnsigned(address.data);
  }

  acked(options: readonly ControlOption[]): void {
    this.#agreed.clear();
    for (const { type, data } of options) this.#agreed.set(type, readUnsigned(data));
    this.localAddress = this.#agreed.get(IPCP_OPTION.ipAddress) ?? 0;
  }

  naked(options: readonly ControlOption[]): NegotiationStep {
    let isProgress = false;
    for (const { type, data } of options) {
      if (data.length !== 4) continue;
      const address = readUnsigned(data);
      if (type === IPCP_OPTION.ipAddress) {
        // An address that was chosen here is kept to: the peer takes it or rejects it.
        if (this.#configuration.localAddress !== 0 || address === 0) continue;
      } else if (!SERVER_OPTIONS.has(type) || !this.#configuration.requestDns) continue;
      const before = this.#wanted.get(type);
      // Servers not asked for are asked for from now on: some peers go on naming them until they are.
      this.#wanted.set(type, address);
      if (before !== address && !PLACEHOLDERS.has(address)) isProgress = true;
    }
    if (isProgress) return 'go';
    if ((this.#wanted.get(IPCP_OPTION.ipAddress) ?? 0) !== 0 && ++this.#idleNaks > DNS_PATIENCE) {
      for (const { type } of options) if (type !== IPCP_OPTION.ipAddress) this.#wanted.delete(type);
      return 'go';
    }
    return 'stall';
  }

  rejected(options: readonly ControlOption[]): NegotiationStep {
    for (const { type } of options) {
      if (type === IPCP_OPTION.ipAddress && this.#configuration.needsAddress) return { fatal: 'noAddress' };
      this.#wanted.delete(type);
    }
    return 'go';
  }
}
