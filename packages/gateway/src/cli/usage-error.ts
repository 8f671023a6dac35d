import { CellmuxError } from '@cellmux/port';

/** Options that are each fine and do not go together. */
export function usageError(message: string, hint = 'See --help for what is allowed.'): CellmuxError {
  return new CellmuxError('ERR_GATEWAY_USAGE', message, { hint });
}
