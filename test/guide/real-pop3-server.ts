import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answers, freePort } from './web-server.ts';

const PROGRAM = '/usr/sbin/dovecot';
const SERVICE = '/usr/lib/dovecot/pop3';
/** The user `daemon`: mail belongs to it, since Dovecot gives no mailbox to root. */
const OWNER = 1;

/** Whether the machine has Dovecot's POP3 server, and the rights it wants (Debian package `dovecot-pop3d`; root). */
export const hasRealPop3Server = existsSync(PROGRAM) && existsSync(SERVICE) && process.getuid?.() === 0;

/** A Dovecot of its own on loopback: any user name, one password, one mailbox. */
export class RealPop3Server implements AsyncDisposable {
  readonly port: number;
  readonly #folder: string;
  readonly #child: ChildProcess;

  private constructor(port: number, folder: string, child: ChildProcess) {
    this.port = port;
    this.#folder = folder;
    this.#child = child;
  }

  /** @param mails with CR LF at the ends of their lines. */
  static async start(password: string, mails: readonly string[]): Promise<RealPop3Server> {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), 'cellmux-pop3-'));
    chmodSync(folder, 0o755);
    for (const name of ['run', 'state']) mkdirSync(join(folder, name));
    for (const name of ['mail', 'mail/new', 'mail/cur', 'mail/tmp']) {
      mkdirSync(join(folder, name));
      chownSync(join(folder, name), OWNER, OWNER);
    }
    for (const [index, mail] of mails.entries()) {
      const path = join(folder, 'mail', 'new', String(index + 1));
      writeFileSync(path, mail, 'latin1');
      chownSync(path, OWNER, OWNER);
    }
    const configuration = join(folder, 'dovecot.conf');
    writeFileSync(configuration, configurationOf({ port, folder, password }));
    const child = spawn(PROGRAM, ['-F', '-c', configuration], { stdio: 'ignore' });
    const server = new RealPop3Server(port, folder, child);
    try {
      await answers(port);
    } catch (error) {
      const log = join(folder, 'log');
      const said = existsSync(log) ? readFileSync(log, 'utf8') : '';
      await server[Symbol.asyncDispose]();
      throw new Error(`dovecot does not listen: ${said}`, { cause: error });
    }
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, 'exit');
      this.#child.kill('SIGTERM');
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function configurationOf({ port, folder, password }: { port: number; folder: string; password: string }): string {
  return `
protocols = pop3
listen = 127.0.0.1
base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = ${folder}/log
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain
mail_location = maildir:${folder}/mail
first_valid_uid = ${OWNER}
first_valid_gid = ${OWNER}
default_internal_user = daemon
default_internal_group = daemon
default_login_user = nobody
passdb {
  driver = static
  args = password=${password}
}
userdb {
  driver = static
  args = uid=${OWNER} gid=${OWNER} home=${folder}
}
service pop3-login {
  chroot =
  inet_listener pop3 {
    port = ${port}
  }
  inet_listener pop3s {
    port = 0
  }
}
service anvil {
  chroot =
}
service stats {
  chroot =
}
`;
}
