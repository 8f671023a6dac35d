import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DLC_TRANSITIONS, type DlcInput, type DlcState, type DlcTransition } from './dlc-transitions.ts';

const STATES = Object.keys(DLC_TRANSITIONS) as DlcState[];

describe('the table of DLC transitions', () => {
  it('answers every SABM and DISC, in every state, with UA or DM', () => {
    for (const state of STATES) {
      for (const input of ['rxSABM', 'rxSABMUnwanted', 'rxDISC'] as const) {
        const actions = DLC_TRANSITIONS[state][input]?.actions ?? [];
        expect(
          actions.filter((action) => action === 'sendUA' || action === 'sendDM'),
          `${state} ${input}`,
        ).toHaveLength(1);
      }
    }
  });

  it('lets every timer that runs come to an end, and every wish to close lead to disconnected', () => {
    for (const state of ['connecting', 'resetting', 'disconnecting'] as const) {
      expect(DLC_TRANSITIONS[state].T1?.next).toBe(state);
      expect(DLC_TRANSITIONS[state].N2?.next).toBe('disconnected');
    }
    for (const state of STATES) {
      if (state === 'disconnected') continue;
      const left = new Set<DlcState>([state]);
      let now: DlcState = state;
      // Nobody answers: only this end and its timers act.
      for (const input of ['close', 'disconnect', 'N2'] as const) {
        now = DLC_TRANSITIONS[now][input]?.next ?? now;
        left.add(now);
      }
      expect(now, [...left].join(' → ')).toBe('disconnected');
    }
  });

  it('tells who opened once, and who is closed once, whatever happens in between', () => {
    const inputs = [
      ...new Set(STATES.flatMap((state) => Object.keys(DLC_TRANSITIONS[state]) as DlcInput[])),
    ] as const satisfies readonly DlcInput[];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...inputs), { maxLength: 40 }), (script) => {
        let state: DlcState = 'disconnected';
        let isWaiting = false;
        let isOpen = false;
        for (const input of script) {
          const transition: DlcTransition | undefined = DLC_TRANSITIONS[state][input];
          if (transition === undefined) continue;
          if (state === 'disconnected' && (input === 'open' || input === 'negotiate')) isWaiting = true;
          for (const action of transition.actions) {
            if (action === 'opened' || action === 'refused' || action === 'unanswered') {
              expect(isWaiting).toBe(true);
              isWaiting = false;
            }
            if (action === 'opened' || action === 'openedByPeer') {
              expect(isOpen).toBe(false);
              isOpen = true;
            }
            if (action === 'closed') isWaiting = false;
            if (action === 'closed' || action === 'closedByPeer' || action === 'lost') isOpen = false;
          }
          state = transition.next;
          if (state === 'disconnected') expect([isOpen, isWaiting]).toEqual([false, false]);
          if (state === 'connected' || state === 'draining' || state === 'resetting') expect(isOpen).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('settles two ends whose frames cross, in whatever order they come', () => {
    const inputOf = { sendSABM: 'rxSABM', sendUA: 'rxUA', sendDM: 'rxDM', sendDISC: 'rxDISC' } as const;
    const wishes = fc.array(
      fc.tuple(fc.constantFrom(0, 1), fc.constantFrom('open', 'close', 'disconnect', 'deliver0', 'deliver1')),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(wishes, (script) => {
        const states: [DlcState, DlcState] = ['disconnected', 'disconnected'];
        const wires: [DlcInput[], DlcInput[]] = [[], []];
        const step = (end: number, input: DlcInput): void => {
          const transition = DLC_TRANSITIONS[states[end] as DlcState][input];
          if (transition === undefined) return;
          states[end] = transition.next;
          for (const action of transition.actions)
            if (action in inputOf) wires[1 - end]?.push(inputOf[action as keyof typeof inputOf]);
        };
        const deliver = (end: number): void => {
          const input = wires[end]?.shift();
          if (input !== undefined) step(end, input);
        };
        for (const [end, what] of script) {
          if (what === 'deliver0') deliver(0);
          else if (what === 'deliver1') deliver(1);
          else step(end, what);
        }
        // From now on both only answer, finish what they began, and say again what is not answered.
        for (let round = 0; round < 50; round++) {
          for (const end of [0, 1]) {
            if (states[end] === 'draining') step(end, 'disconnect');
            while ((wires[end] as DlcInput[]).length > 0) deliver(end);
          }
          if (wires.flat().length === 0) for (const end of [0, 1]) step(end, 'T1');
        }
        // A DLC that is open at one end alone is closed by the DM that its first data gets.
        const isUp = states.map((state) => state === 'connected');
        if (isUp[0] !== isUp[1]) step(isUp[0] === true ? 1 : 0, 'rxData');
        for (const end of [0, 1]) deliver(end);
        expect(states[0]).toBe(states[1]);
        expect(['connected', 'disconnected']).toContain(states[0]);
      }),
      { numRuns: 2000 },
    );
  });
});
