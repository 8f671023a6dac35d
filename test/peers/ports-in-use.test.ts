import { lstat, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { RunningProgram } from '../gateway/running-program.ts';
import { Minicom } from './minicom.ts';
import { describeWithPeers } from './peer-programs.ts';
import { UmlKernel } from './uml-kernel.ts';

const PASSWORD = 'right horse';

describeWithPeers(
  'cellmux up --ports',
  ['linux.uml', 'gcc', 'perl', 'insmod', 'pppd', 'ping', 'minicom', 'script'],
  () => {
    let folder = '';
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'cellmux-ports-'));
    });
    afterEach(() => rm(folder, { recursive: true }));

    it(
      'pppd dials on one port, pings and compares datagrams, while minicom talks AT on another',
      { timeout: 200_000 },
      async () => {
        const [link, ports] = [join(folder, 'modem'), join(folder, 'ports')];
        await writeFile(join(folder, 'password'), PASSWORD);
        await using module = RunningProgram.cellmux([
          'module',
          '--pty',
          link,
          '--auth',
          'chap',
          '--user',
          'web',
          '--password-file',
          join(folder, 'password'),
        ]);
        await module.says(/virtual HE863 on/);
        await using gateway = RunningProgram.cellmux([
          'up',
          '--line',
          link,
          '--ports',
          ports,
          '--control',
          join(folder, 'control'),
        ]);
        await gateway.says(/ctrl-c ends it/i);
        await using minicom = await Minicom.open(join(ports, '3'));
        const guest = new UmlKernel({ lines: [join(ports, '1')], run: 'at-host.pl', work: folder, limitMs: 190_000 });
        let answered = 0;
        try {
          await guest.printed('peer: ip-up local=10.64.0.1 remote=10.64.64.64');
          let isUnderWay = true;
          const call = guest.printed(/peer: pppd exit (\d+)/).finally(() => (isUnderWay = false));
          const talk = async (): Promise<void> => {
            while (isUnderWay) {
              expect(await minicom.type('AT+CGSN', /OK\n/)).toMatch(/^AT\+CGSN\n\d{15}\n\nOK\n$/);
              if (isUnderWay) answered++;
              await sleep(200);
            }
          };
          const [[, status]] = await Promise.all([call, talk()]);
          expect(answered).toBeGreaterThan(0);
          // 5: ended by a signal, its own script's.
          expect(status).toBe('5');
          await guest.printed('peer: /dev/ttyS0 takes commands');
          // 19: pppd failed to authenticate itself.
          expect(guest.console).toContain('peer: wrong password: pppd exit 19');
          expect(guest.console).toMatch(/peer: pinged\r?\n/);
          expect(guest.console).toContain('peer: 20 datagrams came back');
          expect(await minicom.type('AT+CGMM', /OK\n/)).toContain('HE863');
          expect(await minicom.leave()).toBe(0);
          const { code, stdout } = await gateway.stop();
          expect(code).toBe(130);
          expect(stdout).toContain('the module answers AT in command mode');
          await expect(lstat(join(ports, '1'))).rejects.toMatchObject({ code: 'ENOENT' });
        } catch (error) {
          const state = [
            `${answered} answers in minicom, which received ${JSON.stringify(minicom.received.slice(-500))}`,
            `--- module\n${module.stdout.slice(-2000)}`,
            `--- gateway\n${gateway.stdout}`,
            `--- guest\n${guest.console.slice(-4000)}`,
          ];
          throw new Error([String(error), ...state].join('\n'), { cause: error });
        } finally {
          await guest.stop();
        }
      },
    );
  },
);
