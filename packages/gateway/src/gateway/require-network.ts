import { atString, type AtClient } from '@cellmux/at';
import { CellmuxError, hasCode, type AbortOptions, type Clock } from '@cellmux/port';
import { isRegistered, parseRegistration, type Registration } from '../core/network-state.ts';
import { wait } from './wait.ts';

/** What {@link requireNetwork} takes. */
export interface RequireNetworkOptions extends AbortOptions {
  readonly clock: Clock;
  /** The SIM's PIN, where it may ask for one. It is tried once: three wrong ones bar a SIM. */
  readonly pin?: string | undefined;
  /** How long a module that searches for its network is waited for, ms; 0 asks once. */
  readonly limitMs: number;
}

const AGAIN_MS = 2000;

/**
 * Makes sure that a call can be made: the SIM is ready and the module registered. Rejects with `ERR_GATEWAY_SIM` (it asks
 * for a PIN, is barred, or is not there), `ERR_GATEWAY_REGISTRATION` (not registered within the limit), and the errors of
 * {@link AtClient.command}. A module that does not know the questions is taken to be ready.
 */
export async function requireNetwork(client: AtClient, options: RequireNetworkOptions): Promise<void> {
  const { clock, limitMs, signal } = options;
  const untilMs = clock.now() + limitMs;
  await requireSim(client, options);
  for (;;) {
    const state = await registration(client, signal);
    if (state === undefined || isRegistered(state)) return;
    if (clock.now() + AGAIN_MS > untilMs) throw notRegistered(state);
    await wait(AGAIN_MS, clock, signal);
  }
}

async function requireSim(client: AtClient, { pin, signal }: RequireNetworkOptions): Promise<void> {
  const state = await simState(client, signal);
  if (state === 'READY' || state === undefined) return;
  if (state === 'SIM PIN' && pin !== undefined) {
    try {
      await client.command(`AT+CPIN=${atString(pin)}`, { signal, secret: true });
      return;
    } catch (error) {
      throw new CellmuxError('ERR_GATEWAY_SIM', 'the SIM refuses the PIN', {
        cause: error,
        hint: 'Check the PIN before the next attempt: after three wrong ones the SIM asks for its PUK.',
      });
    }
  }
  throw new CellmuxError('ERR_GATEWAY_SIM', `the SIM is not ready: ${state}`, {
    hint:
      state === 'SIM PIN'
        ? 'Give its PIN with --pin-file or CELLMUX_PIN, or switch it off.'
        : 'Check that the SIM is in its place, and not barred.',
    context: { state },
  });
}

/** What +CPIN? says; undefined where the module does not know the question. */
async function simState(client: AtClient, signal: AbortSignal | undefined): Promise<string | undefined> {
  try {
    const { lines } = await client.command('AT+CPIN?', { signal });
    return lines.map((line) => /^\+CPIN: (.*)$/.exec(line)?.[1]).find((state) => state !== undefined);
  } catch (error) {
    const cme = (error as CellmuxError).context?.['cme'];
    if (!hasCode(error, 'ERR_AT_ERROR') && !(hasCode(error, 'ERR_AT_CME') && (cme === 3 || cme === 4))) throw error;
    return undefined;
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
