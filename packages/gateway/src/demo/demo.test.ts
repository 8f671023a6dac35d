import { expect, it } from 'vitest';
import { runDemo } from './demo.ts';

it('runs to its end on all three ports, verifies every byte, and reports from what has ended', async () => {
  const report = await runDemo({ baudRate: 3_000_000, bodyBytes: 64 * 1024 });
  expect(report.problems).toEqual([]);
  expect(report.ok).toBe(true);
  expect(report.ports.every(({ framesSent, framesReceived }) => framesSent > 0 && framesReceived > 0)).toBe(true);
});
