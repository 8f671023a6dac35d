import type { AtClient } from '@cellmux/at';
import { CellmuxError, hasCode, type AbortOptions, type Clock } from '@cellmux/port';
import { isRegistered, parseRegistration, type Registration } from '../core/network-state.ts';
import type { SimUnlock } from './sim-unlock.ts';
import { wait } from './wait.ts';

/** What {@link requireNetwork} takes. */
export interface RequireNetworkOptions extends AbortOptions {
  readonly clock: Clock;
  readonly sim: SimUnlock;
  /** How long a module that searches for its network is waited for, ms; 0 asks once. */
  readonly limitMs: number;
}

const AGAIN_MS = 2000;

/**
 * Makes sure that a call can be made: the SIM is ready and the module registered. Rejects as
 * {@link SimUnlock.unlock}, with `ERR_GATEWAY_REGISTRATION` (not registered within the limit), and the errors of
 * {@link AtClient.command}. A module that does not know the questions is taken to be ready.
 */
export async function requireNetwork(client: AtClient, options: RequireNetworkOptions): Promise<void> {
  const { clock, limitMs, signal } = options;
  const untilMs = clock.now() + limitMs;
  await options.sim.unlock(client, { signal });
  for (;;) {
    const state = await registration(client, signal);
    if (state === undefined || isRegistered(state)) return;
    if (clock.now() + AGAIN_MS > untilMs) throw notRegistered(state);
    await wait(AGAIN_MS, clock, signal);
  }
}

/** The better of what +CGREG? and +CREG? say; undefined where the module does not know the questions. */
async function registration(client: AtClient, signal: AbortSignal | undefined): Promise<Registration | undefined> {
  let worst: Registration | undefined;
  for (const name of ['+CGREG', '+CREG'] as const) {
    try {
      const { lines } = await client.command(`AT${name}?`, { signal });
      const state = lines.map((line) => parseRegistration(line, name, 'answer')).find((one) => one !== undefined);
      if (isRegistered(state)) return state;
      worst ??= state;
    } catch (error) {
      if (!hasCode(error, 'ERR_AT_ERROR') && !hasCode(error, 'ERR_AT_CME')) throw error;
    }
  }
  return worst;
}

const WORDS: Readonly<Record<Registration, string>> = {
  notSearching: 'it does not search for one',
  registered: '',
  searching: 'it searches for one',
  denied: 'the network refuses it',
  unknown: 'it does not know',
  roaming: '',
};

function notRegistered(state: Registration): CellmuxError {
  return new CellmuxError('ERR_GATEWAY_REGISTRATION', `the module is not registered with a network: ${WORDS[state]}`, {
    hint:
      state === 'denied'
        ? 'Check with the operator that the SIM is active and may use this network.'
        : 'Check the antenna and the coverage (`cellmux doctor`).',
    context: { state },
  });
}
