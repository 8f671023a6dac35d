import { Gateway, type GatewayEvent } from '@cellmux/gateway';
import { VirtualHe863 } from '@cellmux/he863';
import { memoryPair } from '@cellmux/port';
import { HE863_AT_PROFILE } from '@cellmux/at';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { main } from '../../packages/gateway/src/cli/main.ts';
import { hasRealFtpServer, RealFtpServer } from '../../packages/he863/src/ftp/testing/real-ftp-server.ts';

const SECRET = 'hunter2-sentinel';

interface Run {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

interface RunOptions {
  readonly stdin?: Readable;
  readonly env?: Readonly<Record<string, string>>;
  readonly isTerminal?: boolean;
  readonly signal?: AbortSignal;
}

/** The program, in this process. */
async function cellmux(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  const written: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
  const sink = (name: 'stdout' | 'stderr') =>
    Object.assign(
      new Writable({
        write(chunk: Buffer, _, done) {
          written[name].push(chunk);
          done();
        },
      }),
      { isTTY: options.isTerminal === true, columns: 80, rows: 24 },
    );
  const { stdin = Readable.from([]), env = {}, signal = new AbortController().signal } = options;
  const code = await main(args, { stdin, stdout: sink('stdout'), stderr: sink('stderr'), env }, signal);
  return { code, stdout: Buffer.concat(written.stdout), stderr: Buffer.concat(written.stderr).toString() };
}

describe('cellmux ftp, wrong usage', () => {
  it.each([
    [['get', `ftp://me:${SECRET}@ftp.example/a`], 'a password stands in the address'],
    [['get', `ftp://me:${SECRET}@`], 'the address is not ftp://'],
    [['get', 'http://ftp.example/a'], 'http://ftp.example/a'],
    [['get', 'ftp://me@ftp.example/a'], 'me logs in with a password'],
    [['get', 'ftp://ftp.example/'], 'a directory'],
    [['put', 'ftp://ftp.example/in/', '-'], 'no name'],
    [['put', 'ftp://ftp.example/in/a'], 'local'],
    [['get', '--json', 'ftp://ftp.example/a', '-'], '--json'],
    [['get', '--password', SECRET, 'ftp://ftp.example/a'], '--password'],
    [['get', '--timeout', '1', 'ftp://ftp.example/a'], '--timeout'],
  ])('%j', async (args, named) => {
    const { code, stdout, stderr } = await cellmux(['ftp', ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain(named);
    expect(stdout.toString() + stderr).not.toContain(SECRET);
  });

  it('says so when no gateway runs, and shows how it is used', async () => {
    const none = await cellmux(['ftp', 'size', 'ftp://ftp.example/a', '--control', '/none/control']);
    expect(none).toMatchObject({ code: 3, stderr: expect.stringContaining('ERR_GATEWAY_LINE_NOT_RUNNING') });
    const { stdout } = await cellmux(['ftp', '--help']);
    for (const word of ['get', 'put', 'append', 'list', 'size', 'rm', 'Examples:']) {
      expect(stdout.toString()).toContain(word);
    }
  });
});

describe.skipIf(!hasRealFtpServer && process.env['CI'] === undefined)('cellmux ftp, with vsftpd', () => {
  let server: RealFtpServer;
  let module: VirtualHe863;
  let gateway: Gateway;
  let folder = '';
  let events: GatewayEvent[] = [];
  const control = (): string => join(folder, 'run', 'control');
  const at = (name: string): string => join(folder, name);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cellmux-ftp-program-'));
    server = await RealFtpServer.start();
    module = new VirtualHe863({ machineNames: false, hosts: { 'ftp.example:21': `127.0.0.1:${server.port}` } });
    const { dte, dce } = memoryPair();
    module.serve(dce);
    gateway = new Gateway({
      line: dte,
      control: control(),
      atProfile: { ...HE863_AT_PROFILE, resultGapMs: 0 },
    });
    gateway.events$.subscribe((event) => events.push(event));
    await gateway.start();
  });
  afterAll(async () => {
    await gateway.stop();
    await module.close();
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });
  beforeEach(() => {
    events = [];
  });
  const ftp = (verb: string, path: string, ...more: readonly string[]): readonly string[] => [
    'ftp',
    verb,
    `ftp://ftp.example/incoming/${path}`,
    ...more,
    '--control',
    control(),
  ];

  it('sends, appends, lists, measures, fetches and deletes a file', { timeout: 60_000 }, async () => {
    const body = randomBytes(70_000);
    await writeFile(at('local.bin'), body);
    const env = { CELLMUX_FTP_PASSWORD: SECRET };
    const put = await cellmux(ftp('put', '', at('local.bin')), { env });
    expect(put).toMatchObject({ code: 0, stderr: 'incoming/local.bin: 70000 octets sent\n' });
    expect(server.read('local.bin')?.length).toBe(70_000);
    const stdin = Readable.from([Buffer.from('more'), Buffer.from('+++')]);
    expect((await cellmux(ftp('append', 'local.bin', '-', '--json'), { stdin })).stdout.toString()).toMatch(
      /^\{"verb":"append","host":"ftp.example","path":"incoming\/local.bin","bytes":7,"ms":\d+,"local":"-"\}\n$/,
    );
    const whole = Buffer.concat([body, Buffer.from('more+++')]);
    expect((await cellmux(ftp('size', 'local.bin'))).stdout.toString()).toBe('70007\n');
    expect((await cellmux(ftp('list', ''))).stdout.toString()).toMatch(/^-rw\S+ .* local\.bin\n$/);

    const fetched = await cellmux(ftp('get', 'local.bin', at('back.bin')), { isTerminal: true });
    expect(fetched.code).toBe(0);
    expect(fetched.stderr).toMatch(/incoming\/local\.bin {2}[\d.]+ kB of 70\.0 kB {2}\d+ %/);
    expect(Buffer.compare(await readFile(at('back.bin')), whole)).toBe(0);
    expect(existsSync(at('back.bin.part'))).toBe(false);

    await writeFile(at('rest.bin.part'), whole.subarray(0, 50_000));
    const resumed = await cellmux(ftp('get', 'local.bin', at('rest.bin'), '--resume', '--json'));
    expect(JSON.parse(resumed.stdout.toString())).toMatchObject({ bytes: 20_007, offset: 50_000 });
    expect(Buffer.compare(await readFile(at('rest.bin')), whole)).toBe(0);

    expect(Buffer.compare((await cellmux(ftp('get', 'local.bin', '-'))).stdout, whole)).toBe(0);
    expect((await cellmux(ftp('rm', 'local.bin'))).code).toBe(0);
    expect(server.read('local.bin')).toBeUndefined();
    expect(JSON.stringify(events) + put.stderr).not.toContain(SECRET);
  });

  it('says why the server refuses, with status 6, and leaves nothing behind', async () => {
    const missing = await cellmux(ftp('get', 'missing', at('missing'), '--json'));
    expect(missing).toMatchObject({
      code: 6,
      stderr: expect.stringMatching(/the server says "550 .+ERR_IPEASY_FTP_REFUSED/),
    });
    expect(JSON.parse(missing.stdout.toString())).toHaveProperty('error.code');
    expect(existsSync(at('missing.part'))).toBe(false);
    const args = ['ftp', 'list', 'ftp://me@ftp.example/', '--control', control()];
    await writeFile(at('password'), `${SECRET}\n`);
    const refused = await cellmux([...args, '--password-file', at('password')]);
    expect(refused).toMatchObject({ code: 6, stderr: expect.stringContaining('ERR_IPEASY_FTP_REFUSED') });
    expect(refused.stderr).not.toContain(SECRET);
  });

  it('ends a transfer in order when it is interrupted; the next one works', { timeout: 60_000 }, async () => {
    const interruption = new AbortController();
    const stdin = new Readable({ read: () => undefined });
    stdin.push(randomBytes(20_000));
    const sending = cellmux(ftp('put', 'half.bin', '-'), { stdin, signal: interruption.signal });
    await expect.poll(() => server.read('half.bin')?.length ?? 0, { timeout: 10_000 }).toBeGreaterThan(0);
    interruption.abort(Object.assign(new Error('interrupted'), { code: 'ERR_GATEWAY_INTERRUPTED' }));
    expect((await sending).code).toBe(130);
    expect((await cellmux(ftp('rm', 'half.bin'))).code).toBe(0);
  });

  it('the control socket and its folder are for their owner only', async () => {
    expect((await stat(control())).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'run'))).mode & 0o777).toBe(0o700);
  });
});
