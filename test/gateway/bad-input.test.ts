import { AtClient, AtServer, type CommandDeclaration } from '@cellmux/at';
import { VirtualHe863, type VirtualHe863Options } from '@cellmux/he863';
import type { Port } from '@cellmux/port';
import { openPty } from '@cellmux/port/pty';
import { openSerial } from '@cellmux/port/serial';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RunningProgram, type ProgramExit } from './running-program.ts';

let folder = '';
const cleanups: (() => unknown)[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cellmux-bad-'));
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  await rm(folder, { recursive: true });
});

/** A pty with a module of the test on it; gives the path that the program opens. */
async function ptyWith(serve: (line: Port) => unknown): Promise<string> {
  const link = join(folder, 'modem');
  const pty = await openPty({ link });
  serve(pty);
  cleanups.push(() => pty.close());
  return link;
}

function virtualModule(options: VirtualHe863Options): Promise<string> {
  const module = new VirtualHe863({ machineNames: false, ...options });
  cleanups.push(() => module.close());
  return ptyWith((line) => {
    module.serve(line);
  });
}

/** Opens the line as the next program would and asks `AT`. */
async function answersAt(path: string): Promise<boolean> {
  const line = await openSerial({ path, baudRate: 115_200, rtscts: false });
  try {
    const client = new AtClient(line, { timeoutMs: 2000 });
    await client.command('AT');
    await client.close();
    return true;
  } catch {
    return false;
  } finally {
    await line.close();
  }
}

async function runUp(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<ProgramExit> {
  await using program = RunningProgram.cellmux(['up', '--no-control', ...args], env);
  return await program.exit();
}

/** One sentence on stderr: what happened, its code, what to do; and nothing that looks like a stack trace anywhere. */
function expectOneSentence({ stdout, stderr }: ProgramExit, code: string, words: RegExp): void {
  expect(stderr).toMatch(new RegExp(`^cellmux: .+ \\(${code}\\)\\. [A-Z\`].+\\.\\n$`));
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(stderr).toMatch(words);
  expect(stdout + stderr).not.toMatch(/\n\s+at .+:\d+:\d+/);
}

async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('what bad input gets from cellmux up', { timeout: 60_000 }, () => {
  it('a device that does not exist', async () => {
    const exit = await runUp(['--line', join(folder, 'none')]);
    expect(exit.code).toBe(3);
    expectOneSentence(exit, 'ERR_PORT_NOT_FOUND', /none/);
  });

  it('a line that never answers', async () => {
    const silent = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    cleanups.push(() => silent.close());
    const exit = await runUp(['--line', `tcp:127.0.0.1:${(silent.address() as AddressInfo).port}`]);
    expect(exit.code).toBe(3);
    expectOneSentence(exit, 'ERR_CMUX_NO_ANSWER', /AT/);
  });

  it('a module that says ERROR to AT+CMUX', async () => {
    const refusing: CommandDeclaration<null>[] = [{ name: '+CMUX', set: () => 'ERROR', read: () => 'ERROR' }];
    const link = await ptyWith((line) => new AtServer(line, refusing, { session: null }));
    const exit = await runUp(['--line', link]);
    expect(exit.code).toBe(4);
    expectOneSentence(exit, 'ERR_CMUX_REFUSED_BY_MODULE', /AT\+CMUX/);
    expect(exit.stdout).toContain('the module answers AT in command mode');
    expect(await answersAt(link)).toBe(true);
  });

  it('a wrong PAP password', async () => {
    const link = await virtualModule({ ppp: { auth: 'pap', user: 'me', password: 'right-one' } });
    const passwordFile = join(folder, 'password');
    await writeFile(passwordFile, 'wrong-one\n');
    const exit = await runUp(['--line', link, '--user', 'me', '--password-file', passwordFile]);
    expect(exit.code).toBe(5);
    expectOneSentence(exit, 'ERR_PPP_AUTH_FAILED', /name or password/);
    expect(exit.stdout + exit.stderr).not.toMatch(/wrong-one|right-one/);
    expect(exit.stdout).toContain('the module answers AT in command mode');
    expect(await answersAt(link)).toBe(true);
  });

  it('a name to ping that does not resolve', async () => {
    const link = await virtualModule({});
    const exit = await runUp(['--line', link, '--ping', 'no.such.host.example']);
    expect(exit.code).toBe(6);
    expectOneSentence(exit, 'ERR_GATEWAY_HOST_UNKNOWN', /no\.such\.host\.example/);
    expect(await answersAt(link)).toBe(true);
  });

  it('a proxy whose client asks for a name that does not resolve, and for a server that refuses', async () => {
    const link = await virtualModule({ hosts: { 'refuses.example': '127.0.0.1' } });
    await using up = RunningProgram.cellmux(['up', '--no-control', '--line', link, '--proxy', '0']);
    const [, proxy = ''] = await up.says(/proxy: (\S+)/);
    await up.says(/all three ports work/);
    const port = await unusedPort();
    const cases = [
      { target: 'no.such.host.example:80', code: 'ERR_IPEASY_CANNOT_RESOLVE' },
      { target: `refuses.example:${port}`, code: 'ERR_IPEASY_REFUSED' },
    ];
    for (const { target, code } of cases) {
      const url = `http://${target}/`;
      await using plain = new RunningProgram('curl', ['-sS', '--noproxy', '', '-x', proxy, '-D', '-', url]);
      const { stdout } = await plain.exit();
      expect(stdout).toMatch(/^HTTP\/1\.1 502 /);
      expect(stdout).toContain(`Cellmux-Error: ${code}`);
      expect(stdout).toMatch(new RegExp(`\\n[^\\n]+ \\(${code}\\)\\. [A-Z][^\\n]+\\.\\n$`));
      await using failing = new RunningProgram('curl', ['-sS', '--noproxy', '', '-x', proxy, '-p', '-f', url]);
      expect((await failing.exit()).code).not.toBe(0);
    }
    const { code, stdout, stderr } = await up.stop('SIGTERM');
    expect(code).toBe(143);
    for (const { target, code: why } of cases) expect(stdout).toMatch(new RegExp(`GET ${target}: .*\\(${why}\\)\\. `));
    expect(stdout + stderr).not.toMatch(/\n\s+at .+:\d+:\d+/);
    expect(await answersAt(link)).toBe(true);
  });

  it('a port for the proxy that is taken', async () => {
    const link = await virtualModule({});
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanups.push(() => server.close());
    const exit = await runUp(['--line', link, '--proxy', String((server.address() as AddressInfo).port)]);
    expect(exit.code).toBe(1);
    expectOneSentence(exit, 'ERR_GATEWAY_LOCAL', /already in use/);
    expect(await answersAt(link)).toBe(true);
  });

  it('SIGINT while it is starting', async () => {
    const link = await virtualModule({ activationMs: 20_000 });
    await using up = RunningProgram.cellmux(['up', '--no-control', '--line', link]);
    await up.says(/ports {3}1, 2 and 3 open/);
    const { code, stderr } = await up.stop('SIGINT');
    expect({ code, stderr }).toEqual({ code: 130, stderr: 'cellmux: interrupted; everything was ended in order.\n' });
    expect(await answersAt(link)).toBe(true);
  });

  it('leaves the line in the multiplexer only when it is killed, which the check above would see', async () => {
    const link = await virtualModule({});
    await using up = RunningProgram.cellmux(['up', '--no-control', '--line', link]);
    await up.says(/all three ports work/);
    await expect(up.stop('SIGKILL')).rejects.toThrow();
    expect(await answersAt(link)).toBe(false);
  });
});
