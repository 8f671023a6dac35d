import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RunningProgram } from '../gateway/running-program.ts';

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
  const folder = await mkdtemp(join(tmpdir(), 'cellmux-nginx-'));
  await chmod(folder, 0o755);
  for (const name of ['root', 'root/uploads']) await mkdir(join(folder, name));
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, 'root', name), bytes);
  await writeFile(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
     user root; events { worker_connections 64; }
     http {
       access_log off; default_type application/octet-stream; client_max_body_size 64m;
       client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f;
       uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
       server { listen 80; root ${folder}/root; location /uploads/ { dav_methods PUT; } }
     }`,
  );
  const nginx = new RunningProgram(
    'ip',
    ['netns', 'exec', namespace].concat([
      '/usr/sbin/nginx',
      '-c',
      join(folder, 'nginx.conf'),
      '-p',
      folder,
      '-e',
      'stderr',
    ]),
  );
  const dispose = async (): Promise<void> => {
    await nginx[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
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
      return { uploaded: (name) => readFile(join(folder, 'root/uploads', name)), [Symbol.asyncDispose]: dispose };
    }
    await sleep(50);
  }
  const { stderr } = await nginx.stop('SIGTERM');
  await dispose();
  throw new Error(`nginx does not listen: ${stderr}`);
}
