import { CME_ERRORS } from '@cellmux/at';
import { CellmuxError } from '@cellmux/port';
import { moduleError } from './core/module-errors.ts';

/** Codes that say no more than ERROR does. */
const VAGUE: ReadonlySet<number> = new Set([3, 4, 50, 100, 148, 550, 600]);

/**
 * An error of a command in the terms of IP Easy: `+CME ERROR` codes of the guide's ranges become their
 * `ERR_IPEASY_…` code with the module's words and a hint, `context.cme` keeps the number; other +CME ERROR are
 * `ERR_IPEASY_MODULE_ERROR` with the words of 3GPP TS 27.007 where it has some. Others pass unchanged.
 *
 * @param check what to look at where the module gives no real reason; one sentence.
 */
export function ipEasyError(error: unknown, what: string, check = ''): unknown {
  if (!(error instanceof Error) || String((error as { code?: unknown }).code).startsWith('ERR_IPEASY_')) return error;
  const cme = cmeOf(error);
  if (cme !== undefined) {
    const known = moduleError(cme);
    if (known === undefined) {
      const words = CME_ERRORS[cme];
      return new CellmuxError(
        'ERR_IPEASY_MODULE_ERROR',
        `${what}: the module says ${words === undefined ? `error ${cme}` : `"${words}"`}`,
        {
          cause: error,
          hint: joined(`The AT guide of the module lists +CME ERROR ${cme}.`, check),
          context: words === undefined ? { cme } : { cme, words },
        },
      );
    }
    return new CellmuxError(known.code, `${what}: the module says "${known.words}"`, {
      cause: error,
      hint: VAGUE.has(cme) ? joined(known.hint, check) : known.hint,
      context: { cme, words: known.words },
    });
  }
  const code = (error as { code?: unknown }).code;
  if (code === 'ERR_AT_ERROR')
    return new CellmuxError('ERR_IPEASY_MODULE_ERROR', `${what}: the module says ERROR`, {
      cause: error,
      hint: joined(
        'The module gives no reason; a parameter may be out of range or the command unknown to its firmware.',
        check,
      ),
    });
  if (code === 'ERR_AT_NO_CARRIER')
    return new CellmuxError('ERR_IPEASY_NO_CARRIER', `${what}: the module says NO CARRIER`, { cause: error });
  if (code === 'ERR_AT_TIMEOUT')
    return new CellmuxError('ERR_IPEASY_TIMEOUT', `${what}: the module did not answer in time`, {
      cause: error,
      hint: 'Check that the module still answers AT commands, and the flow control of the line.',
    });
  if (code === 'ERR_AT_LINE_LOST' || code === 'ERR_AT_CLOSED')
    return new CellmuxError('ERR_IPEASY_LINE_LOST', `${what}: the AT port is gone`, {
      cause: error,
      hint: 'The line or the multiplexer below went down: start it again.',
    });
  return error;
}

function joined(hint: string, check: string): string {
  return check === '' ? hint : `${hint} ${check}`;
}

/** The number of a +CME ERROR, wherever in the chain of causes it is; undefined for other errors. */
export function cmeOf(error: unknown): number | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    const { context } = current as Partial<CellmuxError>;
    if (typeof context?.['cme'] === 'number') return context['cme'];
  }
  return undefined;
}

/** True when the module answered and refused: the line is fine, the command was not. */
export function isRefusal(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code;
  return code === 'ERR_AT_CME' || code === 'ERR_AT_ERROR' || code === 'ERR_AT_NO_CARRIER';
}
