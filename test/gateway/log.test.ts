import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VirtualHe863 } from '@cellmux/he863';
import { openPty, type PtyPort } from '@cellmux/port/pty';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { RunningProgram } from './running-program.ts';

let folder = '';
let module!: VirtualHe863;
let pty!: PtyPort;
let link = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cellmux-log-'));
  link = join(folder, 'modem');
  module = new VirtualHe863({ machineNames: false, bootMs: 200 });
  pty = await openPty({ link });
  module.serve(pty);
});
afterEach(async () => {
  await pty.close();
  await module.close();
  await rm(folder, { recursive: true });
});

/** From the sources, with nothing said about the log. */
function up(...args: readonly string[]): RunningProgram {
  return RunningProgram.cellmux(
    ['up', '--line', link, '--keep-alive', '500', ...(args.includes('--control') ? [] : ['--no-control']), ...args],
    {
      CELLMUX_LOG_FORMAT: undefined,
    },
  );
}

/** Every line of a log in JSON; throws for one that is none. */
function records(stdout: string): Record<string, unknown>[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** Levels as pino numbers them. */
const [TRACE, WARN] = [10, 40];

it(
  'is one JSON object a line where stdout is no terminal, and each outage is one warning with cause, duration and what helped',
  { timeout: 120_000 },
  async () => {
    await using program = up('--log-level', 'trace');
    await program.says(/"event":"up"/);
    module.faults.inject({ kind: 'reset' });
    await program.says(/"event":"outageEnded"/);
    const { stdout, code } = await program.stop();
    expect(code).toBe(130);
    const log = records(stdout);
    for (const record of log) {
      expect(Object.keys(record).sort()).toEqual(
        expect.arrayContaining(
          record['event'] === 'up' ? ['event', 'level', 'msg', 'time'] : ['details', 'event', 'level', 'msg', 'time'],
        ),
      );
      expect(new Date(String(record['time'])).toISOString()).toBe(record['time']);
      expect(record['msg']).not.toBe('');
      // No colours among them.
      expect(JSON.stringify(record)).not.toContain('\\u001b');
      expect(record['level']).toBeGreaterThanOrEqual(TRACE);
    }
    // Every command is told at `trace`, and never its text, which may hold a secret.
    const commands = log.filter(({ event }) => event === 'atCommand');
    expect(commands.length).toBeGreaterThan(10);
    for (const { level, details } of commands) {
      expect(level).toBe(TRACE);
      expect(details).toEqual({ port: expect.any(Number), result: expect.any(String), durationMs: expect.any(Number) });
    }
    const warnings = log.filter(({ level }) => Number(level) >= WARN);
    expect(warnings).toEqual([
      expect.objectContaining({
        event: 'outageEnded',
        level: WARN,
        msg: expect.stringMatching(
          /^PPP, sockets, AT back after [\d.]+ s by restarting the multiplexer.*; the cause: /,
        ),
        details: expect.objectContaining({
          cause: expect.stringMatching(/^(moduleRestarted|multiplexerStuck)$/),
          durationMs: expect.any(Number),
          services: ['ppp', 'sockets', 'at'],
          steps: expect.arrayContaining([{ step: 'restartMultiplexer', patient: 'link', ok: true }]),
        }),
      }),
    ]);
  },
);

it('says only what weighs enough, and says it for people where that is wanted', { timeout: 120_000 }, async () => {
  const control = join(folder, 'control');
  await using quiet = up('--log-level', 'warn', '--log-format', 'human', '--control', control);
  // It says nothing until there is something to be warned of: that it is up its control socket tells.
  await expect.poll(() => existsSync(control), { timeout: 60_000 }).toBe(true);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  expect(quiet.stdout).toBe('');
  module.faults.inject({ kind: 'carrier', port: 1 });
  await quiet.says(/PPP back after/);
  const { stdout } = await quiet.stop();
  for (const line of stdout.split('\n').filter((text) => text.trim() !== ''))
    expect(line).toMatch(
      /^\[\d\d:\d\d:\d\d\.\d\d\d\] WARN: .*PPP back after [\d.]+ s by setting it up anew; the cause: the PPP call was dropped/,
    );
});

it('is for people, in colours, on a terminal', { timeout: 120_000 }, async () => {
  const bin = `${process.execPath} --conditions=@cellmux/source --import tsx packages/gateway/src/bin.ts`;
  const env = { ...process.env, TERM: 'xterm' } as NodeJS.ProcessEnv;
  for (const name of ['NO_COLOR', 'CELLMUX_LOG_FORMAT', 'CI']) Reflect.deleteProperty(env, name);
  // `script` gives it a terminal of its own.
  const child = spawn('script', ['-qfec', `${bin} up --line ${link} --no-control`, '/dev/null'], {
    cwd: join(import.meta.dirname, '../..'),
    stdio: ['pipe', 'pipe', 'ignore'],
    env,
  });
  const ended = once(child, 'close');
  let text = '';
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`not up within a minute; it said:\n${text}`));
      }, 60_000);
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        if (!text.includes('all three ports work')) return;
        clearTimeout(timer);
        resolve();
      });
    });
  } finally {
    // Ctrl-C of the terminal: the program ends in order.
    child.stdin.write('\u0003');
    await ended;
  }
  expect(text).toContain('\u001b[32mINFO\u001b[39m');
  expect(text.replace(/\u001b\[\d+m/g, '')).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: .*line +.*modem open/m);
  expect(text).toContain('the module answers AT in command mode');
  expect(text).not.toContain('{"level"');
  // Nothing below `info` unless it is asked for.
  expect(text).not.toMatch(/TRACE|DEBUG/);
});
