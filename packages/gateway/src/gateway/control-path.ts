import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where the control socket is unless it is said: in the user's runtime directory, else in a directory of his own. */
export function defaultControlPath(env: Readonly<Record<string, string | undefined>>): string {
  const runtime = env['XDG_RUNTIME_DIR'];
  if (runtime !== undefined && runtime !== '') return join(runtime, 'cellmux.sock');
  return join(tmpdir(), `cellmux-${String(process.getuid?.() ?? 0)}`, 'cellmux.sock');
}
