import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressPool } from './address-pool.ts';

describe('an address pool', () => {
  it('never gives an address to two, nor one that is not its own, whatever is given back', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constant('take' as const), fc.nat(12)), { maxLength: 60 }), (moves) => {
        const pool = new AddressPool('10.0.0.250', '10.0.1.3');
        const taken = new Set<string>();
        for (const move of moves) {
          if (move === 'take' && taken.size < 10) {
            const address = pool.take();
            expect(taken.has(address)).toBe(false);
            expect(address).toMatch(/^10\.0\.0\.25[0-5]$|^10\.0\.1\.[0-3]$/);
            taken.add(address);
          } else if (move === 'take') {
            expect(() => pool.take()).toThrow(expect.objectContaining({ code: 'ERR_PPP_POOL_EMPTY' }));
          } else {
            const address = [...taken][move] ?? `10.0.1.${move}`;
            pool.release(address);
            taken.delete(address);
          }
          expect(pool.freeCount).toBe(10 - taken.size);
        }
      }),
    );
  });

  it('uses an address that came back last of all', () => {
    const pool = new AddressPool('10.0.0.1', '10.0.0.3');
    pool.release(pool.take());
    expect([pool.take(), pool.take(), pool.take()]).toEqual(['10.0.0.2', '10.0.0.3', '10.0.0.1']);
  });

  it.each([
    ['10.0.0.2', '10.0.0.1'],
    ['10.0.0.0', '10.1.0.0'],
    ['10.0.0', '10.0.0.1'],
    ['10.0.0.1', '10.0.0.256'],
  ])('refuses %s to %s', (first, last) => {
    expect(() => new AddressPool(first, last)).toThrow(expect.objectContaining({ code: 'ERR_OPTION_RANGE' }));
  });
});
