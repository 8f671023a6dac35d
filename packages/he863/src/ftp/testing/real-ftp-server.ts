import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PROGRAM = '/usr/sbin/vsftpd';

/** Whether the machine has vsftpd, and the rights it wants (Debian package `vsftpd`; root). */
export const hasRealFtpServer = existsSync(PROGRAM) && process.getuid?.() === 0;

/** A vsftpd of its own on loopback, with a directory `incoming` in which anybody may write. */
export class RealFtpServer implements AsyncDisposable {
  readonly port: number;
  readonly #directory: string;
  readonly #child: ChildProcess;

  private constructor(port: number, directory: string, child: ChildProcess) {
    this.port = port;
    this.#directory = directory;
    this.#child = child;
  }

  static async start(): Promise<RealFtpServer> {
    const port = await freePort();
    const directory = mkdtempSync(join(tmpdir(), 'cellmux-ftp-'));
    chmodSync(directory, 0o755);
    const root = join(directory, 'root');
    const empty = join(directory, 'empty');
    for (const path of [root, empty]) mkdirSync(path, { mode: 0o555 });
    mkdirSync(join(root, 'incoming'));
    chmodSync(join(root, 'incoming'), 0o777);
    const configuration = join(directory, 'vsftpd.conf');
    const settings = {
      background: 'NO',
      listen: 'YES',
      listen_address: '127.0.0.1',
      listen_port: port,
      anonymous_enable: 'YES',
      local_enable: 'NO',
      write_enable: 'YES',
      anon_root: root,
      ftp_username: 'daemon',
      nopriv_user: 'nobody',
      anon_upload_enable: 'YES',
      anon_mkdir_write_enable: 'YES',
      anon_other_write_enable: 'YES',
      anon_umask: '022',
      secure_chroot_dir: empty,
      seccomp_sandbox: 'NO',
      isolate: 'NO',
      isolate_network: 'NO',
      connect_from_port_20: 'NO',
      ftpd_banner: 'ready',
    };
    const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`);
    writeFileSync(configuration, lines.join(''));
    const child = spawn(PROGRAM, [configuration], { stdio: 'ignore' });
    const server = new RealFtpServer(port, directory, child);
    await server.#answers();
    return server;
  }

  /** What lies in `incoming` under a name. */
  read(name: string): Uint8Array | undefined {
    const path = join(this.#directory, 'root', 'incoming', name);
    return existsSync(path) ? readFileSync(path) : undefined;
  }

  write(name: string, bytes: Uint8Array): void {
    const path = join(this.#directory, 'root', 'incoming', name);
    writeFileSync(path, bytes);
    chmodSync(path, 0o666);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    await ended;
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #answers(): Promise<void> {
    for (let attempt = 0; attempt < 200; attempt++) {
      if (this.#child.exitCode !== null) throw new Error(`vsftpd ended with ${this.#child.exitCode}`);
      const isThere = await new Promise<boolean>((resolve) => {
        const socket = connect(this.port, '127.0.0.1');
        socket.once('connect', () => {
          socket.destroy();
          resolve(true);
        });
        socket.once('error', () => {
          resolve(false);
        });
      });
      if (isThere) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error('vsftpd does not answer');
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
