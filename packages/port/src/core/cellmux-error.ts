/** Options of {@link CellmuxError}. */
export interface CellmuxErrorOptions {
  /** The error that led to this one. */
  readonly cause?: unknown;
  /** What a person can do about it, one sentence in plain words. */
  readonly hint?: string;
  /** Figures and names that a program can act on (`{ option: 'n1', value: 0, range: '1..32768' }`). Never a secret. */
  readonly context?: Readonly<Record<string, unknown>>;
}

/**
 * Every error that cellmux throws, rejects with or emits. Tell errors apart by {@link code}, not by class: codes are
 * stable, only ever added to, and survive two copies of a package in one program.
 */
export class CellmuxError extends Error {
  override readonly name: string = 'CellmuxError';
  /** Stable: `ERR_<PACKAGE>_<WHAT>`, for example `ERR_CMUX_DLC_REFUSED`. */
  readonly code: string;
  /** What a person can do about it, where that is known. */
  readonly hint: string | undefined;
  /** Figures and names behind the message; never a secret. */
  readonly context: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, options: CellmuxErrorOptions = {}) {
    super(`${message} (${code})`, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.context = options.context ?? {};
  }
}

/** True for any error with this code, whichever copy of the package made it. */
export function hasCode(error: unknown, code: string): error is CellmuxError {
  return error instanceof Error && (error as { code?: unknown }).code === code;
}
