import { rename, rm } from 'node:fs/promises';

/** Makes room for a new FILE: it becomes FILE.1, that FILE.2 and so on; of `keep` files in all the oldest goes. */
export async function rotateFiles(path: string, keep: number): Promise<void> {
  if (keep <= 1) return;
  await rm(`${path}.${keep - 1}`, { force: true });
  for (let age = keep - 2; age >= 0; age--) {
    const from = age === 0 ? path : `${path}.${age}`;
    await rename(from, `${path}.${age + 1}`).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    });
  }
}
