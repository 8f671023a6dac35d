import type { Settings } from '../config/settings.ts';
import type { Console } from '../cli/console.ts';
import { describeError, errorSentence } from '../errors/describe-error.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { startLog } from './start-log.ts';

/** What watches a gateway that the program runs. */
export interface Observers extends AsyncDisposable {
  /** The start has succeeded. */
  isUp(): void;
}

const DEFAULT_CAPTURE = 'cellmux.pcapng';

/** Begins to log, and lets signals switch the capture. */
export function startObservers(gateway: Gateway, settings: Settings, console: Console): Promise<Observers> {
  const isHuman =
    settings.json !== true && (settings.logFormat ?? (console.isInteractive ? 'human' : 'json')) === 'human';
  const log = startLog(gateway, console, { level: settings.logLevel ?? 'info', format: isHuman ? 'human' : 'json' });
  const begin = (): void => {
    const { capture } = gateway.status;
    // Begun again, it would be written over.
    if (capture !== undefined) {
      log.info({ event: 'capture' }, `already recording ${capture}`);
      return;
    }
    gateway.startCapture(settings.capture ?? DEFAULT_CAPTURE).catch((error: unknown) => {
      log.warn(errorSentence(describeError(error)));
    });
  };
  const end = (): void => {
    gateway.stopCapture().catch((error: unknown) => {
      log.warn(errorSentence(describeError(error)));
    });
  };
  process.on('SIGUSR1', begin);
  process.on('SIGUSR2', end);
  return Promise.resolve({
    isUp: () => {
      const where = gateway.listeners.map(({ what, where: place }) => `${what} ${place}`).join(', ');
      log.info({ event: 'up' }, `up: all three ports work${where === '' ? '' : `; ${where}`}; Ctrl-C ends it`);
    },
    [Symbol.asyncDispose]: () => {
      process.off('SIGUSR1', begin);
      process.off('SIGUSR2', end);
      return Promise.resolve();
    },
  });
}
