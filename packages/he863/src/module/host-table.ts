import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { CellmuxError } from '@cellmux/port';
import type { DialTarget, HostResolver } from './module-services.ts';

/** An address of the table, and the port that takes the place of the one asked for. */
interface Entry {
  readonly address: string;
  readonly port: number | undefined;
}

/** Options of {@link HostTable}. */
export interface HostTableOptions {
  readonly hosts: Readonly<Record<string, string>>;
  /** Whether names that the table has not are asked of the machine's resolver. */
  readonly machineNames: boolean;
}

/**
 * The names that the module resolves. A key is a name or an address, with `:port` behind it where only that port is
 * meant; a value is an address, with `:port` where the machine listens on another.
 */
export class HostTable implements HostResolver {
  readonly #entries: ReadonlyMap<string, Entry>;
  readonly #machineNames: boolean;

  constructor({ hosts, machineNames }: HostTableOptions) {
    this.#entries = new Map(
      Object.entries(hosts).map(([name, value]) => [name.toLowerCase(), parseEntry(name, value)]),
    );
    this.#machineNames = machineNames;
  }

  async target(
    host: string,
    port: number,
    transport: 'tcp' | 'udp',
    signal?: AbortSignal,
  ): Promise<DialTarget | undefined> {
    void transport;
    const name = host.toLowerCase();
    const entry = this.#entries.get(`${name}:${port}`) ?? this.#entries.get(name);
    const isAddress = isIP(host) === 4;
    if (entry !== undefined) {
      // An address shows as it was asked for; only the machine knows that it is somewhere else.
      const shownAddress = isAddress ? host : entry.address;
      return { address: entry.address, port: entry.port ?? port, shownAddress, shownPort: port };
    }
    const address = isAddress ? host : await this.#ask(host, signal);
    return address === undefined ? undefined : { address, port, shownAddress: address, shownPort: port };
  }

  async #ask(host: string, signal: AbortSignal | undefined): Promise<string | undefined> {
    if (!this.#machineNames || !/^[a-z0-9._-]{1,253}$/i.test(host)) return undefined;
    const answer = lookup(host, { family: 4 }).then(
      ({ address }) => address,
      () => undefined,
    );
    if (signal === undefined) return answer;
    // The machine's resolver cannot be stopped; its answer is then left alone.
    const aborted = new Promise<never>((_resolve, reject) => {
      if (signal.aborted) reject(signal.reason);
      else
        signal.addEventListener(
          'abort',
          () => {
            reject(signal.reason);
          },
          { once: true },
        );
    });
    return Promise.race([answer, aborted]);
  }
}

function parseEntry(name: string, value: string): Entry {
  const match = /^([^:]+)(?::(\d{1,5}))?$/.exec(value);
  const address = match?.[1] === 'localhost' ? '127.0.0.1' : (match?.[1] ?? '');
  const port = match?.[2] === undefined ? undefined : Number(match[2]);
  if (isIP(address) !== 4 || (port !== undefined && (port < 1 || port > 65_535))) {
    throw new CellmuxError('ERR_OPTION_RANGE', `hosts: ${name} must be an IPv4 address or address:port, not ${value}`, {
      hint: 'Write it as NAME=127.0.0.1:8080.',
      context: { option: 'hosts', name, value },
    });
  }
  return { address, port };
}
