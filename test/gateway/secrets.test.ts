import { VirtualHe863 } from '@cellmux/he863';
import { listenTcp } from '@cellmux/port/tcp';
import { mkdtemp, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest';
import { main } from '../../packages/gateway/src/cli/main.ts';
import { MemoryFtpServer } from './memory-ftp-server.ts';

/** Each is looked for in everything that the program says. */
const PASSWORD = 'marker-of-the-password';
const PIN = '86421357';
const TOKEN = 'marker-of-the-token';
const FTP_PASSWORD = 'marker-of-ftp';
const MARKERS = ['marker-of', PIN, Buffer.from(`x:${TOKEN}`).toString('base64'), Buffer.from(PASSWORD).toString('hex')];

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cellmux-secrets-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** The program in this process: what it says, and its end. */
class Cellmux {
  said = '';
  readonly #ending = new AbortController();
  readonly exit: Promise<number>;

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const sink = (): Writable =>
      new Writable({
        write: (chunk: Buffer, _, done) => {
          this.said += chunk.toString();
          done();
        },
      });
    const streams = { stdin: Readable.from([]), stdout: sink(), stderr: sink(), env: { CELLMUX_DEBUG: '1', ...env } };
    this.exit = main(args, streams, this.#ending.signal);
  }

  async says(pattern: RegExp): Promise<string> {
    await expect.poll(() => this.said, { timeout: 20_000, interval: 20 }).toMatch(pattern);
    return pattern.exec(this.said)?.[1] ?? '';
  }

  async stop(): Promise<string> {
    this.#ending.abort(Object.assign(new Error('interrupted'), { code: 'ERR_GATEWAY_INTERRUPTED' }));
    await this.exit;
    return this.said;
  }
}

/** A module on TCP that wants PIN and password. */
async function listeningModule(
  ftp: MemoryFtpServer,
): Promise<{ readonly line: string; readonly module: VirtualHe863 }> {
  const module = new VirtualHe863({
    machineNames: false,
    hosts: { 'ftp.example:21': `127.0.0.1:${ftp.port}` },
    pin: PIN,
    apnUser: 'me',
    apnPassword: PASSWORD,
    ppp: { auth: 'pap', user: 'me', password: PASSWORD },
  });
  const listener = await listenTcp({ port: 0 });
  listener.ports$.subscribe((port) => {
    module.serve(port);
  });
  onTestFinished(async () => {
    await listener.close();
    await module.close();
  });
  return { line: `tcp:127.0.0.1:${listener.address.port}`, module };
}

/** Status and body of an address; of one that never ends, what comes first. */
function fetched(url: string, authorization?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = authorization === undefined ? {} : { authorization };
    get(url, { headers, agent: false }, (response) => {
      let body = JSON.stringify([response.statusCode, response.headers]);
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
        if (url.endsWith('/events')) response.destroy();
      });
      response.on('close', () => {
        resolve(body);
      });
      response.on('error', () => undefined);
    }).on('error', reject);
  });
}

it('no secret is in any log, status, page, metric, answer or error', { timeout: 60_000 }, async () => {
  await using ftp = await MemoryFtpServer.start();
  const { line, module } = await listeningModule(ftp);
  const [control, atPty] = [join(folder, 'run', 'control'), join(folder, 'at')];
  await writeFile(join(folder, 'pin'), `${PIN}\n`);
  const secrets = { CELLMUX_PASSWORD: PASSWORD, CELLMUX_TOKEN: TOKEN };
  const up = new Cellmux(
    [
      ...['up', '--line', line, '--user', 'me', '--apn', 'internet', '--pin-file', join(folder, 'pin')],
      ...['--proxy', '0.0.0.0:0', '--dashboard', '0.0.0.0:0', '--metrics', '0.0.0.0:0', '--control', control],
      ...['--at-pty', atPty, '--log-level', 'trace', '--log-format', 'json'],
    ],
    secrets,
  );
  const everything: string[] = [];
  try {
    await up.says(/all three ports work/);
    // What other users of the machine can reach is theirs who began it.
    expect((await stat(await realpath(atPty))).mode & 0o777).toBe(0o600);
    expect((await stat(control)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'run'))).mode & 0o777).toBe(0o700);

    const portOf = (what: string): string =>
      new RegExp(`${what}[: ]+(?:http://)?0\\.0\\.0\\.0:(\\d+)`).exec(up.said)?.[1] ?? '';
    const [page, metrics, proxy] = ['dashboard', 'metrics', 'proxy'].map((what) => `http://127.0.0.1:${portOf(what)}/`);
    for (const path of [`${page}`, `${page}status`, `${page}events`, `${metrics}metrics`]) {
      const [closed, open] = [await fetched(path), await fetched(path, `Bearer ${TOKEN}`)];
      expect(closed.startsWith('[401')).toBe(true);
      expect(open.startsWith('[200')).toBe(true);
      everything.push(closed, open);
    }
    const health = await fetched(`${metrics}health`);
    expect(health.startsWith('[200')).toBe(true);
    everything.push(health, await fetched(`${proxy}x`), await fetched(`${metrics}metrics`, `Bearer ${TOKEN}x`));

    for (const [args, code] of [
      [['status', '--json'], 0],
      [['status'], 0],
      [['at', 'AT+CPIN?', 'AT+CGDCONT?', 'AT#SGACT?'], 0],
      [['at', 'AT+NONE'], 4],
      [['ftp', 'list', 'ftp://user@ftp.example/'], 0],
      [['ftp', 'get', 'ftp://nobody@ftp.example/a', join(folder, 'a')], 6],
      [['ftp', 'size', `ftp://user:${FTP_PASSWORD}@ftp.example/a`], 2],
    ] as const) {
      const command = new Cellmux([...args, '--control', control], { CELLMUX_FTP_PASSWORD: FTP_PASSWORD });
      expect(await command.exit, args.join(' ')).toBe(code);
      everything.push(command.said);
    }
    module.faults.inject({ kind: 'context', cid: 2 });
    module.faults.inject({ kind: 'carrier', port: 1 });
    await up.says(/"event":"outageEnded"/);
  } finally {
    everything.push(await up.stop());
  }
  expect(everything.join('\n')).toContain('PPP terminated');

  // And where the network refuses them.
  const refused = new Cellmux(
    [
      'up',
      '--line',
      line,
      '--user',
      'me',
      '--pin-file',
      join(folder, 'pin'),
      '--no-control',
      '--log-level',
      'trace',
      '--json',
    ],
    { CELLMUX_PASSWORD: `${PASSWORD}-wrong` },
  );
  expect(await refused.exit).toBe(5);
  everything.push(refused.said);
  for (const text of everything) for (const marker of MARKERS) expect(text).not.toContain(marker);
});
