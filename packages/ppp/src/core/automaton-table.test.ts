import { describe, expect, it } from 'vitest';
import fsm from '../../vectors/ppp-fsm.json' with { type: 'json' };
import {
  AUTOMATON_ACTIONS,
  AUTOMATON_EVENTS,
  AUTOMATON_STATES,
  TIMED_STATES,
  transition,
  type AutomatonEvent,
  type AutomatonState,
} from './automaton-table.ts';

type Cell = { actions: string[]; next: number } | null;
const table = fsm.table as unknown as Record<AutomatonEvent, Record<AutomatonState, Cell>>;

describe('the automaton of RFC 1661 §4.1', () => {
  it('has the states, events and actions of the RFC', () => {
    expect(AUTOMATON_STATES).toEqual(fsm.states.map(({ name }) => name));
    expect([...AUTOMATON_EVENTS]).toEqual(Object.keys(fsm.events));
    expect([...AUTOMATON_ACTIONS].sort()).toEqual(Object.keys(fsm.actions).sort());
    const timed = fsm.states.filter(({ restartTimerRuns }) => restartTimerRuns).map(({ name }) => name);
    expect([...TIMED_STATES]).toEqual(timed);
  });

  const cells = AUTOMATON_EVENTS.flatMap((event) => AUTOMATON_STATES.map((state) => ({ event, state })));
  it('is 160 cells', () => {
    expect(cells).toHaveLength(160);
  });
  it.each(cells)('$event in $state', ({ event, state }) => {
    const cell = table[event][state];
    const got = transition(state, event);
    if (cell === null) expect(got).toBeUndefined();
    else expect(got).toEqual({ actions: cell.actions, next: AUTOMATON_STATES[cell.next] });
  });
});
