import { describe, expect, it } from 'vitest';
import { BARE_LINE, benchIpEasy } from '../../packages/ipeasy/bench/bench-ip-easy.ts';
import type { BenchRow } from '../../packages/port/bench/index.ts';
import { OVER_CMUX } from '../bench/ip-easy-over-cmux.ts';

describe.each([BARE_LINE, OVER_CMUX])('goodput of IP Easy sockets, $name', (transport) => {
  it('is at least 95 % of what the commands and the line allow', { timeout: 60_000 }, async () => {
    const rows: BenchRow[] = [];
    for await (const row of benchIpEasy(transport, [460_800])) rows.push(row);
    expect(rows).toHaveLength(8);
    for (const { name, ratio } of rows) {
      expect(ratio, name).toBeGreaterThanOrEqual(0.95);
      // More than possible would be a mistake in the arithmetic; the end of a transfer needs no last pause.
      expect(ratio, name).toBeLessThanOrEqual(1.01);
    }
  });
});
