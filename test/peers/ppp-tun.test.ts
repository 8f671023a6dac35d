import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RunningProgram } from '../gateway/running-program.ts';
import { startNamespacedNginx } from './namespaced-nginx.ts';
import { describeWithPeers } from './peer-programs.ts';

const run = promisify(execFile);
const MIB = 1024 * 1024;
/** Namespaces of this run alone: one has the terminal, the other what is behind the module's antenna. */
const [HOST, NETWORK] = [`cmxh${process.pid}`, `cmxn${process.pid}`];
/** The module's own address at the far end of PPP. */
const MODULE = '10.64.64.64';
const PROXY = '127.0.0.1:8080';

/** In CI it must be permitted. */
const isPermitted = process.getuid?.() === 0 || process.env['CI'] !== undefined;

describeWithPeers('TCP of two kernels through PPP', ['nginx', 'curl', 'ip', 'ping'], () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cellmux-tcp-'));
    for (const name of isPermitted ? [HOST, NETWORK] : []) {
      await run('ip', ['netns', 'add', name]);
      await run('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
    }
  });
  afterAll(async () => {
    for (const name of isPermitted ? [HOST, NETWORK] : []) await run('ip', ['netns', 'del', name]);
    await rm(folder, { recursive: true });
  });

  /** curl in the terminal's namespace; fails unless curl is content. */
  async function curl(...words: readonly string[]): Promise<void> {
    const line = [
      'netns',
      'exec',
      HOST,
      'curl',
      '--fail',
      '--silent',
      '--show-error',
      '--noproxy',
      MODULE,
      '--max-time',
      '100',
    ];
    await using program = new RunningProgram('ip', [...line, ...words]);
    expect(await program.exit(110_000)).toMatchObject({ code: 0, stderr: '' });
  }

  it.skipIf(!isPermitted)(
    'curl fetches and sends from and to nginx on port 1, while sockets of IP Easy fetch on port 2 and AT answers on port 3',
    { timeout: 300_000 },
    async () => {
      const [down, up, beside] = [randomBytes(1.5 * MIB), randomBytes(1.5 * MIB), randomBytes(MIB / 4)];
      await writeFile(join(folder, 'up'), up);
      await using nginx = await startNamespacedNginx(NETWORK, { down, beside });
      const [link, control] = [join(folder, 'modem'), join(folder, 'control')];
      await using module = RunningProgram.cellmuxIn(
        NETWORK,
        ['module', '--pty', link, '--tun', 'cmxfar'].concat(['--host', 'files.example=127.0.0.1:80']),
      );
      await module.says(/virtual HE863 on/);
      await using gateway = RunningProgram.cellmuxIn(
        HOST,
        // The gateway keeps to the pace of its line; this one has none.
        ['up', '--line', link, '--baud', '12000000', '--control', control].concat([
          '--tun',
          'cmxnear',
          '--proxy',
          PROXY,
        ]),
      );
      await gateway.says(/all three ports work/);
      const file = (name: string): string => join(folder, name);
      let isUnderWay = true;
      let fetchedBeside = 0;
      const transfers = Promise.all([
        curl('--output', file('down'), `http://${MODULE}/down`),
        curl('--upload-file', file('up'), `http://${MODULE}/uploads/up`),
      ]).finally(() => (isUnderWay = false));
      const besides = async (): Promise<void> => {
        while (isUnderWay) {
          await curl('--proxy', PROXY, '--output', file('beside'), 'http://files.example/beside');
          expect(Buffer.compare(await readFile(file('beside')), beside), 'what IP Easy fetched').toBe(0);
          fetchedBeside++;
        }
      };
      const at = async (): Promise<void> => {
        await using program = RunningProgram.cellmux(['at', '--control', control, 'AT+CSQ']);
        expect(await program.exit()).toMatchObject({ code: 0, stderr: '' });
      };
      await Promise.all([transfers, besides(), at()]);
      expect(fetchedBeside).toBeGreaterThan(0);
      expect(Buffer.compare(await readFile(file('down')), down), 'what was fetched through TUN').toBe(0);
      expect(Buffer.compare(await nginx.uploaded('up'), up), 'what was sent through TUN').toBe(0);
      // It was the kernel's TCP, and not something that went past PPP.
      const { stdout } = await run('ip', ['-n', HOST, '-s', '-j', 'link', 'show', 'cmxnear']);
      const [{ stats64 }] = JSON.parse(stdout) as [{ stats64: { rx: { bytes: number }; tx: { bytes: number } } }];
      expect(stats64.rx.bytes).toBeGreaterThan(1.5 * MIB);
      expect(stats64.tx.bytes).toBeGreaterThan(1.5 * MIB);
      const { stdout: said, code } = await gateway.stop();
      expect(said).toContain('TUN device removed');
      expect(code).toBe(130);
      expect((await run('ip', ['-n', HOST, 'link'])).stdout).not.toContain('cmxnear');
    },
  );
});
