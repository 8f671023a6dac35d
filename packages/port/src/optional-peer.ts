import { CellmuxError } from './core/cellmux-error.ts';

/** Loads an optional peer; rejects with `ERR_PORT_DEPENDENCY_MISSING`, naming the package to install. */
export async function optionalPeer<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw new CellmuxError('ERR_PORT_DEPENDENCY_MISSING', `the package ${name} cannot be loaded`, {
      cause,
      hint: `Add ${name} to your dependencies: it is an optional one of @cellmux/port.`,
      context: { package: name },
    });
  }
}
