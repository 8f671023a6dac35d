import { AtClient, type AtProfile } from '@cellmux/at';
import type { Multiplexer } from '@cellmux/cmux';
import type { AbortOptions, Clock } from '@cellmux/port';

/** The AT clients on the three virtual ports. */
export type PortClients = readonly [ppp: AtClient, sockets: AtClient, at: AtClient];

/** How ports are opened. */
export interface OpenPortsOptions extends AbortOptions {
  readonly profile: AtProfile;
  readonly clock: Clock;
  readonly onUrc: (port: 1 | 2 | 3, text: string) => void;
}

/** Opens DLCI 1, 2 and 3 and sets up the AT instance on each: every one has settings of its own. */
export async function openPorts(
  multiplexer: Multiplexer,
  { profile, clock, onUrc, signal }: OpenPortsOptions,
): Promise<PortClients> {
  const open = async (dlci: 1 | 2 | 3): Promise<AtClient> => {
    const client = new AtClient(await multiplexer.open(dlci, { signal }), { clock, profile });
    client.urcs$.subscribe({
      next: ({ text }) => {
        onUrc(dlci, text);
      },
      error: () => undefined,
    });
    await client.command('ATE0', { signal });
    await client.command('AT+CMEE=1', { signal });
    return client;
  };
  return [await open(1), await open(2), await open(3)];
}
