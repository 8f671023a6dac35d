import { CellmuxError } from '@cellmux/port';
import { hintFor } from './hints.ts';

/** An error as people and scripts are told about it. */
export interface ErrorDescription {
  /** Stable, for scripts: `ERR_…` or the system's own (`ENOENT`). */
  readonly code: string;
  /** What happened, without the code and without a full stop. */
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
}

const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or device',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EBUSY: 'it is in use by another program',
  EADDRINUSE: 'that address is already in use',
  EADDRNOTAVAIL: 'that address is not one of this machine',
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was reset',
  ENOTFOUND: 'that name does not resolve',
  EAI_AGAIN: 'that name does not resolve now',
  ETIMEDOUT: 'no answer in time',
  ENOTDIR: 'a part of the path is not a directory',
  EISDIR: 'it is a directory',
  EEXIST: 'it exists already',
};

/** Puts any thrown value into words: what happened, its code, and what to do. */
export function describeError(error: unknown): ErrorDescription {
  if (error instanceof Error && typeof (error as { code?: unknown }).code === 'string') {
    const { code } = error as Error & { code: string };
    // By shape, not by class: an error of another copy of @cellmux/port counts as well.
    const hint = (error as Partial<CellmuxError>).hint || hintFor(code);
    const isOurs = code.startsWith('ERR_') && 'context' in error;
    return {
      code,
      message: withoutFullStop(isOurs ? ourMessage(error, code) : systemMessage(error, code)),
      hint: hint ?? 'Run again with CELLMUX_DEBUG=1 for the details.',
    };
  }
  return {
    code: 'ERR_GATEWAY_INTERNAL',
    message: `cellmux itself failed: ${withoutFullStop(error instanceof Error ? error.message : String(error))}`,
    hint: 'Run again with CELLMUX_DEBUG=1 for the details, and report them.',
  };
}

/** One line for people. */
export function errorSentence({ code, message, hint }: ErrorDescription): string {
  return `${message} (${code}). ${hint}`.replace(/\s*[\r\n]+\s*/g, ' ');
}

/** What was thrown, as an error whatever it was. */
export function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(typeof reason === 'string' ? reason : 'not an error');
}

/** An error for a system error that gives the reader the file or address it is about, in words. */
export function localFailure(what: string, cause: unknown): CellmuxError {
  const code = cause instanceof Error ? (cause as NodeJS.ErrnoException).code : undefined;
  const reason = (code === undefined ? undefined : SYSTEM_ERRORS[code]) ?? describeError(cause).message;
  const hint = code === undefined ? undefined : hintFor(code);
  return new CellmuxError('ERR_GATEWAY_LOCAL', `${what}: ${reason}`, {
    cause,
    ...(hint === undefined ? {} : { hint }),
    context: { systemCode: code },
  });
}

function ourMessage(error: Error, code: string): string {
  return error.message.replace(` (${code})`, '').replace(/\bE[A-Z]{3,}$/, (name) => SYSTEM_ERRORS[name] ?? name);
}

function systemMessage(error: Error, code: string): string {
  const { path, address, port } = error as { path?: string; address?: string; port?: number };
  const words = SYSTEM_ERRORS[code];
  if (words === undefined) return error.message;
  const subject = path ?? (address === undefined ? undefined : `${address}${port === undefined ? '' : `:${port}`}`);
  return subject === undefined ? words : `${subject}: ${words}`;
}

function withoutFullStop(text: string): string {
  return text.replace(/\.\s*$/, '');
}
