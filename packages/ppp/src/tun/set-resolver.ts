import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { CellmuxError } from '@cellmux/port';

/** How the file begins as long as it is ours: a run that crashed is known by it. */
const MARK = '# name servers of PPP; what was here before comes back from the file beside it that ends in .before\n';

/**
 * Writes name servers into a file such as `/etc/resolv.conf`; in place, since in containers it is a mount. Gives what puts
 * back what was there. That is also kept in a file beside it, so that the next run puts it back after one that crashed.
 * Rejects with `ERR_PPP_TUN_FAILED`.
 */
export async function setResolver(path: string, servers: readonly string[]): Promise<() => Promise<void>> {
  const beside = `${path}.before`;
  const found = await readFile(path).catch(() => undefined);
  const isLeftOver = found?.subarray(0, MARK.length).toString('latin1') === MARK;
  const before = isLeftOver ? await readFile(beside).catch(() => undefined) : found;
  const text = `${MARK}${servers.map((server) => `nameserver ${server}\n`).join('')}`;
  try {
    if (before !== undefined && !isLeftOver) {
      const { mode } = await stat(path);
      // Where the folder cannot be written, what was there comes back after an end in order alone.
      await writeFile(beside, before, { mode: mode & 0o777 }).catch(() => undefined);
    }
    await writeFile(path, text);
  } catch (error) {
    throw new CellmuxError('ERR_PPP_TUN_FAILED', `${path} cannot be written`, {
      cause: error,
      hint: 'Leave resolvConf out, and give the name servers to whoever resolves names.',
      context: { path },
    });
  }
  return async () => {
    // What somebody else has written meanwhile stays.
    const now = await readFile(path, 'utf8').catch(() => undefined);
    if (now === text) {
      if (before === undefined) await rm(path, { force: true });
      else await writeFile(path, before);
    }
    await rm(beside, { force: true });
  };
}
