import { CellmuxError } from './cellmux-error.ts';

/**
 * Checks an option that must be a whole number within a range.
 *
 * @throws CellmuxError `ERR_OPTION_RANGE`, naming option, value and range.
 */
export function checkInteger(option: string, value: number, minimum: number, maximum: number): number {
  if (Number.isInteger(value) && value >= minimum && value <= maximum) return value;
  throw new CellmuxError(
    'ERR_OPTION_RANGE',
    `${option} must be a whole number from ${minimum} to ${maximum}, not ${String(value)}`,
    {
      context: { option, value, minimum, maximum },
    },
  );
}

/**
 * Checks an option that must be one of a few words.
 *
 * @throws CellmuxError `ERR_OPTION_RANGE`, naming option, value and the words allowed.
 */
export function checkOneOf<T extends string | number>(option: string, value: T, allowed: readonly T[]): T {
  if (allowed.includes(value)) return value;
  throw new CellmuxError('ERR_OPTION_RANGE', `${option} must be one of ${allowed.join(', ')}, not ${String(value)}`, {
    context: { option, value, allowed },
  });
}
