import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { RunningProgram } from './running-program.ts';

const run = promisify(execFile);
/** Namespaces of this run alone, so that nothing touches the machine's own network. */
const [HOST, NETWORK] = [`cmxh${process.pid}`, `cmxn${process.pid}`];
const PEER = '10.64.64.64';

async function whyNot(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'needs root';
  try {
    for (const name of [HOST, NETWORK]) {
      await run('ip', ['netns', 'add', name]);
      await run('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
      await run('ip', ['netns', 'exec', name, 'test', '-w', '/dev/net/tun']);
    }
    return undefined;
  } catch (error) {
    return `no network namespaces or no /dev/net/tun: ${String(error)}`;
  }
}

const reason = await whyNot();

describe.skipIf(reason !== undefined)(`TUN devices at both ends${reason === undefined ? '' : ` (${reason})`}`, () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cellmux-tun-'));
  });
  afterAll(async () => {
    for (const name of [HOST, NETWORK]) await run('ip', ['netns', 'del', name]);
    await rm(folder, { recursive: true });
  });

  it('the kernel pings through PPP on port 1 while AT works on port 3', { timeout: 120_000 }, async () => {
    const [link, control] = [join(folder, 'modem'), join(folder, 'control')];
    await using module = RunningProgram.cellmuxIn(NETWORK, ['module', '--pty', link, '--tun', 'cmxfar']);
    await module.says(/virtual HE863 on/);
    await using up = RunningProgram.cellmuxIn(HOST, ['up', '--line', link, '--control', control, '--tun', 'cmxnear']);
    await up.says(/all three ports work/);
    await using ping = new RunningProgram('ip', [
      'netns',
      'exec',
      HOST,
      'ping',
      '-c',
      '10',
      '-i',
      // 1400 octets each 0.1 s are more than the line's 115200 bit/s carry.
      '0.2',
      '-s',
      '1400',
      PEER,
    ]);
    await using at = RunningProgram.cellmux(['at', '--control', control, 'AT+CSQ']);
    expect(await at.exit()).toMatchObject({ code: 0, stderr: '' });
    const { code, stdout } = await ping.exit();
    expect(stdout).toContain('10 packets transmitted, 10 received, 0% packet loss');
    expect(code).toBe(0);
    expect((await up.stop()).stdout).toContain('TUN device removed');
    const { stdout: links } = await run('ip', ['-n', HOST, 'link']);
    expect(links).not.toContain('cmxnear');
  });

  it(
    'names and addresses go into the TUN device by route and name servers; all is put back, also after a crash',
    { timeout: 300_000 },
    async () => {
      // Where `ip netns exec` shows a namespace its resolv.conf from.
      const etc = `/etc/netns/${HOST}`;
      const [link, control, resolver] = [join(folder, 'modem2'), join(folder, 'control2'), join(etc, 'resolv.conf')];
      const before = 'nameserver 192.0.2.1\n';
      await mkdir(etc, { recursive: true });
      onTestFinished(() => rm(etc, { recursive: true }));
      await writeFile(resolver, before);
      await using module = RunningProgram.cellmuxIn(NETWORK, [
        'module',
        '--pty',
        link,
        '--host',
        `far.example=${PEER}`,
      ]);
      await module.says(/virtual HE863 on/);
      const up = (): RunningProgram =>
        RunningProgram.cellmuxIn(HOST, [
          ...['up', '--line', link, '--control', control, '--tun', 'cmxnear', '--resolv-conf', resolver],
          ...['--route', 'default', '--route', '198.51.100.0/24'],
        ]);
      const inHost = async (...words: string[]): Promise<string> =>
        (await run('ip', ['netns', 'exec', HOST, ...words])).stdout;

      await using crashing = up();
      await crashing.says(/all three ports work/);
      expect(await inHost('ip', 'route', 'get', '203.0.113.7')).toContain('dev cmxnear');
      expect(await inHost('ip', 'route', 'show', 'dev', 'cmxnear')).toContain('198.51.100.0/24');
      expect(await readFile(resolver, 'utf8')).toContain(`nameserver ${PEER}\n`);
      expect(await inHost('getent', 'ahostsv4', 'far.example')).toContain(PEER);
      expect(await inHost('ping', '-c', '1', 'far.example')).toContain('1 received');
      crashing.signal('SIGKILL');
      await expect(crashing.exit()).rejects.toThrow();
      expect(await readFile(resolver, 'utf8')).toContain(PEER);

      await using next = up();
      await next.says(/all three ports work/);
      expect(await inHost('ping', '-c', '1', 'far.example')).toContain('1 received');
      const { stdout } = await next.stop();
      expect(stdout.indexOf('TUN device removed')).toBeGreaterThan(0);
      expect(stdout.indexOf('TUN device removed')).toBeLessThan(stdout.indexOf('PPP terminated'));
      expect(await inHost('ip', 'route')).toBe('');
      expect(await inHost('ip', 'link')).not.toContain('cmxnear');
      expect(await readdir(etc)).toEqual(['resolv.conf']);
      expect(await readFile(resolver, 'utf8')).toBe(before);
    },
  );
});
