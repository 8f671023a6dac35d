/** The states of the automaton (RFC 1661 §4.2). */
export const AUTOMATON_STATES = [
  'Initial',
  'Starting',
  'Closed',
  'Stopped',
  'Closing',
  'Stopping',
  'Req-Sent',
  'Ack-Rcvd',
  'Ack-Sent',
  'Opened',
] as const;
export type AutomatonState = (typeof AUTOMATON_STATES)[number];

/** The events (RFC 1661 §4.3). */
export const AUTOMATON_EVENTS = [
  'Up',
  'Down',
  'Open',
  'Close',
  'TO+',
  'TO-',
  'RCR+',
  'RCR-',
  'RCA',
  'RCN',
  'RTR',
  'RTA',
  'RUC',
  'RXJ+',
  'RXJ-',
  'RXR',
] as const;
export type AutomatonEvent = (typeof AUTOMATON_EVENTS)[number];

/** The actions (RFC 1661 §4.4), by the RFC's own names. */
export const AUTOMATON_ACTIONS = [
  'tlu',
  'tld',
  'tls',
  'tlf',
  'irc',
  'zrc',
  'scr',
  'sca',
  'scn',
  'str',
  'sta',
  'scj',
  'ser',
] as const;
export type AutomatonAction = (typeof AUTOMATON_ACTIONS)[number];

/** What an event does in a state; undefined is the RFC's `-`: it cannot happen there and is ignored. */
export interface Transition {
  readonly actions: readonly AutomatonAction[];
  readonly next: AutomatonState;
}

/**
 * The table of RFC 1661 §4.1, cell for cell: actions, a slash, the number of the next state; `-` cannot happen. Where
 * the order of actions matters it is that of the cell: an Ack leaves before this layer is up, this layer is down before
 * a new request leaves.
 *
 * The notes of the RFC: `r` (an Open while open may restart) and `p` (passive) are {@link ControlProtocol} options, `x`
 * (a crossed connection) is met less often than the table says, since an answer to a request that was answered before is
 * dropped.
 */
const CELLS: Readonly<Record<AutomatonEvent, readonly string[]>> = {
  //       0 Initial 1 Starting 2 Closed   3 Stopped     4 Closing 5 Stopping 6 Req-Sent 7 Ack-Rcvd 8 Ack-Sent 9 Opened
  Up: ['2', 'irc,scr/6', '-', '-', '-', '-', '-', '-', '-', '-'],
  Down: ['-', '-', '0', 'tls/1', '0', '1', '1', '1', '1', 'tld/1'],
  Open: ['tls/1', '1', 'irc,scr/6', '3', '5', '5', '6', '7', '8', '9'],
  Close: ['0', 'tlf/0', '2', '2', '4', '4', 'irc,str/4', 'irc,str/4', 'irc,str/4', 'tld,irc,str/4'],
  'TO+': ['-', '-', '-', '-', 'str/4', 'str/5', 'scr/6', 'scr/6', 'scr/8', '-'],
  'TO-': ['-', '-', '-', '-', 'tlf/2', 'tlf/3', 'tlf/3', 'tlf/3', 'tlf/3', '-'],
  'RCR+': ['-', '-', 'sta/2', 'irc,scr,sca/8', '4', '5', 'sca/8', 'sca,tlu/9', 'sca/8', 'tld,scr,sca/8'],
  'RCR-': ['-', '-', 'sta/2', 'irc,scr,scn/6', '4', '5', 'scn/6', 'scn/7', 'scn/6', 'tld,scr,scn/6'],
  RCA: ['-', '-', 'sta/2', 'sta/3', '4', '5', 'irc/7', 'scr/6', 'irc,tlu/9', 'tld,scr/6'],
  RCN: ['-', '-', 'sta/2', 'sta/3', '4', '5', 'irc,scr/6', 'scr/6', 'irc,scr/8', 'tld,scr/6'],
  RTR: ['-', '-', 'sta/2', 'sta/3', 'sta/4', 'sta/5', 'sta/6', 'sta/6', 'sta/6', 'tld,zrc,sta/5'],
  RTA: ['-', '-', '2', '3', 'tlf/2', 'tlf/3', '6', '6', '8', 'tld,scr/6'],
  RUC: ['-', '-', 'scj/2', 'scj/3', 'scj/4', 'scj/5', 'scj/6', 'scj/7', 'scj/8', 'scj/9'],
  'RXJ+': ['-', '-', '2', '3', '4', '5', '6', '6', '8', '9'],
  'RXJ-': ['-', '-', 'tlf/2', 'tlf/3', 'tlf/2', 'tlf/3', 'tlf/3', 'tlf/3', 'tlf/3', 'tld,irc,str/5'],
  RXR: ['-', '-', '2', '3', '4', '5', '6', '7', '8', 'ser/9'],
};

function parseCell(cell: string): Transition | undefined {
  if (cell === '-') return undefined;
  const slash = cell.indexOf('/');
  const actions = slash < 0 ? [] : (cell.slice(0, slash).split(',') as AutomatonAction[]);
  return { actions, next: AUTOMATON_STATES[Number(cell.slice(slash + 1))] as AutomatonState };
}

const TRANSITIONS = new Map(
  AUTOMATON_EVENTS.map((event) => [
    event,
    new Map(AUTOMATON_STATES.map((state, index) => [state, parseCell(CELLS[event][index] as string)])),
  ]),
);

/** What `event` does in `state`; undefined where it cannot happen. */
export function transition(state: AutomatonState, event: AutomatonEvent): Transition | undefined {
  return TRANSITIONS.get(event)?.get(state);
}

/** The states in which the restart timer runs (RFC 1661 §4.1). */
export const TIMED_STATES: ReadonlySet<AutomatonState> = new Set<AutomatonState>([
  'Closing',
  'Stopping',
  'Req-Sent',
  'Ack-Rcvd',
  'Ack-Sent',
]);

/** The states in which options are being negotiated. */
export const NEGOTIATING_STATES: ReadonlySet<AutomatonState> = new Set<AutomatonState>([
  'Req-Sent',
  'Ack-Rcvd',
  'Ack-Sent',
]);
