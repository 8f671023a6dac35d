import { atString, type AtClient } from '@cellmux/at';
import { CellmuxError, hasCode, type AbortOptions } from '@cellmux/port';

/**
 * Gets a SIM ready, with its PIN where it asks for one. All ports of a module share one: they take turns, so that the PIN
 * is entered once, and one that the SIM has refused is never tried again, since three wrong ones bar it.
 */
export class SimUnlock {
  readonly #pin: string | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #refusal: CellmuxError | undefined;

  constructor(pin: string | undefined) {
    this.#pin = pin;
  }

  /**
   * Rejects with `ERR_GATEWAY_SIM_LOCKED` (it asks for a PIN or a PUK, or refuses the PIN), `ERR_GATEWAY_SIM` (it is not
   * ready for another reason), and the errors of {@link AtClient.command}.
   */
  unlock(client: AtClient, options: AbortOptions): Promise<void> {
    const done = this.#turn.then(() => this.#unlock(client, options));
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #unlock(client: AtClient, { signal }: AbortOptions): Promise<void> {
    const state = await simState(client, signal);
    if (state === 'READY' || state === undefined) return;
    if (state !== 'SIM PIN' || this.#pin === undefined) throw notReady(state);
    if (this.#refusal !== undefined) throw this.#refusal;
    try {
      await client.command(`AT+CPIN=${atString(this.#pin)}`, { signal, secret: true });
    } catch (error) {
      // Of a PIN that nobody answered it is not known whether it counts: asked again, the SIM says what it wants.
      if (!hasCode(error, 'ERR_AT_ERROR') && !hasCode(error, 'ERR_AT_CME')) throw error;
      this.#refusal = new CellmuxError('ERR_GATEWAY_SIM_LOCKED', 'the SIM refuses the PIN', {
        cause: error,
        hint: 'Check the PIN before the next attempt: after three wrong ones the SIM asks for its PUK.',
      });
      throw this.#refusal;
    }
  }
}

function notReady(state: string): CellmuxError {
  const code = /P[IU][NK]/.test(state) ? 'ERR_GATEWAY_SIM_LOCKED' : 'ERR_GATEWAY_SIM';
  return new CellmuxError(code, `the SIM is not ready: ${state}`, {
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
