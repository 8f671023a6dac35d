import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { VirtualHe863 } from '@cellmux/he863';
import { openPty } from '@cellmux/port/pty';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startNginx } from '../gateway/nginx-server.ts';
import { RunningProgram } from '../gateway/running-program.ts';
import { NginxFolder } from './nginx-folder.ts';
import { describeWithPeers } from './peer-programs.ts';
import { TwoPtys } from './two-ptys.ts';
import { UmlKernel } from './uml-kernel.ts';

const run = promisify(execFile);
const MIB = 1024 * 1024;
const HOST = `cmxk${process.pid}`;
/** The far end of PPP: the kernel that pppd runs in, and nginx. */
const NETWORK = '10.64.64.64';
const PROXY = '127.0.0.1:8080';
const PASSWORD = 'right-horse';
/** Of all that takes its time; a machine with other work is slow. */
const LIMIT_MS = 180_000;

/** How often AT is asked meanwhile. */
const AT_ROUNDS = 3;

/** In CI it must be permitted. */
const isPermitted = process.getuid?.() === 0 || process.env['CI'] !== undefined;

describeWithPeers(
  "cellmux up on the kernel's n_gsm as its module",
  ['linux.uml', 'gcc', 'perl', 'insmod', 'pppd', 'nginx', 'curl', 'ip'],
  () => {
    let folder = '';
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'cellmux-kernel-'));
      if (!isPermitted) return;
      await run('ip', ['netns', 'add', HOST]);
      await run('ip', ['-n', HOST, 'link', 'set', 'lo', 'up']);
    });
    afterEach(async () => {
      if (isPermitted) await run('ip', ['netns', 'del', HOST]);
      await rm(folder, { recursive: true });
    });

    /** curl in the terminal's namespace; fails unless curl is content. */
    async function curl(...words: readonly string[]): Promise<void> {
      const line = ['netns', 'exec', HOST, 'curl', '--fail', '--silent', '--show-error', '--noproxy', NETWORK];
      await using program = new RunningProgram('ip', [...line, '--max-time', String(LIMIT_MS / 1000), ...words]);
      expect(await program.exit(LIMIT_MS + 5000)).toMatchObject({ code: 0, stderr: '' });
    }

    it.skipIf(!isPermitted)(
      'curl fetches through TUN from nginx behind its pppd and through the proxy from nginx at once, while AT answers',
      { timeout: 300_000 },
      async () => {
        const [down, up, beside] = [randomBytes(MIB), randomBytes(MIB / 16), randomBytes(MIB)];
        await writeFile(join(folder, 'password'), PASSWORD);
        await writeFile(join(folder, 'up'), up);
        await using behindPpp = await NginxFolder.make({ down });
        await using nginx = await startNginx({ beside });
        await using module = new VirtualHe863({ hosts: { 'files.example:80': `127.0.0.1:${nginx.port}` } });
        await using line = await TwoPtys.open();
        const [second, third] = [await openPty(), await openPty()];
        for (const port of [second, third]) module.serve(port);
        const events: string[] = [];
        module.events$.subscribe((event) => events.push(JSON.stringify(event)));
        const guest = new UmlKernel({
          lines: [line.paths[1], second.path, third.path],
          run: 'gsm-module.pl',
          work: folder,
          words: { nginx: behindPpp.path, password: PASSWORD },
          limitMs: 290_000,
        });
        const control = join(folder, 'control');
        const gatewayArguments = ['up', '--line', line.paths[0], '--control', control, '--proxy', PROXY].concat(
          // The gateway keeps to the pace of its line, and to the silence between two commands; here none is needed.
          [
            '--baud',
            '12000000',
            '--at-gap',
            '0',
            // A guest on a busy machine is slow to answer, and what it forgets to send goes with whatever comes to it next.
            '--t1',
            '500',
            '--poll',
            '1000',
            '--user',
            'web',
            '--password-file',
            join(folder, 'password'),
            '--tun',
            'cmxnear',
          ],
        );
        let gateway: RunningProgram | undefined;
        let answers = 0;
        try {
          await guest.printed('peer: session 1: in command mode');
          gateway = RunningProgram.cellmuxIn(HOST, gatewayArguments);
          await gateway.says(/all three ports work/);
          const file = (name: string): string => join(folder, name);
          let isUnderWay = true;
          const transfers = Promise.all([
            curl('--output', file('down'), `http://${NETWORK}/down`),
            curl('--upload-file', file('up'), `http://${NETWORK}/uploads/up`),
            curl('--proxy', PROXY, '--output', file('beside'), 'http://files.example/beside'),
          ]).finally(() => (isUnderWay = false));
          const at = async (): Promise<void> => {
            // Each is a program that starts, which takes more of a processor than all that is between the two kernels.
            for (let round = 0; round < AT_ROUNDS && isUnderWay; round++) {
              await sleep(1000);
              await using program = RunningProgram.cellmux(['at', '--control', control, 'AT+CSQ', 'AT+CGSN']);
              const { code, stdout, stderr } = await program.exit();
              expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
              expect(stdout).toMatch(/^\+CSQ: \d+,\d+\nOK\n\d{15}\nOK\n$/);
              if (isUnderWay) answers++;
            }
          };
          await Promise.all([transfers, at()]);
          expect(answers).toBeGreaterThan(0);
          expect(Buffer.compare(await readFile(file('down')), down), 'what was fetched through TUN').toBe(0);
          expect(Buffer.compare(await behindPpp.uploaded('up'), up), 'what was sent through TUN').toBe(0);
          expect(Buffer.compare(await readFile(file('beside')), beside), 'what IP Easy fetched').toBe(0);
          // It was the kernel's TCP, and not something that went past PPP.
          const { stdout } = await run('ip', ['-n', HOST, '-s', '-j', 'link', 'show', 'cmxnear']);
          const [{ stats64 }] = JSON.parse(stdout) as [{ stats64: { rx: { bytes: number }; tx: { bytes: number } } }];
          expect(stats64.rx.bytes).toBeGreaterThan(down.length);
          expect(stats64.tx.bytes).toBeGreaterThan(up.length);
          const { stdout: said, code } = await gateway.stop();
          expect(code).toBe(130);
          const ends = ['TUN device removed', 'PPP terminated', 'sockets closed', 'multiplexer closed'];
          for (const end of [...ends, 'the module answers AT in command mode']) expect(said).toContain(end);
          expect(said).not.toContain('WARN');
          await guest.printed('peer: session 2: in command mode');
        } catch (error) {
          const state = [
            `octets to the kernel ${line.octets.there}, from it ${line.octets.back}; answers of AT ${answers}`,
            `--- module\n${events.slice(-20).join('\n')}`,
            `--- gateway\n${gateway?.stdout ?? ''}`,
            `--- guest\n${guest.console.slice(-4000)}`,
          ];
          throw new Error([String(error), ...state].join('\n'), { cause: error });
        } finally {
          await gateway?.[Symbol.asyncDispose]();
          await guest.stop();
          for (const port of [second, third]) await port.close();
        }
      },
    );
  },
);
