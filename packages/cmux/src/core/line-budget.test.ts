import { describe, expect, it } from 'vitest';
import { LineBudget } from './line-budget.ts';

describe('the queue below', () => {
  it('holds no more than the line time allowed, whether the driver has taken it or not', () => {
    const budget = new LineBudget(20, 115_200);
    const frame = 133;
    let longestMs = 0;
    let octets = 0;
    for (let nowMs = 0; nowMs < 2000; nowMs += 0.5) {
      for (;;) {
        const { limit, atLeastOne } = budget.allowance(nowMs);
        if (limit < frame && !atLeastOne) break;
        budget.handed(frame, nowMs);
        // The driver takes everything at once, as a kernel's does.
        budget.taken(frame);
        octets += frame;
        longestMs = Math.max(longestMs, budget.queuedMs(nowMs));
      }
    }
    expect(longestMs).toBeLessThanOrEqual(20);
    expect(octets).toBeGreaterThan(0.99 * 2 * 11_520);
  });

  it('waits for a line that takes nothing, however long that lasts', () => {
    const budget = new LineBudget(20, 115_200);
    budget.handed(200, 0);
    expect(budget.allowance(60_000)).toMatchObject({ limit: 0, atLeastOne: false, againInMs: Infinity });
    budget.taken(200);
    expect(budget.allowance(60_000).limit).toBe(230);
  });

  it('lets one frame go that is longer than all the time allowed', () => {
    const budget = new LineBudget(20, 9600);
    expect(budget.allowance(0).atLeastOne).toBe(true);
    budget.handed(133, 0);
    expect(budget.allowance(100).atLeastOne).toBe(false);
    budget.taken(133);
    expect(budget.allowance(139).atLeastOne).toBe(true);
  });

  it('bounds octets where the speed is not known', () => {
    const budget = new LineBudget(20, undefined);
    budget.handed(32 * 1024, 0);
    expect(budget.allowance(0)).toMatchObject({ limit: 0, atLeastOne: false });
  });
});
