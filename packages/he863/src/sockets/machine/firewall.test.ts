import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Firewall, FIREWALL_RULES, parseAddress } from './firewall.ts';

const dotted = fc.ipV4();

describe('Firewall', () => {
  it('lets nobody in without a rule', () => {
    fc.assert(fc.property(dotted, (address) => !new Firewall().admits(address)));
  });

  it("lets in what the guide's examples say", () => {
    const firewall = new Firewall();
    expect(firewall.add({ address: '197.158.1.1', mask: '255.255.0.0' })).toBe(true);
    expect(firewall.admits('197.158.255.255')).toBe(true);
    expect(firewall.admits('197.159.1.1')).toBe(false);
    firewall.clear();
    firewall.add({ address: '198.158.1.1', mask: '0.0.0.0' });
    expect(firewall.admits('10.0.0.1')).toBe(true);
  });

  it('compares the bits of the mask', () => {
    fc.assert(
      fc.property(dotted, dotted, fc.nat(32), (address, incoming, bits) => {
        const mask = [0, 1, 2, 3].map((octet) => 256 - 2 ** (8 - Math.min(8, Math.max(0, bits - 8 * octet)))).join('.');
        const firewall = new Firewall();
        firewall.add({ address, mask });
        const block = 2 ** (32 - bits);
        const same =
          Math.floor((parseAddress(address) ?? 0) / block) === Math.floor((parseAddress(incoming) ?? 0) / block);
        expect(firewall.admits(incoming)).toBe(same);
      }),
    );
  });

  it('removes the rule that is named, and only that', () => {
    const firewall = new Firewall();
    const rule = { address: '10.0.0.1', mask: '255.255.255.255' };
    firewall.add(rule);
    expect(firewall.remove({ ...rule, mask: '255.0.0.0' })).toBe(false);
    expect(firewall.remove(rule)).toBe(true);
    expect(firewall.admits('10.0.0.1')).toBe(false);
  });

  it('refuses what is no address, and more rules than it keeps', () => {
    const firewall = new Firewall();
    for (const address of ['', '1.2.3', '1.2.3.256', 'a.b.c.d', '1.2.3.4.5'])
      expect(firewall.add({ address, mask: '0.0.0.0' })).toBe(false);
    for (let index = 0; index < FIREWALL_RULES; index++)
      expect(firewall.add({ address: `10.0.0.${index}`, mask: '255.255.255.255' })).toBe(true);
    expect(firewall.add({ address: '10.0.1.1', mask: '255.255.255.255' })).toBe(false);
  });
});
