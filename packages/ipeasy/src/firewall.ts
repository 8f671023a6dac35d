import { CellmuxError, type AbortOptions } from '@cellmux/port';
import { isIpv4 } from './core/command-lines.ts';
import { splitFields } from './core/split-fields.ts';
import { ipEasyError } from './ip-easy-error.ts';
import type { Lanes } from './lanes.ts';

/** Peers that may connect to listeners: those whose address, masked, equals this address, masked. */
export interface FirewallRule {
  readonly address: string;
  readonly mask: string;
}

/**
 * The module's firewall (`#FRWL`, guide §3.2.2.1). It drops every incoming connection that no rule accepts; the module
 * forgets all rules when it starts anew. Outgoing connections pass it by.
 */
export class Firewall {
  readonly #lanes: Lanes;
  readonly #timeoutMs: number;

  /** @internal */
  constructor(lanes: Lanes, timeoutMs: number) {
    this.#lanes = lanes;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Lets a host in, or with a mask a network: `allow('10.0.0.0', '255.0.0.0')`; `allow('0.0.0.0', '0.0.0.0')` lets
   * everyone in. Rejects with `ERR_IPEASY_FIREWALL_RULE` for what is no address.
   */
  async allow(address: string, mask = '255.255.255.255', options: AbortOptions = {}): Promise<void> {
    await this.#change(1, { address, mask }, options);
  }

  /** Takes a rule back. */
  async remove(address: string, mask = '255.255.255.255', options: AbortOptions = {}): Promise<void> {
    await this.#change(0, { address, mask }, options);
  }

  /** Lets nobody in any more. */
  async dropAll({ signal }: AbortOptions = {}): Promise<void> {
    await this.#run('AT#FRWL=2', signal);
  }

  /** The rules as the module has them. */
  async rules({ signal }: AbortOptions = {}): Promise<readonly FirewallRule[]> {
    const lines = await this.#run('AT#FRWL?', signal);
    const rules: FirewallRule[] = [];
    for (const line of lines) {
      const [address, mask] = splitFields(line, '#FRWL') ?? [];
      if (address !== undefined && mask !== undefined && isIpv4(address) && isIpv4(mask)) rules.push({ address, mask });
    }
    return rules;
  }

  async #change(action: 0 | 1, { address, mask }: FirewallRule, { signal }: AbortOptions): Promise<void> {
    for (const text of [address, mask]) {
      if (isIpv4(text)) continue;
      throw new CellmuxError('ERR_IPEASY_FIREWALL_RULE', `${JSON.stringify(text)} is no IPv4 address or mask`, {
        hint: "Give an address and a mask, for example '10.0.0.0' and '255.0.0.0'.",
      });
    }
    await this.#run(`AT#FRWL=${action},"${address}","${mask}"`, signal);
  }

  async #run(line: string, signal: AbortSignal | undefined): Promise<readonly string[]> {
    try {
      const { lines } = await this.#lanes
        .any()
        .run((at) => at.command(line, { timeoutMs: this.#timeoutMs }), { signal });
      return lines;
    } catch (error) {
      throw ipEasyError(error, 'the firewall');
    }
  }
}
