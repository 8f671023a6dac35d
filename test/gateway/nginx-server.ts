import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RunningProgram } from './running-program.ts';

/** A web server of a test: nginx on loopback, with files of its own in a folder of its own. */
export interface NginxServer extends AsyncDisposable {
  readonly port: number;
}

/** Starts nginx with these files; ended by its id, folder and all, when it is disposed of. */
export async function startNginx(files: Readonly<Record<string, Uint8Array>>): Promise<NginxServer> {
  const folder = await mkdtemp(join(tmpdir(), 'cellmux-nginx-'));
  // Its workers may run as another user than the one who made the folder.
  await chmod(folder, 0o755);
  await mkdir(join(folder, 'root'));
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, 'root', name), bytes);
  const port = await freePort();
  await writeFile(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
     events { worker_connections 64; }
     http {
       access_log off; default_type application/octet-stream;
       client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f;
       uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
       server { listen 127.0.0.1:${port}; root ${folder}/root; }
     }`,
  );
  const nginx = new RunningProgram('/usr/sbin/nginx', ['-c', join(folder, 'nginx.conf'), '-p', folder, '-e', 'stderr']);
  const dispose = async (): Promise<void> => {
    await nginx[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  };
  for (let attempt = 0; attempt < 100; attempt++) {
    if (await isListening(port)) return { port, [Symbol.asyncDispose]: dispose };
    await sleep(50);
  }
  const { stderr } = await nginx.stop('SIGTERM');
  await dispose();
  throw new Error(`nginx does not listen: ${stderr}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

async function isListening(port: number): Promise<boolean> {
  try {
    await fetch(`http://127.0.0.1:${port}/`);
    return true;
  } catch {
    // Not yet.
    return false;
  }
}
