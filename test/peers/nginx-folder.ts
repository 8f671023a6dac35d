import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder with a configuration `nginx.conf` of nginx, for port 80 of every address: gives files, takes uploads. */
export class NginxFolder implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async make(files: Readonly<Record<string, Uint8Array>>): Promise<NginxFolder> {
    const path = await mkdtemp(join(tmpdir(), 'cellmux-nginx-'));
    await chmod(path, 0o755);
    for (const name of ['root', 'root/uploads']) await mkdir(join(path, name));
    for (const [name, bytes] of Object.entries(files)) await writeFile(join(path, 'root', name), bytes);
    await writeFile(
      join(path, 'nginx.conf'),
      `daemon off; master_process off; worker_processes 1; pid ${path}/pid; error_log ${path}/error.log;
       user root; events { worker_connections 64; }
       http {
         access_log off; default_type application/octet-stream; client_max_body_size 64m;
         client_body_temp_path ${path}/b; proxy_temp_path ${path}/p; fastcgi_temp_path ${path}/f;
         uwsgi_temp_path ${path}/u; scgi_temp_path ${path}/s;
         server { listen 80; root ${path}/root; location /uploads/ { dav_methods PUT; } }
       }`,
    );
    return new NginxFolder(path);
  }

  /** What was uploaded under this name. */
  uploaded(name: string): Promise<Uint8Array> {
    return readFile(join(this.path, 'root/uploads', name));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true });
  }
}
