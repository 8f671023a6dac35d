import { memoryPair } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import type { DataCall } from '@cellmux/at';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OnlineWriter } from './online-writer.ts';

const PLUS = 0x2b;
const GUARD_MS = 1000;

/** Whether a module with S12 = 50 would find its escape sequence: three plus signs alone between two pauses. */
function holdsEscape(octets: readonly { readonly octet: number; readonly atMs: number }[], endMs: number): boolean {
  for (let index = 0; index + 3 <= octets.length; index++) {
    const three = octets.slice(index, index + 3);
    const before = octets[index - 1]?.atMs ?? -Infinity;
    const after = octets[index + 3]?.atMs ?? endMs;
    const [first, , last] = three;
    if (first === undefined || last === undefined || three.some(({ octet }) => octet !== PLUS)) continue;
    const gaps = three.slice(1).map(({ atMs }, gap) => atMs - (three[gap]?.atMs ?? 0));
    if (first.atMs - before >= GUARD_MS && after - last.atMs >= GUARD_MS && gaps.every((ms) => ms < GUARD_MS))
      return true;
  }
  return false;
}

describe('what is sent online', () => {
  it('never looks like the escape sequence, and is all there', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            text: fc.oneof(
              {
                weight: 4,
                arbitrary: fc.constantFrom('+', '++', '+++', '++++', 'a', 'a+', 'a++', 'a+++', '+++a', '+a+'),
              },
              { weight: 1, arbitrary: fc.string({ maxLength: 20 }) },
            ),
            pauseMs: fc.constantFrom(0, 0, 1, 300, 499, 500, 999, 1000, 1500),
          }),
          { maxLength: 12 },
        ),
        async (writes) => {
          const clock = new VirtualClock();
          const { dte, dce } = memoryPair();
          const seen: { octet: number; atMs: number }[] = [];
          dce.received$.subscribe((chunk) => {
            for (const octet of chunk) seen.push({ octet, atMs: clock.now() });
          });
          const writer = new OnlineWriter(dte as unknown as DataCall, clock);
          const sent: Buffer[] = [];
          for (const { text, pauseMs } of writes) {
            await clock.advance(pauseMs);
            const bytes = Buffer.from(text, 'latin1');
            sent.push(bytes);
            await clock.run(writer.send(bytes));
          }
          await clock.advance(5000);
          expect(Buffer.from(seen.map(({ octet }) => octet)).equals(Buffer.concat(sent))).toBe(true);
          expect(holdsEscape(seen, clock.now())).toBe(false);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('is not held up without need', async () => {
    const clock = new VirtualClock();
    const { dte } = memoryPair();
    const writer = new OnlineWriter(dte as unknown as DataCall, clock);
    for (const text of ['a+++', '++++', 'hello', '+++b']) await clock.run(writer.send(Buffer.from(text)));
    expect(clock.now()).toBe(0);
  });
});
