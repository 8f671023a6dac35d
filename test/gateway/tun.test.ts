import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
      '0.1',
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
});
