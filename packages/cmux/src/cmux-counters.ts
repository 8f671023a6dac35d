import type { DlcCounters } from './core/dlc.ts';
import type { DeframerCounters } from './core/frame-sink.ts';
import type { Link } from './core/link.ts';
import type { LinkCounters } from './core/link-counters.ts';

/** Everything that a multiplexer counts. */
export interface CmuxCounters extends LinkCounters, DeframerCounters {
  /** Messages of the control channel sent again because T2 ran out. */
  readonly controlRetransmissions: number;
  /** By DLCI, for those that were ever used. */
  readonly dlcs: ReadonlyMap<number, Readonly<DlcCounters>>;
}

/** All counters of a link as they are now. */
export function countersOf(link: Link): CmuxCounters {
  const dlcs = new Map<number, Readonly<DlcCounters>>();
  for (const dlc of link.dlcs) if (dlc !== undefined) dlcs.set(dlc.dlci, { ...dlc.counters });
  return {
    ...link.counters,
    ...link.deframer.counters,
    controlRetransmissions: link.controlRetransmissions,
    dlcs,
  };
}
