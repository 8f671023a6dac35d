import { CellmuxError } from './core/cellmux-error.ts';

/** What `send` and `setCircuits` reject with on a port that is closed or closes meanwhile. */
export function portClosedError(name: string, unsentBytes: number, cause?: unknown): CellmuxError {
  return new CellmuxError('ERR_PORT_CLOSED', `${name} is closed`, { context: { unsentBytes }, cause });
}

/** What `received$` ends with when the line under a port is gone: unplugged, reset, hung up. */
export function portLostError(name: string, cause: unknown): CellmuxError {
  const why = cause instanceof Error ? `: ${cause.message}` : '';
  return new CellmuxError('ERR_PORT_LOST', `${name} was lost${why}`, {
    cause,
    hint: 'Check the cable or the connection and open it again.',
  });
}
