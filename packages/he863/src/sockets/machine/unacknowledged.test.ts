import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Unacknowledged } from './unacknowledged.ts';

it('holds what was sent for as long as an acknowledgement takes, and not a millisecond more', () => {
  const sends = fc.array(fc.record({ afterMs: fc.nat(50), bytes: fc.nat(2000) }), { maxLength: 40 });
  fc.assert(
    fc.property(fc.nat(100), sends, (acknowledgeMs, all) => {
      const underWay = new Unacknowledged(acknowledgeMs);
      const sent: { readonly atMs: number; readonly bytes: number }[] = [];
      let nowMs = 0;
      for (const { afterMs, bytes } of all) {
        nowMs += afterMs;
        underWay.sent(bytes, nowMs);
        sent.push({ atMs: nowMs, bytes });
        const waiting = sent.filter(({ atMs }) => atMs + acknowledgeMs > nowMs);
        expect(underWay.bytesAt(nowMs)).toBe(waiting.reduce((sum, each) => sum + each.bytes, 0));
      }
      underWay.clear();
      expect(underWay.bytesAt(nowMs)).toBe(0);
    }),
  );
});
