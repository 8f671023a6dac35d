import type { CommandDeclaration, CommandResult, IntegerParameter, StringParameter } from '@cellmux/at';
import type { PortSession } from '../module-services.ts';

/** A command of the virtual module. */
export type Declaration = CommandDeclaration<PortSession>;

/** +CME ERROR: operation not allowed. */
export const NOT_ALLOWED = { cme: 3 } as const;
/** +CME ERROR: operation not supported: a parameter out of range. */
export const NOT_SUPPORTED = { cme: 4 } as const;

/** A whole number from `minimum` to `maximum`. */
export function integer(name: string, minimum: number, maximum: number, fallback?: number): IntegerParameter {
  return {
    kind: 'integer',
    name,
    ranges: [[minimum, maximum]],
    ...(fallback === undefined ? {} : { default: fallback }),
  };
}

/** A string of at most so many characters. */
export function string(name: string, maximumLength: number, fallback?: string): StringParameter {
  return { kind: 'string', name, maximumLength, ...(fallback === undefined ? {} : { default: fallback }) };
}

/** A command that only prints one line. */
export function answering(name: string, text: () => string): Declaration {
  return {
    name,
    execute: (context): CommandResult => {
      context.info(text());
      return 'OK';
    },
  };
}
