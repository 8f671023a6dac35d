import { authOptionData, readAuthOption, type AuthProtocol } from './auth-protocol.ts';
import { option, readUnsigned, unsignedOctets, type ControlOption } from './control-packet.ts';
import type { NegotiationStep, OptionNegotiator, OptionVerdict } from './option-negotiator.ts';

/** LCP's options (RFC 1661 §6, RFC 1662 §7, RFC 1570 §2) that are ever agreed to; all others are rejected. */
export const LCP_OPTION = {
  mru: 1,
  accm: 2,
  authenticationProtocol: 3,
  magicNumber: 5,
  pfc: 7,
  acfc: 8,
  fcsAlternatives: 9,
} as const;

/** FCS-Alternatives (RFC 1570 §2.1): bits of the kinds of FCS. */
const FCS_BIT = { none: 1, crc16: 2, crc32: 4 } as const;

/** The default Maximum-Receive-Unit (RFC 1661 §6.1): packets of this size must be taken whatever was agreed. */
export const DEFAULT_MRU = 1500;
/** Peers that ask for less are told this. */
export const MINIMUM_MRU = 128;
/** Requests of the peer with our own Magic-Number before the line counts as looped back. */
export const LOOPBACK_LIMIT = 10;

/** What LCP is to ask for and to grant. */
export interface LcpConfiguration {
  /** The longest information field that we want to receive. */
  readonly mru: number;
  /** The characters that the peer shall escape. */
  readonly accm: number;
  readonly magicNumber: boolean;
  readonly pfc: boolean;
  readonly acfc: boolean;
  /** Ask for FCS-32 and grant it. */
  readonly fcs32: boolean;
  /** How the peer may ask us to authenticate, most wanted first; empty rejects it. Proposed in turn where it asks otherwise. */
  readonly acceptAuth: readonly AuthProtocol[];
  /** How the peer must authenticate, most wanted first; empty where it need not. */
  readonly demandAuth: readonly AuthProtocol[];
  /** A Magic-Number: 32 random bits, not 0. */
  readonly randomMagic: () => number;
}

/** What was agreed for one direction. */
export interface LcpAgreement {
  readonly mru: number;
  readonly accm: number;
  /** 0 where none was agreed. */
  readonly magicNumber: number;
  readonly pfc: boolean;
  readonly acfc: boolean;
  readonly fcs32: boolean;
  /** How the end that granted these options authenticates. */
  readonly auth: AuthProtocol | undefined;
}

const NOTHING_AGREED: LcpAgreement = {
  mru: DEFAULT_MRU,
  accm: 0xffffffff,
  magicNumber: 0,
  pfc: false,
  acfc: false,
  fcs32: false,
  auth: undefined,
};

/** LCP's side of the negotiation. */
export class LcpOptions implements OptionNegotiator {
  /** What the peer granted us: how it sends to us, and how it authenticates. */
  ours: LcpAgreement = NOTHING_AGREED;
  /** What we granted the peer: how we send to it, and how we authenticate. */
  peers: LcpAgreement = NOTHING_AGREED;
  /** Requests in a row that carried our own Magic-Number. */
  loops = 0;
  readonly #configuration: LcpConfiguration;
  readonly #refused = new Set<number>();
  #mru = 0;
  #accm = 0;
  #magic = 0;
  /** How the peer may still be asked to authenticate, the one that it is asked for now first. */
  #auth: AuthProtocol[] = [];
  #authProposals = 0;

  constructor(configuration: LcpConfiguration) {
    this.#configuration = configuration;
    this.restart();
  }

  restart(): void {
    const { mru, accm, demandAuth, randomMagic } = this.#configuration;
    this.#refused.clear();
    this.#mru = mru;
    this.#accm = accm;
    this.#magic = randomMagic();
    this.#auth = [...demandAuth];
    this.#authProposals = 0;
    this.loops = 0;
    this.ours = NOTHING_AGREED;
    this.peers = NOTHING_AGREED;
  }

  /** The Magic-Number asked for now, for Echo packets before the peer has granted it. */
  get magicNumber(): number {
    return this.#configuration.magicNumber && !this.#refused.has(LCP_OPTION.magicNumber) ? this.#magic : 0;
  }

  request(): readonly ControlOption[] {
    const { magicNumber, pfc, acfc, fcs32 } = this.#configuration;
    const options: ControlOption[] = [];
    const add = (isWanted: boolean, type: number, data: Uint8Array | readonly number[] = []): void => {
      if (isWanted && !this.#refused.has(type)) options.push(option(type, data));
    };
    add(this.#mru !== DEFAULT_MRU, LCP_OPTION.mru, unsignedOctets(this.#mru, 2));
    add(this.#accm !== 0xffffffff, LCP_OPTION.accm, unsignedOctets(this.#accm, 4));
    const [auth] = this.#auth;
    if (auth !== undefined) add(true, LCP_OPTION.authenticationProtocol, authOptionData(auth));
    add(magicNumber, LCP_OPTION.magicNumber, unsignedOctets(this.#magic, 4));
    add(pfc, LCP_OPTION.pfc);
    add(acfc, LCP_OPTION.acfc);
    add(fcs32, LCP_OPTION.fcsAlternatives, [FCS_BIT.crc32]);
    return options;
  }

  judge({ type, data }: ControlOption): OptionVerdict {
    const { acceptAuth, fcs32, randomMagic } = this.#configuration;
    switch (type) {
      case LCP_OPTION.mru:
        if (data.length !== 2) return 'reject';
        return readUnsigned(data) < MINIMUM_MRU ? { nak: option(type, unsignedOctets(MINIMUM_MRU, 2)) } : 'ack';
      case LCP_OPTION.accm:
        return data.length === 4 ? 'ack' : 'reject';
      case LCP_OPTION.authenticationProtocol: {
        if (data.length < 2 || acceptAuth.length === 0) return 'reject';
        const asked = readAuthOption(data);
        if (asked !== undefined && acceptAuth.includes(asked)) return 'ack';
        // Another one each time: a peer that knows the second may not know the first.
        const proposed = acceptAuth[this.#authProposals++ % acceptAuth.length] as AuthProtocol;
        return { nak: option(type, authOptionData(proposed)) };
      }
      case LCP_OPTION.magicNumber: {
        if (data.length !== 4) return 'reject';
        const magic = readUnsigned(data);
        if (magic !== 0 && magic !== this.magicNumber) {
          this.loops = 0;
          return 'ack';
        }
        if (magic !== 0) this.loops++;
        // Never rejected: a looped line would then agree with itself on having no Magic-Number.
        return { nak: option(type, unsignedOctets(randomMagic(), 4)), always: true };
      }
      case LCP_OPTION.pfc:
      case LCP_OPTION.acfc:
        return data.length === 0 ? 'ack' : 'reject';
      case LCP_OPTION.fcsAlternatives:
        if (!fcs32 || data.length !== 1) return 'reject';
        if (data[0] === FCS_BIT.crc32) return 'ack';
        return { nak: option(type, [FCS_BIT.crc32]) };
      default:
        return 'reject';
    }
  }

  granted(options: readonly ControlOption[]): void {
    this.peers = readAgreement(options);
  }

  acked(options: readonly ControlOption[]): void {
    this.ours = readAgreement(options);
  }

  naked(options: readonly ControlOption[]): NegotiationStep {
    for (const { type, data } of options) {
      switch (type) {
        case LCP_OPTION.mru: {
          // Only less than what we asked for: more would be more than our buffers hold.
          const mru = readUnsigned(data, 0, 2);
          if (data.length === 2 && mru >= MINIMUM_MRU && mru < this.#mru) this.#mru = mru;
          else this.#mru = DEFAULT_MRU;
          break;
        }
        case LCP_OPTION.accm:
          if (data.length === 4) this.#accm = (this.#accm | readUnsigned(data)) >>> 0;
          break;
        case LCP_OPTION.authenticationProtocol: {
          const proposed = readAuthOption(data);
          if (this.#auth.length < 2) break;
          // What it does not want it is not asked for again: then its proposal, or our next wish where that is not allowed.
          const [, ...left] = this.#auth;
          this.#auth = left.sort((one, other) => Number(other === proposed) - Number(one === proposed));
          break;
        }
        case LCP_OPTION.magicNumber:
          this.#magic = this.#configuration.randomMagic();
          break;
        case LCP_OPTION.fcsAlternatives:
          if (((data[0] ?? 0) & FCS_BIT.crc32) === 0) this.#refused.add(type);
          break;
        case LCP_OPTION.pfc:
        case LCP_OPTION.acfc:
          // There is no other value: the peer means that it does not want it.
          this.#refused.add(type);
          break;
        default:
        // Something that the peer would like us to ask for: what we can do is asked for already.
      }
    }
    return 'go';
  }

  rejected(options: readonly ControlOption[]): NegotiationStep {
    for (const { type } of options) {
      if (type !== LCP_OPTION.authenticationProtocol) this.#refused.add(type);
      else if (this.#auth.length > 1) this.#auth.shift();
      else return { fatal: 'authRefused' };
    }
    return 'go';
  }
}

function readAgreement(options: readonly ControlOption[]): LcpAgreement {
  const find = (type: number): Uint8Array | undefined => options.find((option) => option.type === type)?.data;
  const [mru, accm, magic, auth] = [
    find(LCP_OPTION.mru),
    find(LCP_OPTION.accm),
    find(LCP_OPTION.magicNumber),
    find(LCP_OPTION.authenticationProtocol),
  ];
  return {
    mru: mru === undefined ? DEFAULT_MRU : readUnsigned(mru),
    accm: accm === undefined ? 0xffffffff : readUnsigned(accm),
    magicNumber: magic === undefined ? 0 : readUnsigned(magic),
    pfc: find(LCP_OPTION.pfc) !== undefined,
    acfc: find(LCP_OPTION.acfc) !== undefined,
    fcs32: find(LCP_OPTION.fcsAlternatives) !== undefined,
    auth: auth === undefined ? undefined : readAuthOption(auth),
  };
}
