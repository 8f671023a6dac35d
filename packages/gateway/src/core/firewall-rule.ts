import { parseIpv4 } from './ip-address.ts';

/** Who may connect to the module: those whose address, masked, equals this one, masked. */
export interface FirewallRule {
  readonly address: string;
  readonly mask: string;
}

/** Reads `ADDRESS`, `ADDRESS/BITS` or `ADDRESS/MASK`, of IPv4; undefined for anything else. */
export function parseFirewallRule(text: string): FirewallRule | undefined {
  const [address = '', mask = '32', ...more] = text.split('/');
  if (more.length > 0 || parseIpv4(address) === undefined) return undefined;
  if (parseIpv4(mask) !== undefined) return { address, mask };
  const bits = Number(mask);
  if (!/^\d{1,2}$/.test(mask) || bits > 32) return undefined;
  const value = bits === 0 ? 0 : (0xffff_ffff << (32 - bits)) >>> 0;
  return { address, mask: [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join('.') };
}
