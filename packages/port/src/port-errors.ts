import { CellmuxError } from './core/cellmux-error.ts';

/** What `send` and `setCircuits` reject with on a port that is closed. */
export function portClosedError(name: string, unsentBytes: number): CellmuxError {
  return new CellmuxError('ERR_PORT_CLOSED', `${name} is closed`, { context: { unsentBytes } });
}
