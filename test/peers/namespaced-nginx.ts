import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RunningProgram } from '../gateway/running-program.ts';
import { NginxFolder } from './nginx-folder.ts';

/** nginx in a network namespace: gives files, takes uploads. */
export interface NamespacedNginx extends AsyncDisposable {
  /** What was uploaded under this name. */
  readonly uploaded: (name: string) => Promise<Uint8Array>;
}

/** Starts nginx on port 80 of every address of the namespace; ended by its id, folder and all, when it is disposed of. */
export async function startNamespacedNginx(
  namespace: string,
  files: Readonly<Record<string, Uint8Array>>,
): Promise<NamespacedNginx> {
  const folder = await NginxFolder.make(files);
  const nginx = new RunningProgram(
    'ip',
    ['netns', 'exec', namespace].concat([
      '/usr/sbin/nginx',
      '-c',
      join(folder.path, 'nginx.conf'),
      '-p',
      folder.path,
      '-e',
      'stderr',
    ]),
  );
  const dispose = async (): Promise<void> => {
    await nginx[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  };
  for (let attempt = 0; attempt < 100; attempt++) {
    await using probe = new RunningProgram('ip', [
      'netns',
      'exec',
      namespace,
      'curl',
      '-s',
      '-o',
      '/dev/null',
      'http://127.0.0.1/',
    ]);
    if ((await probe.exit()).code === 0) {
      return { uploaded: (name) => folder.uploaded(name), [Symbol.asyncDispose]: dispose };
    }
    await sleep(50);
  }
  const { stderr } = await nginx.stop('SIGTERM');
  await dispose();
  throw new Error(`nginx does not listen: ${stderr}`);
}
