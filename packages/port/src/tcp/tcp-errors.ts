import { CellmuxError } from '../core/cellmux-error.ts';

const HINTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Nothing listens there: start the other side, or check address and port.',
  ENOTFOUND: 'The name does not resolve: check its spelling.',
  EAI_AGAIN: 'The name does not resolve now: check the network.',
  EADDRINUSE: 'Something listens there already: end it or choose another port.',
  EACCES: 'Ports below 1024 need the right to listen on them: choose a higher one.',
  EADDRNOTAVAIL: 'The address is not one of this machine.',
  ETIMEDOUT: 'The host does not answer: check address and network.',
};

/** An error of the socket layer; `context.reason` is the system's code, with what to do where that is plain. */
export function tcpError(code: string, message: string, reason: string, cause?: unknown): CellmuxError {
  const hint = HINTS[reason] ?? 'Check address and network.';
  return new CellmuxError(code, `${message}: ${reason}`, { cause, hint, context: { reason } });
}

/** The system's code of an error of the socket layer, `ECONNREFUSED`. */
export function reasonOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown';
}
