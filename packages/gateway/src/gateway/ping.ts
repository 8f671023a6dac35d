import { CellmuxError, type Clock } from '@cellmux/port';
import type { GatewayEvent } from './gateway-events.ts';
import type { PacketHost } from './packet-host.ts';

/** How {@link pingForever} pings. */
export interface PingForeverOptions {
  readonly host: string;
  readonly intervalMs?: number | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onEvent: (event: GatewayEvent) => void;
}

/** Pings until the signal aborts, one ping each interval, over the host of the moment, and reports each. Resolves at the abort. */
export async function pingForever(
  packets: () => PacketHost | undefined,
  address: string,
  options: PingForeverOptions,
): Promise<void> {
  const { host: name, intervalMs = 1000, clock, signal, onEvent } = options;
  for (let sequence = 1; !signal.aborted; sequence++) {
    const startedMs = clock.now();
    try {
      const host = packets();
      if (host === undefined) throw new CellmuxError('ERR_PPP_NOT_UP', 'no PPP call is up at the moment');
      const { roundTripMs } = await host.ping(address, { signal, timeoutMs: Math.max(intervalMs, 5000) });
      onEvent({ type: 'pingAnswered', host: name, sequence, roundTripMs });
    } catch (error) {
      if (signal.aborted) return;
      onEvent({ type: 'pingLost', host: name, sequence, error });
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
