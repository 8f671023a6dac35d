/** Counters and times of RFC 1661 §4.6, and bounds on what a peer can keep going for ever. */
export interface NegotiationLimits {
  /** Restart timer. */
  readonly restartMs: number;
  /** Max-Configure: Configure-Requests in a row without an answer. */
  readonly maxConfigure: number;
  /** Max-Terminate: Terminate-Requests without an answer. */
  readonly maxTerminate: number;
  /** Max-Failure: Configure-Naks sent before what would be naked is rejected. */
  readonly maxFailure: number;
  /** Configure-Naks received before they are taken as rejections. */
  readonly maxNaksReceived: number;
  /** Configure-Requests of the peer in one negotiation before it is given up. */
  readonly maxRequestsReceived: number;
  /** Pause before the next request where the peer only puts us off. */
  readonly stallMs: number;
}
