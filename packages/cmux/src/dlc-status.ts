import type { DlcCounters } from './core/dlc.ts';
import type { DlcState } from './core/dlc-transitions.ts';
import type { Link } from './core/link.ts';
import type { DlcParameters } from './core/parameter-negotiation.ts';

/** One data link connection as it is at one moment; DLCI 0 is the control channel. */
export interface DlcStatus {
  readonly dlci: number;
  readonly state: DlcState;
  /** What was negotiated, or the standard's values. */
  readonly parameters: DlcParameters;
  /** The peer has sent FC, for this DLC: nothing leaves on it. */
  readonly isStoppedByPeer: boolean;
  /** This end has sent FC: nothing is to come on it. */
  readonly isStoppedByUs: boolean;
  readonly counters: Readonly<DlcCounters>;
}

/** Each DLC that was ever used on a link, by DLCI. */
export function dlcStatusesOf(link: Link): readonly DlcStatus[] {
  return link.dlcs.flatMap((dlc) =>
    dlc === undefined
      ? []
      : [
          {
            dlci: dlc.dlci,
            state: dlc.state,
            parameters: { ...dlc.parameters },
            isStoppedByPeer: dlc.isOpen && dlc.stoppedByPeer,
            isStoppedByUs: dlc.isOpen && dlc.signals.fc,
            counters: { ...dlc.counters },
          },
        ],
  );
}
