import type { ModemStatus } from './modem-status.ts';
import type { DlcParameters } from './parameter-negotiation.ts';

/** Which end of the link this is: the initiator opens DLCI 0 (a terminal), the responder answers (a module). */
export type MultiplexerRole = 'initiator' | 'responder';

/** The option of 3GPP TS 27.010 §5.2.6 or §5.2.7. */
export type FramingOption = 'basic' | 'advanced';

/** All that the connection core must be told; checked by who makes it. */
export interface LinkOptions {
  readonly role: MultiplexerRole;
  readonly option: FramingOption;
  /** Longest information field in octets, where a DLC agrees on nothing else. */
  readonly n1: number;
  /** The longest information field that PN may bring it to. */
  readonly n1Limit: number;
  /** Line time of an octet; 0 where the speed is not known. */
  readonly octetMs: number;
  readonly t1Ms: number;
  readonly t2Ms: number;
  readonly t3Ms: number;
  readonly n2: number;
  readonly k: number;
  /** Silence after which the peer is asked whether it is there; 0 never asks. */
  readonly keepAliveMs: number;
  /** How long a sleeping peer is sent flags before frames go out all the same. */
  readonly wakeMs: number;
  /** Silence after which a frame that never ended may be searched for whole ones. */
  readonly interOctetMs: number;
  readonly softwareFlow: boolean;
  /** Takes UI frames with an FCS over the header alone. */
  readonly headerOnlyUi: boolean;
  /** The signals of a DLC that the peer opens, until this end says otherwise. */
  readonly signals: ModemStatus;
  /** True for a DLCI that the peer may open. */
  readonly accept: (dlci: number) => boolean;
}

/** What a DLC has where nothing was negotiated (§5.6, §5.7). */
export function standardParameters(options: LinkOptions, priority: number): DlcParameters {
  return {
    frameType: 'UIH',
    convergence: 1,
    priority,
    t1Ms: options.t1Ms,
    n1: options.n1,
    n2: options.n2,
    k: options.k,
  };
}
