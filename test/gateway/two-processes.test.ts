import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithPeers } from '../peers/peer-programs.ts';
import { curl } from './curl.ts';
import { startNginx, type NginxServer } from './nginx-server.ts';
import { RunningProgram } from './running-program.ts';

const LENGTH = 5 * 1024 * 1024;
/** The far end of PPP in the virtual module. */
const PEER = '10.64.64.64';

describeWithPeers('cellmux module and cellmux up, two processes', ['curl', 'nginx'], () => {
  const body = randomBytes(LENGTH);
  let folder = '';
  let nginx: NginxServer;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cellmux-two-'));
    nginx = await startNginx({ 'five.bin': body, 'small.txt': Buffer.from('small') });
  });
  afterAll(async () => {
    await nginx[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const places = [
    { place: 'a pty', moduleArgs: () => ['--pty', join(folder, 'modem')], lineOf: () => join(folder, 'modem') },
    {
      place: 'TCP',
      moduleArgs: () => ['--tcp', '0'],
      lineOf: (said: string) => /tcp:[\d.]+:\d+/.exec(said)?.[0] ?? '',
    },
  ];

  it.each(places)(
    'over $place: curl fetches 5 MiB through a socket while PPP answers pings and AT talks',
    { timeout: 240_000 },
    async ({ place, moduleArgs, lineOf }) => {
      const control = join(folder, `control ${place}`);
      const output = join(folder, `five ${place}`);
      await using module = RunningProgram.cellmux([
        'module',
        ...moduleArgs(),
        '--host',
        `files.example:80=127.0.0.1:${nginx.port}`,
        '--auth',
        'pap',
        '--user',
        'me',
        '--password',
        'secret',
      ]);
      const [listening] = await module.says(/virtual HE863 on .*\n/);
      await using up = RunningProgram.cellmux(
        [
          ...['up', '--line', lineOf(listening), '--at-gap', '0', '--apn', 'internet', '--user', 'me', '--proxy', '0'],
          ...['--control', control, '--ping', PEER, '--ping-interval', '200'],
        ],
        { CELLMUX_PASSWORD: 'secret' },
      );
      const [, proxy = ''] = await up.says(/proxy: (\S+)/);
      await up.says(/all three ports work/);

      let isFetching = true;
      const fetched = curl(['-x', `http://${proxy}`, '--fail', '-o', output, 'http://files.example/five.bin']).finally(
        () => (isFetching = false),
      );
      const answers: string[] = [];
      while (isFetching) {
        await using at = RunningProgram.cellmux(['at', '--control', control, 'AT+CSQ', 'AT+CREG?']);
        const { code, stdout, stderr } = await at.exit();
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
        answers.push(stdout);
      }
      expect(await fetched).toMatchObject({ code: 0, stderr: '' });
      expect(Buffer.compare(await readFile(output), body)).toBe(0);
      expect(answers.length).toBeGreaterThan(1);
      for (const answer of answers) expect(answer).toMatch(/^\+CSQ: \d+,\d+\nOK\n\+CREG: \d+,\d+\nOK\n$/);

      // CONNECT as well, through the same proxy.
      const tunnelled = await curl([
        '-x',
        `http://${proxy}`,
        '--proxytunnel',
        '--fail',
        'http://files.example/small.txt',
      ]);
      expect(tunnelled).toMatchObject({ code: 0, stdout: 'small' });

      const { code, stdout } = await up.stop('SIGINT');
      expect(code).toBe(130);
      expect(stdout.match(/ping .*: [\d.]+ ms/g)?.length).toBeGreaterThan(10);
      expect(stdout).not.toMatch(/did not answer/);
      const end = ['PPP terminated', 'sockets closed', 'multiplexer closed', 'the module answers AT in command mode'];
      expect(end.filter((words) => !stdout.includes(words))).toEqual([]);
      expect((await module.stop('SIGTERM')).code).toBe(143);
    },
  );
});
