/** The most rules that the firewall keeps. */
export const FIREWALL_RULES = 16;

/** An ACCEPT rule of #FRWL. */
export interface FirewallRule {
  readonly address: string;
  readonly mask: string;
}

/** The number behind an IPv4 address in dots; undefined when it is none. */
export function parseAddress(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  let value = 0;
  for (const part of match.slice(1)) {
    const octet = Number(part);
    if (octet > 255) return undefined;
    value = value * 256 + octet;
  }
  return value;
}

/**
 * The accept chain for incoming connections (IP Easy guide §3.2.2.1). Its policy is DROP: without a rule nobody comes in.
 * A rule matches when address and rule agree in the bits of the mask; the guide's formula leaves the mask out on the
 * rule's side, and with it its own example would never match.
 */
export class Firewall {
  #rules: FirewallRule[] = [];

  get rules(): readonly FirewallRule[] {
    return this.#rules;
  }

  /** False when the text is no address or mask, or the chain is full. */
  add(rule: FirewallRule): boolean {
    if (parseAddress(rule.address) === undefined || parseAddress(rule.mask) === undefined) return false;
    if (this.#find(rule) >= 0) return true;
    if (this.#rules.length >= FIREWALL_RULES) return false;
    this.#rules.push({ address: rule.address, mask: rule.mask });
    return true;
  }

  /** False when there is no such rule. */
  remove(rule: FirewallRule): boolean {
    const index = this.#find(rule);
    if (index < 0) return false;
    this.#rules.splice(index, 1);
    return true;
  }

  clear(): void {
    this.#rules = [];
  }

  admits(address: string): boolean {
    const incoming = parseAddress(address);
    if (incoming === undefined) return false;
    return this.#rules.some((rule) => {
      const mask = parseAddress(rule.mask) ?? 0;
      return (incoming & mask) === ((parseAddress(rule.address) ?? 0) & mask);
    });
  }

  #find(rule: FirewallRule): number {
    return this.#rules.findIndex(({ address, mask }) => address === rule.address && mask === rule.mask);
  }
}
