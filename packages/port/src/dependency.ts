import { CellmuxError } from './core/cellmux-error.ts';

/** What to say when an optional peer dependency is not installed, or does not load on this machine. */
export function dependencyMissingError(dependency: string, neededFor: string, cause: unknown): CellmuxError {
  return new CellmuxError('ERR_PORT_DEPENDENCY_MISSING', `${neededFor} needs the package ${dependency}`, {
    cause,
    hint: `Install it beside @cellmux/port: npm install ${dependency}`,
    context: { dependency },
  });
}
