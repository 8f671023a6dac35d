/*
 * The life of a data link connection, 3GPP TS 27.010 §5.3 and §5.4.1 to §5.4.4, the same machine for both roles, for
 * every DLCI and for the control channel. Rows are states, columns are what happens; what is not listed changes nothing.
 * Where two ends act at once HDLC's rules hold: two SABM open, two DISC close, SABM against DISC closes.
 */

/** Where a DLC is in its life. */
export type DlcState =
  /** Nothing is set up; DM answers what arrives. */
  | 'disconnected'
  /** PN was sent and its answer is awaited (§5.4.6.3.1). */
  | 'negotiating'
  /** SABM was sent and UA is awaited (§5.4.1). */
  | 'connecting'
  /** Data flows. */
  | 'connected'
  /** Data flows; what was accepted for sending leaves before DISC. */
  | 'draining'
  /** Was open; SABM was sent to begin anew after the error-recovery mode gave up, and UA is awaited (§6). */
  | 'resetting'
  /** DISC was sent and UA is awaited (§5.4.3). */
  | 'disconnecting';

/** What can happen to a DLC. */
export type DlcInput =
  /** This end wants it open, and has parameters to agree on first. */
  | 'negotiate'
  /** This end wants it open; or the negotiation is over. */
  | 'open'
  /** This end wants it closed, after what is queued. */
  | 'close'
  /** This end wants it closed now; or all that was queued has left. */
  | 'disconnect'
  | 'rxSABM'
  /** SABM, and this end does not accept the DLCI. */
  | 'rxSABMUnwanted'
  /** SABM without the parameters that this end cannot do without, and is still negotiating. */
  | 'rxSABMUnfit'
  | 'rxUA'
  | 'rxDM'
  | 'rxDISC'
  /** UIH, UI, I or a supervisory frame. */
  | 'rxData'
  /** T1 ran out and tries are left. */
  | 'T1'
  /** T1 ran out after N2 retransmissions. */
  | 'N2'
  /** The error-recovery mode gave up: N2 tries were in vain (§6). */
  | 'reset';

/** What a transition does, in this order. */
export type DlcAction =
  | 'sendPN'
  | 'sendSABM'
  | 'sendUA'
  | 'sendDM'
  | 'sendDISC'
  /** Starts anew within an open DLC: sequence numbers and flow control as after SABM. */
  | 'restart'
  /** Tells who asked that it is open. */
  | 'opened'
  /** Tells everybody that the peer opened it. */
  | 'openedByPeer'
  /** Tells who asked that the peer does not want it. */
  | 'refused'
  /** Tells who asked that nobody answered. */
  | 'unanswered'
  /** It is closed as this end wished. */
  | 'closed'
  /** It is closed as the peer wished. */
  | 'closedByPeer'
  /** It is closed because the peer answers no more. */
  | 'lost';

/** One cell of the table. */
export interface DlcTransition {
  readonly next: DlcState;
  readonly actions: readonly DlcAction[];
}

const to = (next: DlcState, ...actions: DlcAction[]): DlcTransition => ({ next, actions });

/** The table. */
export const DLC_TRANSITIONS: Readonly<Record<DlcState, Partial<Record<DlcInput, DlcTransition>>>> = {
  disconnected: {
    negotiate: to('negotiating', 'sendPN'),
    open: to('connecting', 'sendSABM'),
    rxSABM: to('connected', 'sendUA', 'openedByPeer'),
    rxSABMUnwanted: to('disconnected', 'sendDM'), // §5.4.1
    rxDISC: to('disconnected', 'sendDM'), // §5.4.3
    rxData: to('disconnected', 'sendDM'), // §5.4.2
  },
  negotiating: {
    open: to('connecting', 'sendSABM'),
    close: to('disconnected', 'closed'),
    disconnect: to('disconnected', 'closed'),
    rxSABM: to('connected', 'sendUA', 'opened'),
    rxSABMUnwanted: to('connected', 'sendUA', 'opened'),
    rxSABMUnfit: to('negotiating', 'sendDM'),
    rxDM: to('disconnected', 'refused'),
    rxDISC: to('negotiating', 'sendDM'),
    rxData: to('negotiating', 'sendDM'),
  },
  connecting: {
    close: to('disconnecting', 'refused', 'sendDISC'),
    disconnect: to('disconnecting', 'refused', 'sendDISC'),
    rxSABM: to('connected', 'sendUA', 'opened'), // both ends opened it at once
    rxSABMUnwanted: to('connected', 'sendUA', 'opened'),
    rxUA: to('connected', 'opened'),
    rxDM: to('disconnected', 'refused'),
    rxDISC: to('disconnected', 'sendDM', 'refused'),
    T1: to('connecting', 'sendSABM'),
    N2: to('disconnected', 'unanswered'),
  },
  connected: {
    close: to('draining'),
    disconnect: to('disconnecting', 'sendDISC'),
    // The UA was lost, or the peer starts again: either way it counts from nought.
    rxSABM: to('connected', 'sendUA', 'restart'),
    rxSABMUnwanted: to('connected', 'sendUA', 'restart'),
    rxDM: to('disconnected', 'closedByPeer'),
    rxDISC: to('disconnected', 'sendUA', 'closedByPeer'),
    reset: to('resetting', 'sendSABM'),
  },
  resetting: {
    close: to('disconnecting', 'sendDISC'),
    disconnect: to('disconnecting', 'sendDISC'),
    rxSABM: to('connected', 'sendUA', 'restart'),
    rxSABMUnwanted: to('connected', 'sendUA', 'restart'),
    rxUA: to('connected', 'restart'),
    rxDM: to('disconnected', 'closedByPeer'),
    rxDISC: to('disconnected', 'sendUA', 'closedByPeer'),
    T1: to('resetting', 'sendSABM'),
    N2: to('disconnected', 'lost'),
  },
  draining: {
    disconnect: to('disconnecting', 'sendDISC'),
    rxSABM: to('draining', 'sendUA', 'restart'),
    rxSABMUnwanted: to('draining', 'sendUA', 'restart'),
    rxDM: to('disconnected', 'closed'),
    rxDISC: to('disconnected', 'sendUA', 'closed'),
    reset: to('disconnecting', 'sendDISC'),
  },
  disconnecting: {
    rxSABM: to('disconnecting', 'sendDM'),
    rxSABMUnwanted: to('disconnecting', 'sendDM'),
    rxUA: to('disconnected', 'closed'),
    rxDM: to('disconnected', 'closed'),
    rxDISC: to('disconnected', 'sendUA', 'closed'),
    T1: to('disconnecting', 'sendDISC'),
    N2: to('disconnected', 'closed'),
  },
};
