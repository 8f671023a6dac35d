import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gatewayOptionsOf } from './gateway-options-of.ts';
import { readSettings } from './read-settings.ts';
import { flagOf, SETTINGS, variableOf, type SettingKey } from './settings.ts';

let folder = '';
let file = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cellmux-settings-'));
  file = join(folder, 'cellmux.yaml');
});
afterEach(() => rm(folder, { recursive: true }));

const read = async (text: string, flags = {}, env = {}) => {
  await writeFile(file, text);
  return readSettings({ flags, env, configFile: file });
};

describe('settings', () => {
  it('come from the command line before the environment before the file, in YAML or JSON', async () => {
    const text = 'line: /dev/file\nbaud: 9600\napn: file\nforward: [ "1:a:2", "3:b:4" ]\nrtscts: no\n';
    const settings = await read(text, { apn: 'flag' }, { CELLMUX_BAUD: '19200', CELLMUX_APN: 'env' });
    expect(settings).toEqual({
      line: { kind: 'serial', path: '/dev/file' },
      baud: 19_200,
      apn: 'flag',
      rtscts: false,
      forward: [
        { local: { host: '127.0.0.1', port: 1 }, remote: { host: 'a', port: 2 } },
        { local: { host: '127.0.0.1', port: 3 }, remote: { host: 'b', port: 4 } },
      ],
    });
    expect(await read('{ "line": "virtual", "proxy": 8080 }')).toEqual({
      line: { kind: 'virtual' },
      proxy: { host: '127.0.0.1', port: 8080 },
    });
    expect(await read('# nothing but a comment\n')).toEqual({});
  });

  it.each<[string, string, object, object, RegExp]>([
    [
      'a value of the file',
      'baud: fast',
      {},
      {},
      /^baud in .*cellmux\.yaml: "fast" is not allowed: a whole number from 300/,
    ],
    [
      'one of a list',
      'forward: [ "1:a:2", "80" ]',
      {},
      {},
      /forward in .*: "80" is not allowed: \[ADDRESS:\]PORT:HOST:PORT/,
    ],
    [
      'a value of the environment',
      '',
      {},
      { CELLMUX_PROXY: 'there' },
      /^CELLMUX_PROXY: "there" is not allowed: \[HOST:\]PORT/,
    ],
    [
      'a value of the command line',
      '',
      { queue: '-1' },
      {},
      /^--queue: "-1" is not allowed: a whole number from 0 to 65536/,
    ],
    [
      'a key that is none',
      'captureSizes: 1',
      {},
      {},
      /no key "captureSizes" \(captureSize\?\); allowed are line, baud/,
    ],
    ['a key in another spelling', 'at-pty: x', {}, {}, /no key "at-pty" \(atPty\?\)/],
    [
      'a secret in the file',
      'password: secret',
      {},
      {},
      /password does not belong .* passwordFile: FILE, or CELLMUX_PASSWORD/,
    ],
    ['a list instead of keys', '- line', {}, {}, /wants keys and values/],
    ['what is neither YAML nor JSON', 'line: [', {}, {}, /cellmux\.yaml:\d+:\d+ is neither YAML nor JSON/],
  ])('say key, value and what is allowed: %s', async (_, text, flags, env, message) => {
    await expect(read(text, flags, env)).rejects.toMatchObject({
      code: 'ERR_GATEWAY_USAGE',
      message: expect.stringMatching(message),
    });
    await expect(read(text, flags, env)).rejects.not.toThrow(/secret\b.*secret/);
  });

  it('never expand aliases without end', async () => {
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...'bcdefgh'.split('').map((key, index) => `${key}: &${key} [${`*${'abcdefgh'[index]},`.repeat(9)}]`),
    ].join('\n');
    await expect(read(bomb)).rejects.toMatchObject({ code: 'ERR_GATEWAY_USAGE' });
  });

  it('have one flag, one variable and one key each', () => {
    const keys = Object.keys(SETTINGS) as SettingKey[];
    expect(new Set(keys.map(flagOf)).size).toBe(keys.length);
    expect(new Set(keys.map(variableOf)).size).toBe(keys.length);
    expect(flagOf('captureSize')).toBe('--capture-size');
    expect(variableOf('captureSize')).toBe('CELLMUX_CAPTURE_SIZE');
  });

  it('become options, each of them', async () => {
    const text = [
      'line: virtual',
      'apn: internet',
      'user: me',
      'tun: t0',
      'route: [default]',
      'resolvConf: /tmp/r',
      'proxy: 1',
      'listen: [ "80:localhost:8080" ]',
      'firewall: [ 10.0.0.0/8 ]',
      'queue: 3',
      'dialWait: 4',
      'atPty: /tmp/p',
      'capture: f',
      'captureSize: 2',
      'captureKeep: 3',
      'metrics: 5',
      'dashboard: 6',
      'ping: h',
      'pingInterval: 70',
      'retryStart: true',
      'giveUpAfter: 8',
      'longestPause: 9',
      't1: 130',
      'keepAlive: 10',
      'pppEcho: 1100',
      'poll: 1200',
    ].join('\n');
    const options = await gatewayOptionsOf(await read(text), { CELLMUX_PASSWORD: 'p', CELLMUX_PIN: '1234' });
    expect(options).toMatchObject({
      apn: 'internet',
      user: 'me',
      password: 'p',
      pin: '1234',
      tun: 't0',
      routes: ['default'],
      resolvConf: '/tmp/r',
      proxy: { host: '127.0.0.1', port: 1 },
      incoming: [{ port: 80, to: { host: 'localhost', port: 8080 } }],
      firewall: [{ address: '10.0.0.0', mask: '255.0.0.0' }],
      queueLimit: 3,
      dialWaitMs: 4,
      atPty: '/tmp/p',
      capture: 'f',
      captureRotation: { rotateBytes: 2_097_152, keep: 3 },
      metrics: { port: 5 },
      dashboard: { port: 6 },
      ping: { host: 'h', intervalMs: 70 },
      recovery: { fromStart: true, giveUpAfterMs: 8000, longestPauseMs: 9000 },
      t1Ms: 130,
      keepAliveMs: 10,
      pppEchoMs: 1100,
      pollMs: 1200,
    });
  });

  it('beyond loopback want a token for proxy, dashboard and metrics', async () => {
    for (const key of ['proxy', 'dashboard', 'metrics'] as const) {
      const settings = await read(`line: virtual\n${key}: 0.0.0.0:1\n`);
      await expect(gatewayOptionsOf(settings, {})).rejects.toMatchObject({ code: 'ERR_GATEWAY_USAGE' });
      const options = await gatewayOptionsOf(settings, { CELLMUX_TOKEN: 't' });
      expect(options[`${key}Token`]).toBe('t');
      const near = await read(`line: virtual\n${key}: 1\n`);
      expect((await gatewayOptionsOf(near, { CELLMUX_TOKEN: 't' }))[`${key}Token`]).toBeUndefined();
    }
  });
});
