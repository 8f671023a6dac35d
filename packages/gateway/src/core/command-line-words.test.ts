import { describe, expect, it } from 'vitest';
import { parseFaultSpec } from './fault-spec.ts';
import { parseForwardRule } from './forward-rule.ts';
import { formatHostPort, parseHostPort } from './host-port.ts';
import { quantile, summarizeLatencies } from './latencies.ts';
import { parseLineName } from './line-name.ts';

describe('HOST:PORT', () => {
  it.each([
    ['example.org:80', { host: 'example.org', port: 80 }],
    ['[::1]:8080', { host: '::1', port: 8080 }],
    ['8080', undefined],
    ['a:b:80', undefined],
    ['a:0', undefined],
    ['a:65536', undefined],
    ['a:', undefined],
    ['', undefined],
  ])('reads %j', (text, expected) => {
    expect(parseHostPort(text)).toEqual(expected);
    if (expected !== undefined) expect(formatHostPort(expected)).toBe(text);
  });

  it('takes a port alone where there is a default host', () => {
    expect(parseHostPort('8080', { defaultHost: '127.0.0.1' })).toEqual({ host: '127.0.0.1', port: 8080 });
    expect(parseHostPort(':0', { defaultHost: '127.0.0.1', minimumPort: 0 })).toEqual({ host: '127.0.0.1', port: 0 });
  });
});

describe('forward rules', () => {
  it.each([
    ['8025:mail.example:25', '127.0.0.1', 8025, 'mail.example', 25],
    ['0.0.0.0:8025:mail.example:25', '0.0.0.0', 8025, 'mail.example', 25],
    ['[::1]:8025:10.0.0.1:25', '::1', 8025, '10.0.0.1', 25],
    ['0:[fe80::1]:25', '127.0.0.1', 0, 'fe80::1', 25],
  ])('reads %j', (text, localHost, localPort, remoteHost, remotePort) => {
    expect(parseForwardRule(text)).toEqual({
      local: { host: localHost, port: localPort },
      remote: { host: remoteHost, port: remotePort },
    });
  });

  it.each(['', '80', '80:host', 'host:80', '80:host:0', '80:host:x', 'a:b:c:d:e'])('refuses %j', (text) => {
    expect(parseForwardRule(text)).toBeUndefined();
  });
});

describe('line names', () => {
  it('tells a device, TCP and the virtual module apart', () => {
    expect(parseLineName('/dev/ttyUSB0')).toEqual({ kind: 'serial', path: '/dev/ttyUSB0' });
    expect(parseLineName('tcp:10.0.0.1:5000')).toEqual({ kind: 'tcp', host: '10.0.0.1', port: 5000 });
    expect(parseLineName('virtual')).toEqual({ kind: 'virtual' });
    expect(parseLineName('tcp:5000')).toBeUndefined();
    expect(parseLineName('')).toBeUndefined();
  });
});

describe('fault words', () => {
  it('reads each word', () => {
    expect(parseFaultSpec('flip=1e-5,drop=0.5,insert=0,duplicate=1,delay=20,rechunk,seed=7')).toEqual({
      flipRate: 1e-5,
      dropRate: 0.5,
      insertRate: 0,
      duplicateRate: 1,
      delayMs: 20,
      rechunk: true,
      seed: 7,
    });
  });

  it('leaves what goes wrong in the module to the module', () => {
    expect(parseFaultSpec('reset@20s/60s,flip=0.1,error:3')).toEqual({
      flipRate: 0.1,
      module: 'reset@20s/60s,error:3',
    });
  });

  it.each(['', 'flip=2', 'flip=-1', 'flip=', 'delay=1e9', 'seed=0.5', 'rechunk=1', 'shake=1'])(
    'names what it does not understand in %j',
    (text) => {
      expect(parseFaultSpec(`drop=0,${text}`)).toEqual({ wrong: text });
    },
  );
});

describe('latencies', () => {
  it('takes quantiles by nearest rank', () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(summarizeLatencies(values)).toEqual({ count: 100, p50Ms: 50, p99Ms: 99, maxMs: 100 });
    expect(summarizeLatencies([])).toEqual({ count: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 });
    expect(quantile([7], 0.5)).toBe(7);
  });
});
