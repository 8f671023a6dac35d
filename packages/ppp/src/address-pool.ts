import { CellmuxError } from '@cellmux/port';
import { formatIpv4, parseIpv4 } from './core/ipv4-address.ts';

/** Most addresses of one pool. */
const POOL_LIMIT = 65_536;

/** IPv4 addresses that a server gives to those who dial in, each to one at a time. */
export class AddressPool {
  readonly #free: number[] = [];
  readonly #taken = new Set<number>();

  /**
   * A pool of the addresses from `first` to `last`, both included, at most 65536.
   *
   * @throws CellmuxError `ERR_OPTION_RANGE` where they are no addresses, or in the wrong order, or too many.
   */
  constructor(first: string, last: string) {
    const [from, to] = [ipv4Option('first', first), ipv4Option('last', last)];
    if (to < from || to - from >= POOL_LIMIT) {
      throw new CellmuxError('ERR_OPTION_RANGE', `a pool holds 1 to ${POOL_LIMIT} addresses, not ${first} to ${last}`, {
        context: { option: 'pool', first, last },
      });
    }
    for (let address = to; address >= from; address--) this.#free.push(address);
  }

  /** How many addresses are left. */
  get freeCount(): number {
    return this.#free.length;
  }

  /**
   * Takes an address.
   *
   * @throws CellmuxError `ERR_PPP_POOL_EMPTY`.
   */
  take(): string {
    const address = this.#free.pop();
    if (address === undefined) {
      throw new CellmuxError('ERR_PPP_POOL_EMPTY', 'every address of the pool is in use', {
        hint: 'Make the pool larger, or end calls that are no longer needed.',
      });
    }
    this.#taken.add(address);
    return formatIpv4(address);
  }

  /** Gives an address back, which is the last to be used again. Any that was not taken from here is ignored. */
  release(address: string): void {
    const value = parseIpv4(address);
    if (value !== undefined && this.#taken.delete(value)) this.#free.unshift(value);
  }
}

/**
 * Checks an option that must be an IPv4 address; gives its number.
 *
 * @throws CellmuxError `ERR_OPTION_RANGE`.
 */
export function ipv4Option(option: string, value: string): number {
  const address = parseIpv4(value);
  if (address === undefined) {
    throw new CellmuxError('ERR_OPTION_RANGE', `${option} must be an IPv4 address, not ${JSON.stringify(value)}`, {
      context: { option, value },
    });
  }
  return address;
}
