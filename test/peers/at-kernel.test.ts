import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { RealFtpServer } from '../../packages/he863/src/ftp/testing/real-ftp-server.ts';
import { startNginx } from '../gateway/nginx-server.ts';
import { RunningProgram } from '../gateway/running-program.ts';
import { describeWithPeers } from './peer-programs.ts';
import { UmlKernel } from './uml-kernel.ts';

const PASSWORD = 'right horse';
const PAGE_BYTES = 20_000;
const FILE_BYTES = 20_000;

interface Host {
  readonly guest: UmlKernel;
  readonly module: RunningProgram;
  readonly work: string;
}

/** `cellmux module` as a process of its own, on a pty that is the serial line of a Linux kernel. */
async function withHost(
  auth: 'pap' | 'chap',
  multiplexed: boolean,
  hosts: Readonly<Record<string, string>>,
  files: Readonly<Record<string, Uint8Array>>,
  body: (host: Host) => Promise<void>,
): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'cellmux-at-'));
  const link = join(work, 'modem');
  writeFileSync(join(work, 'password'), PASSWORD);
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(work, name), bytes);
  const named = Object.entries(hosts).flatMap(([name, address]) => ['--host', `${name}=${address}`]);
  const module = RunningProgram.cellmux(
    ['module', '--pty', link, '--auth', auth, '--user', 'web', '--password-file', join(work, 'password')].concat(named),
  );
  let guest: UmlKernel | undefined;
  try {
    await module.says(/virtual HE863 on/);
    const words: Record<string, number> = multiplexed ? { gsm: 1 } : {};
    guest = new UmlKernel({ lines: [link], run: 'at-host.pl', work, words, limitMs: 150_000 });
    await body({ guest, module, work });
    const { code, stderr } = await module.stop();
    expect({ code, stderr }).toEqual({ code: 130, stderr: 'cellmux: interrupted; everything was ended in order.\n' });
  } catch (error) {
    throw new Error(`${String(error)}\n--- module\n${module.stdout}\n--- guest\n${guest?.console.slice(-5000) ?? ''}`, {
      cause: error,
    });
  } finally {
    await guest?.stop();
    await module[Symbol.asyncDispose]();
    rmSync(work, { recursive: true });
  }
}

describeWithPeers(
  'a Linux kernel as the host of cellmux module',
  ['linux.uml', 'pppd', 'gcc', 'perl', 'insmod', 'ping', 'nginx', 'vsftpd'],
  () => {
    it.each(['pap', 'chap'] as const)(
      'n_gsm: pppd with %s, pages of nginx and files of vsftpd at once',
      async (auth) => {
        const pages = { 'online.bin': randomBytes(PAGE_BYTES), 'command.bin': randomBytes(PAGE_BYTES) };
        const up = randomBytes(FILE_BYTES);
        const down = randomBytes(FILE_BYTES);
        await using nginx = await startNginx(pages);
        await using vsftpd = await RealFtpServer.start();
        vsftpd.write('down.bin', down);
        const hosts = { 'web.example': `127.0.0.1:${nginx.port}`, 'ftp.example': `127.0.0.1:${vsftpd.port}` };
        await withHost(auth, true, hosts, { 'up.bin': up }, async ({ guest, module, work }) => {
          await guest.printed('peer: all ports done');
          expect(guest.console).toContain('peer: ip-up local=10.64.0.1 remote=10.64.64.64 dns=10.64.64.64');
          expect(guest.console.match(/peer: pinged\r?\n/g)).toHaveLength(2);
          expect(guest.console.match(/peer: 20 datagrams came back/g)).toHaveLength(2);
          expect(guest.console).toMatch(/peer: pinged meanwhile, \d+ rounds/);
          expect(guest.console).not.toContain('a ping was lost');
          expect(guest.console).toContain('peer: pppd exit 5');
          expect(guest.console).toContain('peer: /dev/gsmtty1 takes commands');
          for (const [name, bytes] of Object.entries(pages)) {
            expect(Buffer.compare(readFileSync(join(work, name)), bytes), name).toBe(0);
          }
          expect(Buffer.compare(readFileSync(join(work, 'down.bin')), down), 'the file down').toBe(0);
          expect(Buffer.compare(vsftpd.read('up.bin') ?? Buffer.alloc(0), up), 'the file up').toBe(0);
          expect(module.stdout).toContain('multiplexerStarted');
        });
      },
    );

    it.each(['pap', 'chap'] as const)('pppd with %s alone on a bare line', async (auth) => {
      await withHost(auth, false, {}, {}, async ({ guest }) => {
        // 19: pppd failed to authenticate itself.
        await guest.printed('peer: wrong password: pppd exit 19');
        await guest.printed('peer: /dev/ttyS0 takes commands');
        expect(guest.console).toContain('peer: ip-up local=10.64.0.1 remote=10.64.64.64 dns=10.64.64.64');
        expect(guest.console).toMatch(/peer: pinged\r?\n/);
        expect(guest.console).toContain('peer: 20 datagrams came back');
        expect(guest.console).toContain('peer: pppd exit 5');
      });
    });
  },
);
