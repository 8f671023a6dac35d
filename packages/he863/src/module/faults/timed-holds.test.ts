import { VirtualClock } from '@cellmux/port/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TimedHolds } from './timed-holds.ts';

test('a key is held while one of its holds is, and is told of once when it begins and once when it ends', async () => {
  const holds = fc.array(
    fc.record({ afterMs: fc.nat(20), key: fc.constantFrom('a', 'b'), forMs: fc.integer({ min: 1, max: 40 }) }),
    { maxLength: 12 },
  );
  await fc.assert(
    fc.asyncProperty(holds, async (all) => {
      const clock = new VirtualClock();
      const told: { key: string; isHeld: boolean }[] = [];
      const held = new TimedHolds<'a' | 'b'>(clock, (key) => {
        told.push({ key, isHeld: held.isHeld(key) });
      });
      const ends = { a: 0, b: 0 };
      for (const { afterMs, key, forMs } of all) {
        await clock.advance(afterMs);
        held.hold(key, forMs);
        ends[key] = Math.max(ends[key], clock.now() + forMs);
        for (const each of ['a', 'b'] as const) {
          expect(held.isHeld(each)).toBe(ends[each] > clock.now());
          expect(held.remainingMs(each)).toBe(Math.max(0, ends[each] - clock.now()));
        }
      }
      held.release((key) => key === 'a');
      expect(held.isHeld('a')).toBe(false);
      await clock.advance(100);
      for (const key of ['a', 'b'] as const) {
        const states = told.filter((each) => each.key === key).map(({ isHeld }) => isHeld);
        expect(states).toEqual(states.map((_, index) => index % 2 === 0));
        expect(states.length % 2).toBe(0);
      }
    }),
    { numRuns: 60 },
  );
});
