import { AtClient, type AtProfile } from '@cellmux/at';
import type { Multiplexer } from '@cellmux/cmux';
import type { AbortOptions, Clock } from '@cellmux/port';

/** The virtual ports of the module. */
export type Dlci = 1 | 2 | 3;

/** How a port is set up. */
export interface SetUpPortOptions extends AbortOptions {
  readonly profile: AtProfile;
  readonly clock: Clock;
  readonly onUrc: (text: string) => void;
}

/** Opens a DLC and sets up the AT instance on it: every one has settings of its own. */
export async function setUpPort(
  multiplexer: Multiplexer,
  dlci: Dlci,
  { profile, clock, onUrc, signal }: SetUpPortOptions,
): Promise<AtClient> {
  const port = await multiplexer.open(dlci, { signal });
  const client = new AtClient(port, { clock, profile });
  client.urcs$.subscribe({
    next: ({ text }) => {
      onUrc(text);
    },
    error: () => undefined,
  });
  try {
    await client.command('ATE0', { signal });
    await client.command('AT+CMEE=1', { signal });
  } catch (error) {
    // A DLC whose AT says nothing is no port: the next attempt finds it closed.
    await client.close();
    await port.close({ signal: AbortSignal.abort() });
    throw error;
  }
  return client;
}
