import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CellmuxError } from '@cellmux/port';
import { setResolver } from './set-resolver.ts';

/** What an interface is to be. */
export interface InterfaceConfiguration {
  readonly name: string;
  readonly localAddress: string | undefined;
  readonly peerAddress: string | undefined;
  readonly ipv6Address: string | undefined;
  readonly mtu: number;
  readonly routes: readonly string[];
  readonly routeMetric: number | undefined;
  readonly netns: string | undefined;
  readonly resolvConf: string | undefined;
  readonly dns: readonly string[];
  /** The interface was there before and stays. */
  readonly isPersistent: boolean;
}

const run = promisify(execFile);

/** How long `ip` may take. */
const IP_TIMEOUT_MS = 10_000;

/**
 * Sets an interface up with `ip`, and gives what undoes it. An interface that goes with its program takes addresses and
 * routes along; only a persistent one, and the resolver's file, must be put back.
 */
export async function configureInterface(wanted: InterfaceConfiguration): Promise<() => Promise<void>> {
  const { name, localAddress, peerAddress, ipv6Address, mtu, routes, routeMetric, netns, isPersistent } = wanted;
  const undo: (() => Promise<void>)[] = [];
  const ip = async (...words: string[]): Promise<void> => {
    const inNamespace = netns === undefined ? words : ['-n', netns, ...words];
    try {
      await run('ip', inNamespace, { timeout: IP_TIMEOUT_MS });
    } catch (error) {
      throw ipError(inNamespace, error);
    }
  };
  const quietly = (...words: string[]): Promise<void> => ip(...words).catch(() => undefined);
  const undoAll = async (): Promise<void> => {
    for (const step of undo.reverse()) await step();
  };
  if (netns !== undefined) {
    try {
      await run('ip', ['link', 'set', 'dev', name, 'netns', netns], { timeout: IP_TIMEOUT_MS });
    } catch (error) {
      throw ipError(['link', 'set', 'dev', name, 'netns', netns], error);
    }
  }
  const isConfigured = localAddress !== undefined || ipv6Address !== undefined || routes.length > 0;
  try {
    if (isConfigured) {
      // Without this the kernel itself asks for routers on a link that may carry no IPv6.
      await quietly('link', 'set', 'dev', name, 'addrgenmode', 'none');
      await ip('link', 'set', 'dev', name, 'mtu', String(mtu));
      if (localAddress !== undefined) {
        const address = [localAddress, ...(peerAddress === undefined ? [] : ['peer', peerAddress]), 'dev', name];
        await ip('addr', 'add', ...address);
        if (isPersistent) undo.push(() => quietly('addr', 'del', ...address));
      }
      if (ipv6Address !== undefined) {
        await ip('-6', 'addr', 'add', ipv6Address, 'dev', name, 'nodad');
        if (isPersistent) undo.push(() => quietly('-6', 'addr', 'del', ipv6Address, 'dev', name));
      }
      await ip('link', 'set', 'dev', name, 'up');
      for (const route of routes) {
        const metric = routeMetric === undefined ? [] : ['metric', String(routeMetric)];
        await ip(...(route.includes(':') ? ['-6'] : []), 'route', 'add', route, 'dev', name, ...metric);
        if (isPersistent) undo.push(() => quietly('route', 'del', route, 'dev', name));
      }
    }
    if (wanted.resolvConf !== undefined && wanted.dns.length > 0)
      undo.push(await setResolver(wanted.resolvConf, wanted.dns));
  } catch (error) {
    await undoAll();
    throw error;
  }
  return undoAll;
}

function ipError(words: readonly string[], error: unknown): CellmuxError {
  const { stderr, code } = error as { stderr?: string; code?: unknown };
  const said = (stderr ?? '').trim().split('\n')[0] ?? '';
  if (code === 'ENOENT') {
    return new CellmuxError('ERR_PPP_TUN_FAILED', 'there is no program `ip`', {
      cause: error,
      hint: 'Install iproute2.',
    });
  }
  if (/not permitted/i.test(said)) {
    return new CellmuxError('ERR_PPP_TUN_NOT_PERMITTED', `not permitted: ip ${words.join(' ')}`, {
      cause: error,
      hint: 'Run it as root or with CAP_NET_ADMIN, or set addresses and routes beforehand.',
    });
  }
  return new CellmuxError('ERR_PPP_TUN_FAILED', `ip ${words.join(' ')}: ${said}`, {
    cause: error,
    hint: 'Check the addresses and routes, and that no other interface has them.',
    context: { command: `ip ${words.join(' ')}`, said },
  });
}
