import { AtServer } from '@cellmux/at';
import { describeFaults } from '@cellmux/he863';
import { listenTcp } from '@cellmux/port/tcp';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { Readable, Writable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { main } from './main.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(args: readonly string[], { env = {}, stdin = '' }: RunOptions = {}): Promise<Run> {
  const written = { stdout: '', stderr: '' };
  const sink = (name: 'stdout' | 'stderr'): Writable =>
    new Writable({
      write(chunk: Buffer, _, done) {
        written[name] += chunk.toString();
        done();
      },
    });
  const streams = { stdin: Readable.from([stdin]), stdout: sink('stdout'), stderr: sink('stderr'), env };
  const code = await main(args, streams, new AbortController().signal);
  return { code, ...written };
}

interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
}

/** A module that answers AT and nothing else, on TCP. */
async function bareModule(): Promise<string> {
  const listener = await listenTcp({ port: 0 });
  cleanups.push(() => listener.close());
  listener.ports$.subscribe((port) => {
    cleanups.push(() => port.close());
    new AtServer(port, [{ name: '+CSQ', execute: (context) => (context.info('+CSQ: 20,0'), 'OK') }], { session: null });
  });
  return `tcp:${listener.address.host}:${listener.address.port}`;
}

describe('wrong usage', () => {
  it.each([
    ['an unknown command', ['fly'], 'fly'],
    ['an unknown option', ['demo', '--fly'], '--fly'],
    ['an option that is missing', ['up'], '--line'],
    ['a value that is not allowed', ['up', '--line', 'virtual', '--proxy', 'there'], '--proxy'],
    ['a number out of its range', ['demo', '--baud', '1'], '--baud'],
    ['a line that is none', ['at', '--line', 'tcp:nowhere', 'AT'], '--line'],
    ['a forward that is none', ['up', '--line', 'virtual', '--forward', '80'], '--forward'],
    ['a name without address', ['module', '--tcp', '0', '--host', 'name'], '--host'],
    ['options that miss each other', ['module'], '--pty LINK or --tcp'],
    ['options that exclude each other', ['module', '--pty', '/tmp/x', '--tcp', '0'], '--pty LINK or --tcp'],
    ['authentication without a user', ['module', '--tcp', '0', '--auth', 'pap'], '--user'],
    ['line faults that are none', ['module', '--tcp', '0', '--faults', 'shake=1'], 'shake=1'],
    ['module faults that are none', ['module', '--tcp', '0', '--faults', 'shake'], 'shake'],
    ['nothing to ask', ['at'], 'command'],
  ])('%s is one sentence that names it, and status 2', async (_, args, named) => {
    const { code, stdout, stderr } = await run(args);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^cellmux: .+ \(ERR_[A-Z0-9_]+\)\. .+\.\n$/);
    expect(stderr).toContain(named);
  });

  it.each(['password', 'pin', 'token'])('a %s on the command line is refused and not repeated', async (name) => {
    for (const args of [[`--${name}`, 'sentinel-8'], [`--${name}=sentinel-8`], [`--${name}`]]) {
      const { code, stdout, stderr } = await run(['up', '--line', 'virtual', ...args]);
      expect(code).toBe(2);
      expect(stderr).toMatch(new RegExp(`^cellmux: --${name} .*--${name}-file`));
      expect(stdout + stderr).not.toContain('sentinel-8');
    }
    expect((await run(['up', '--help'])).stdout).not.toContain(`--${name} `);
  });

  it('names every fault in the help of the module', async () => {
    const { stdout } = await run(['module', '--help']);
    for (const { form, meaning } of describeFaults()) expect(stdout).toContain(`  ${form.padEnd(28)} ${meaning}\n`);
  });

  it('shows what there is when nothing is asked, and with --help', async () => {
    const help = await run(['--help']);
    expect(help.code).toBe(0);
    for (const word of ['demo', 'module', 'up', 'at', 'decode', 'Exit status']) expect(help.stdout).toContain(word);
    for (const command of ['demo', 'module', 'up', 'at', 'decode']) {
      const { code, stdout } = await run([command, '--help']);
      expect(code).toBe(0);
      expect(stdout).toMatch(/Examples:\n {2}\$ /);
    }
    expect((await run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('cellmux at --line', () => {
  it('prints the answers, or one JSON object for each', async () => {
    const line = await bareModule();
    expect(await run(['at', '--line', line, 'AT', 'AT+CSQ'])).toEqual({
      code: 0,
      stdout: 'OK\n+CSQ: 20,0\nOK\n',
      stderr: '',
    });
    const { stdout } = await run(['at', '--json', '--line', line, 'AT+CSQ']);
    expect(JSON.parse(stdout)).toEqual({ command: 'AT+CSQ', lines: ['+CSQ: 20,0'], result: 'OK' });
  });

  it('stops at the first that is refused, with status 4', async () => {
    const line = await bareModule();
    const { code, stdout, stderr } = await run(['at', '--json', '--line', line, 'AT+CSQ', 'AT+NONE', 'AT+CSQ']);
    expect(code).toBe(4);
    expect(stderr).toMatch(/^cellmux: AT\+NONE .* \(ERR_AT_ERROR\)\. .+\n$/);
    const [first = '', second = '', ...rest] = stdout.trim().split('\n');
    expect(JSON.parse(first)).toMatchObject({ result: 'OK' });
    expect(JSON.parse(second)).toMatchObject({ error: { code: 'ERR_AT_ERROR' } });
    expect(rest).toEqual([]);
  });

  it('gives a line that never answers its time and no more, with status 3', async () => {
    const silent = createServer((socket) => cleanups.push(() => socket.destroy())).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    cleanups.push(() => silent.close());
    const line = `tcp:127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const { code, stderr } = await run(['at', '--line', line, '--timeout', '200', 'AT']);
    expect(code).toBe(3);
    expect(stderr).toMatch(/^cellmux: .* \(ERR_AT_TIMEOUT\)\. .+\n$/);
  });
});

describe('cellmux decode', () => {
  it('names every field of frames given as digits, as arguments or on stdin', async () => {
    const words = 'DLCI 0 C/R=1 SABM P/F=1 FCS 1C\n';
    expect(await run(['decode', 'F9', '03', '3F', '01', '1C', 'F9'])).toEqual({ code: 0, stdout: words, stderr: '' });
    expect((await run(['decode'], { stdin: '0xf9,0x03:3f 01\n1cF9\n' })).stdout).toBe(words);
    const { stdout } = await run(['decode', 'F9 03 EF 09 E3 05 07 0D FB F9 F9 03 3F 01 1D F9']);
    expect(stdout).toContain('MSC command DLCI 1: FC=0 RTC=1 RTR=1 IC=0 DV=0');
    expect(stdout).toContain('03 3F 01 1D');
    const json = await run(['decode', '--json', 'F9 03 3F 01 1C F9']);
    expect(JSON.parse(json.stdout)).toMatchObject({ kind: 'frame', dlci: 0, type: 'SABM', info: '' });
  });

  it('says what is wrong with digits that are none', async () => {
    const { code, stderr } = await run(['decode', 'F9 0']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^cellmux: that is not whole octets in hex digits \(ERR_GATEWAY_USAGE\)\. .+\n$/);
  });
});

describe('an error', () => {
  it.each([
    ['no gateway', ['at', '--control', '/none/control', 'AT'], 3, 'ERR_GATEWAY_LINE_NOT_RUNNING'],
    ['no such device', ['at', '--line', '/none/tty', 'AT'], 3, 'ERR_PORT_NOT_FOUND'],
    ['no such folder', ['module', '--pty', '/none/modem'], 3, 'ERR_PORT_NOT_FOUND'],
    ['no such password file', ['up', '--line', 'virtual', '--password-file', '/none/p'], 1, 'ERR_GATEWAY_LOCAL'],
  ])('%s is one sentence on stderr and has its status', async (_, args, status, errorCode) => {
    const { code, stdout, stderr } = await run(args);
    expect({ code, stdout }).toEqual({ code: status, stdout: '' });
    expect(stderr).toMatch(new RegExp(`^cellmux: .+ \\(${errorCode}\\)\\. .+\\.\\n$`));
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('shows its stack with CELLMUX_DEBUG=1 only', async () => {
    const args = ['at', '--line', '/none/tty', 'AT'];
    expect((await run(args)).stderr).not.toMatch(/\n\s+at .+:\d+:\d+/);
    expect((await run(args, { env: { CELLMUX_DEBUG: '1' } })).stderr).toMatch(/\n\s+at .+:\d+:\d+/);
  });
});
