import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EscapeDetector } from './escape-detector.ts';

const GUARD_MS = 1000;

/** Octets with the time of each, as the detector sees them. */
interface Timed {
  readonly atMs: number;
  readonly chunk: Uint8Array;
}

/** What comes of them, by a detector that is asked whenever its silence has lasted. */
function run(input: readonly Timed[], forward: boolean, character = 43): { data: number[]; escapedAtMs: number[] } {
  const detector = new EscapeDetector({ character, guardMs: GUARD_MS, forward });
  const data: number[] = [];
  const escapedAtMs: number[] = [];
  const decide = (beforeMs: number): void => {
    const atMs = detector.decidesAtMs;
    if (atMs === undefined || atMs > beforeMs) return;
    const decision = detector.decide();
    if (decision === 'escaped') escapedAtMs.push(atMs);
    else data.push(...decision);
  };
  for (const { atMs, chunk } of input) {
    decide(atMs);
    data.push(...detector.push(chunk, atMs));
  }
  decide(Infinity);
  return { data, escapedAtMs };
}

/** The rule as S12 has it, octet by octet: three times the character, close together, alone. */
function escapesByTheRule(input: readonly Timed[], character: number): number[] {
  const octets = input.flatMap(({ atMs, chunk }) => [...chunk].map((octet) => ({ atMs, octet })));
  const found: number[] = [];
  for (let index = 0; index + 2 < octets.length; index++) {
    const three = octets.slice(index, index + 3);
    if (!three.every(({ octet }) => octet === character)) continue;
    const [first, second, third] = three.map(({ atMs }) => atMs) as [number, number, number];
    const before = octets[index - 1]?.atMs ?? -Infinity;
    const behind = octets[index + 3]?.atMs ?? Infinity;
    if (first - before < GUARD_MS || second - first >= GUARD_MS || third - second >= GUARD_MS) continue;
    if (behind - third >= GUARD_MS) found.push(third + GUARD_MS);
  }
  return found;
}

const timed = fc
  .array(
    fc.record({
      gapMs: fc.constantFrom(0, 1, 500, 999, 1000, 1001, 3000),
      chunk: fc.array(fc.constantFrom(43, 43, 43, 97), { minLength: 1, maxLength: 4 }),
    }),
    { maxLength: 8 },
  )
  .map((steps) => {
    let atMs = 0;
    return steps.map(({ gapMs, chunk }) => ({ atMs: (atMs += gapMs), chunk: Uint8Array.from(chunk) }));
  });

describe('EscapeDetector', () => {
  test('finds the sequence where the rule does, and nowhere else', () => {
    fc.assert(
      fc.property(timed, fc.boolean(), (input, forward) => {
        expect(run(input, forward).escapedAtMs).toEqual(escapesByTheRule(input, 43));
      }),
      { numRuns: 3000 },
    );
  });

  test('loses nothing: forwarded, all is data; held back, all but the sequences', () => {
    fc.assert(
      fc.property(timed, (input) => {
        const all = input.flatMap(({ chunk }) => [...chunk]);
        expect(run(input, true).data).toEqual(all);
        const { data, escapedAtMs } = run(input, false);
        expect(data.length).toBe(all.length - 3 * escapedAtMs.length);
        expect(data.filter((octet) => octet === 97)).toEqual(all.filter((octet) => octet === 97));
      }),
      { numRuns: 1000 },
    );
  });

  test('a character above 127 never escapes', () => {
    const chunk = Uint8Array.of(200, 200, 200);
    expect(run([{ atMs: 0, chunk }], false, 200)).toEqual({ data: [200, 200, 200], escapedAtMs: [] });
  });
});
