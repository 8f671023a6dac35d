import { AtClient, type AtProfile } from '@cellmux/at';
import type { Multiplexer } from '@cellmux/cmux';
import { hasCode, type AbortOptions, type Clock } from '@cellmux/port';
import { atResultOf } from './at-result.ts';
import type { AtResult } from './gateway-events.ts';

/** The virtual ports of the module. */
export type Dlci = 1 | 2 | 3;

/** How long the first command may take until it counts as lost, ms. */
const FIRST_ANSWER_MS = 1500;

/** How a port is set up. */
export interface SetUpPortOptions extends AbortOptions {
  readonly profile: AtProfile;
  readonly clock: Clock;
  readonly onUrc: (text: string) => void;
  /** A command has ended, whoever gave it. */
  readonly onCommand: (result: AtResult, durationMs: number) => void;
}

/** Opens a DLC and sets up the AT instance on it: every one has settings of its own. */
export async function setUpPort(
  multiplexer: Multiplexer,
  dlci: Dlci,
  { profile, clock, onUrc, onCommand, signal }: SetUpPortOptions,
): Promise<AtClient> {
  const port = await multiplexer.open(dlci, { signal });
  const client = new AtClient(port, { clock, profile });
  client.urcs$.subscribe({
    next: ({ text }) => {
      onUrc(text);
    },
    error: () => undefined,
  });
  client.events$.subscribe({
    next: (event) => {
      if (event.type === 'commandEnded') onCommand(atResultOf(event.result), event.tookMs);
    },
    error: () => undefined,
  });
  try {
    await firstCommand(client, signal);
    await client.command('AT+CMEE=1', { signal });
  } catch (error) {
    // A DLC whose AT says nothing is no port: the next attempt finds it closed.
    await client.close();
    await port.close({ signal: AbortSignal.abort() });
    throw error;
  }
  return client;
}

/** A DLC can be open before what answers AT listens to it (the kernel's n_gsm): what came first is lost, and is said again. */
async function firstCommand(client: AtClient, signal: AbortSignal | undefined): Promise<void> {
  try {
    await client.command('ATE0', { timeoutMs: FIRST_ANSWER_MS, signal });
  } catch (error) {
    if (!hasCode(error, 'ERR_AT_TIMEOUT')) throw error;
    await client.command('ATE0', { signal });
  }
}
