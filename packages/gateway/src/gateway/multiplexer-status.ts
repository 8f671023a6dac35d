import type { DlcState, DlcStatus, LinkSettings, LinkState, Multiplexer } from '@cellmux/cmux';

/** What a DLC of the gateway is for. */
export type DlcUse = 'control' | 'ppp' | 'sockets' | 'at';

/** One DLC: DLCI 0, the control channel, or one of the three ports. */
export interface DlcStatusRow {
  readonly dlci: number;
  readonly use: DlcUse;
  readonly state: DlcState;
  /** What carries its data: UIH, UI, or I in the error-recovery mode. */
  readonly frameType: 'UIH' | 'UI' | 'I';
  /** Convergence layer, 1 to 4 (3GPP TS 27.010 §5.5). */
  readonly convergence: number;
  /** 0 to 63, smaller is more urgent. */
  readonly priority: number;
  /** Longest information field, octets. */
  readonly n1: number;
  /** The module has stopped this end with FC. */
  readonly isStoppedByPeer: boolean;
  /** This end has stopped the module with FC. */
  readonly isStoppedByUs: boolean;
  /** How often that happened. */
  readonly stopsByPeer: number;
  readonly stopsByUs: number;
  readonly framesSent: number;
  readonly framesReceived: number;
  /** Octets of information fields. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** SABM and DISC sent again because T1 ran out. */
  readonly retransmissions: number;
  /** Frames that came while the DLC was not open. */
  readonly framesUnexpected: number;
}

/** What of the octets of the line was thrown away, by reason. */
export interface DamageCounts {
  /** Octets that belong to no frame. */
  readonly noiseOctets: number;
  readonly badHeader: number;
  readonly tooLong: number;
  readonly noClosingFlag: number;
  readonly badFcs: number;
  /** Ended by their sender (advanced option). */
  readonly aborted: number;
  /** Control messages that were cut short, or had a length that theirs cannot have. */
  readonly malformedMessages: number;
  readonly unexpectedFrames: number;
}

/** The multiplexer on the line. Everything is counted since it was started. */
export interface MultiplexerStatus {
  readonly state: LinkState;
  readonly option: LinkSettings['option'];
  /** Longest information field, octets. */
  readonly n1: number;
  readonly t1Ms: number;
  readonly t2Ms: number;
  /** Retransmissions. */
  readonly n2: number;
  readonly framesSent: number;
  readonly framesReceived: number;
  /** Messages of the control channel sent again because T2 ran out. */
  readonly controlRetransmissions: number;
  readonly damage: DamageCounts;
  readonly dlcs: readonly DlcStatusRow[];
}

const USE: Readonly<Record<number, DlcUse>> = { 0: 'control', 1: 'ppp', 2: 'sockets', 3: 'at' };

/** How a multiplexer is at this moment. */
export function multiplexerStatusOf(multiplexer: Multiplexer): MultiplexerStatus {
  const { settings, counters } = multiplexer;
  const { noiseOctets, badHeader, tooLong, noClosingFlag, badFcs, aborted } = counters;
  const { malformedMessages, unexpectedFrames } = counters;
  return {
    state: multiplexer.state,
    option: settings.option,
    n1: settings.n1,
    t1Ms: settings.t1Ms,
    t2Ms: settings.t2Ms,
    n2: settings.n2,
    framesSent: counters.framesSent,
    framesReceived: counters.framesReceived,
    controlRetransmissions: counters.controlRetransmissions,
    damage: {
      noiseOctets,
      badHeader,
      tooLong,
      noClosingFlag,
      badFcs,
      aborted,
      malformedMessages,
      unexpectedFrames,
    },
    dlcs: multiplexer.dlcs.flatMap(rowOf),
  };
}

function rowOf({ dlci, state, parameters, isStoppedByPeer, isStoppedByUs, counters }: DlcStatus): DlcStatusRow[] {
  const use = USE[dlci];
  if (use === undefined) return [];
  const { frameType, convergence, priority, n1 } = parameters;
  const { stoppedByPeer, stoppedByUs, framesSent, framesReceived, bytesSent, bytesReceived } = counters;
  return [
    {
      dlci,
      use,
      state,
      frameType,
      convergence,
      priority,
      n1,
      isStoppedByPeer,
      isStoppedByUs,
      stopsByPeer: stoppedByPeer,
      stopsByUs: stoppedByUs,
      framesSent,
      framesReceived,
      bytesSent,
      bytesReceived,
      retransmissions: counters.retransmissions,
      framesUnexpected: counters.framesUnexpected,
    },
  ];
}

/** Frames thrown away, for whatever reason; noise between frames is none. */
export function damagedFrames(damage: DamageCounts | undefined): number {
  if (damage === undefined) return 0;
  const { badHeader, tooLong, noClosingFlag, badFcs, malformedMessages } = damage;
  return badHeader + tooLong + noClosingFlag + badFcs + malformedMessages;
}
