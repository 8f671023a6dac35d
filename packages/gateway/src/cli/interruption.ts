import { CellmuxError } from '@cellmux/port';
import { EXIT } from './exit-codes.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Turns the process's signals into an AbortSignal: the first one asks for an end in order, a second one ends the process
 * at once. Dispose of it to give the signals back.
 */
export class Interruption implements Disposable {
  readonly #controller = new AbortController();
  readonly #onSignal = (name: NodeJS.Signals): void => {
    if (this.#controller.signal.aborted) process.exit(name === 'SIGINT' ? EXIT.interrupted : EXIT.terminated);
    this.#controller.abort(
      name === 'SIGINT'
        ? new CellmuxError('ERR_GATEWAY_INTERRUPTED', 'interrupted', { hint: 'Everything was ended in order.' })
        : new CellmuxError('ERR_GATEWAY_TERMINATED', `ended by ${name}`, { hint: 'Everything was ended in order.' }),
    );
  };

  constructor() {
    for (const name of SIGNALS) process.on(name, this.#onSignal);
  }

  /** Aborts at the first signal, with `ERR_GATEWAY_INTERRUPTED` or `ERR_GATEWAY_TERMINATED` as its reason. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    for (const name of SIGNALS) process.off(name, this.#onSignal);
  }
}

/** True for the reason that an {@link Interruption} aborts with. */
export function isInterruption(error: unknown): boolean {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return code === 'ERR_GATEWAY_INTERRUPTED' || code === 'ERR_GATEWAY_TERMINATED';
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else
      signal.addEventListener(
        'abort',
        () => {
          resolve();
        },
        { once: true },
      );
  });
}
