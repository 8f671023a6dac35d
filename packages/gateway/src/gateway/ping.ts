import type { AtClient } from '@cellmux/at';
import { atString } from '@cellmux/at';
import { CellmuxError, type AbortOptions, type Clock } from '@cellmux/port';
import { parseIpv4 } from '../core/ip-address.ts';
import type { GatewayEvent } from './gateway-events.ts';
import type { PacketHost } from './packet-host.ts';

/**
 * The IPv4 address of a host: itself, or what the module resolves with `AT#QDNS`. Rejects with
 * `ERR_GATEWAY_HOST_UNKNOWN`.
 */
export async function resolveHost(at: AtClient, host: string, { signal }: AbortOptions = {}): Promise<string> {
  if (parseIpv4(host) !== undefined) return host;
  try {
    const { lines } = await at.command(`AT#QDNS=${atString(host)}`, { signal, timeoutMs: 30_000 });
    const address = /^#QDNS:.*?"?(\d+\.\d+\.\d+\.\d+)"?\s*$/.exec(lines[0] ?? '')?.[1];
    if (address !== undefined && parseIpv4(address) !== undefined) return address;
    throw unknownHost(host, undefined);
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    throw code === 'ERR_AT_CME' || code === 'ERR_AT_ERROR' ? unknownHost(host, error) : error;
  }
}

function unknownHost(host: string, cause: unknown): CellmuxError {
  return new CellmuxError('ERR_GATEWAY_HOST_UNKNOWN', `the name ${host} does not resolve`, {
    ...(cause === undefined ? {} : { cause }),
    hint: 'Check the spelling of the name, or give an address.',
    context: { host },
  });
}

/** How {@link pingForever} pings. */
export interface PingForeverOptions {
  readonly host: string;
  readonly intervalMs?: number | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onEvent: (event: GatewayEvent) => void;
}

/** Pings until the signal aborts, one ping each interval, and reports each. Resolves at the abort. */
export async function pingForever(packets: PacketHost, address: string, options: PingForeverOptions): Promise<void> {
  const { host, intervalMs = 1000, clock, signal, onEvent } = options;
  for (let sequence = 1; !signal.aborted; sequence++) {
    const startedMs = clock.now();
    try {
      const { roundTripMs } = await packets.ping(address, { signal, timeoutMs: Math.max(intervalMs, 5000) });
      onEvent({ type: 'pingAnswered', host, sequence, roundTripMs });
    } catch (error) {
      if (signal.aborted) return;
      onEvent({ type: 'pingLost', host, sequence, error });
    }
    await pause(startedMs + intervalMs - clock.now(), clock, signal);
  }
}

/** Resolves after a time or at the abort, whichever comes first. */
function pause(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted || ms <= 0) {
      resolve();
      return;
    }
    const done = (): void => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    signal.addEventListener('abort', done, { once: true });
  });
}
