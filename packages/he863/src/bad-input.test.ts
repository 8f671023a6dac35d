import { TYPE_AHEAD_LIMIT_BYTES } from '@cellmux/at';
import { fromLatin1, latin1 } from '@cellmux/port';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LineHost } from './testing/line-host.ts';
import { served } from './testing/served-module.ts';

/** What a host may say that is no command: the module says what a real one says, keeps no more than it says, and goes on. */

const OK = '\r\nOK\r\n';
const ERROR = '\r\nERROR\r\n';

async function host(cmee = 1) {
  const made = served();
  const lineHost = new LineHost(made.line);
  await lineHost.ask(`ATE0+CMEE=${cmee}\r`);
  const ask = async (text: string): Promise<string> => {
    await lineHost.say(text);
    await made.clock.advance(10);
    return lineHost.heard();
  };
  return { ...made, ask, lineHost };
}

describe('bad input', () => {
  test('a line of 80 characters runs, one of 81 is ERROR and nothing of it runs', async () => {
    const { ask } = await host();
    const line = (length: number): string => `AT+CGDCONT=1,"IP","${'a'.repeat(length - 21)}"`.padEnd(length, ' ');
    const apn = (text: string): string => /"IP","(\w*)"/.exec(text)?.[1] ?? '';
    expect(line(80)).toHaveLength(80);
    expect(await ask(`${line(80)}\r`)).toBe(OK);
    expect(apn(await ask('AT+CGDCONT?\r'))).toHaveLength(59);
    expect(await ask(`${line(81)}\r`)).toBe(ERROR);
    expect(await ask(`AT+CGDCONT=1;${' '.repeat(80)}\r`)).toBe(ERROR);
    expect(apn(await ask('AT+CGDCONT?\r'))).toHaveLength(59);
  });

  test.each([
    ['AT+NOTHING', ERROR],
    ['AT+NOTHING=1,2', ERROR],
    ['AT#NOTHING?', ERROR],
    ['AT#', ERROR],
    ['AT+', ERROR],
    ['ATY', ERROR],
    ['AT&Y1', ERROR],
    ['ATS99?', ERROR],
    ['ATS1000=1', ERROR],
    ['AT1', ERROR],
    ['AT=', ERROR],
    ['AT?', ERROR],
    ['AT"', ERROR],
    ['AT+CREG=3', '\r\n+CME ERROR: 4\r\n'],
    ['AT+CREG=-1', '\r\n+CME ERROR: 4\r\n'],
    ['AT+CREG=1.5', '\r\n+CME ERROR: 4\r\n'],
    ['AT+CREG=99999999999999999999', '\r\n+CME ERROR: 4\r\n'],
    ['AT+CREG=1,1,1', '\r\n+CME ERROR: 4\r\n'],
    ['AT#SH=0', '\r\n+CME ERROR: 4\r\n'],
    ['AT#SH=7', '\r\n+CME ERROR: 4\r\n'],
    ['AT+CGDCONT=1,"IP","open', ERROR],
    ['AT+CGDCONT=1,"IP","a"b"', ERROR],
    ['AT+CGDCONT=1,"IP",a"b"', '\r\n+CME ERROR: 4\r\n'],
    ['AT+CGDCONT=1,"IP";"', ERROR],
  ])('%s: %j, and it goes on', async (line, answer) => {
    const { ask } = await host();
    expect(await ask(`${line}\r`)).toBe(answer);
    expect(await ask('AT\r')).toBe(OK);
    expect(await ask('AT+CGDCONT=1,"IP","next";+CGDCONT?\r')).toContain('"next"');
  });

  test.each([
    [0, ERROR],
    [1, '\r\n+CME ERROR: 4\r\n'],
    [2, '\r\n+CME ERROR: operation not supported\r\n'],
  ])('+CMEE=%i says it its way; an unknown command is ERROR whatever it says', async (cmee, answer) => {
    const { ask } = await host(cmee);
    expect(await ask('AT+CREG=9\r')).toBe(answer);
    expect(await ask('AT+NOTHING\r')).toBe(ERROR);
  });

  test('a chain stops at its first error; what stands before it was done', async () => {
    const { ask } = await host();
    expect(await ask('AT+CREG=1;+CREG=9;+CREG=2\r')).toBe('\r\n+CME ERROR: 4\r\n');
    expect(await ask('AT+CREG?\r')).toContain('+CREG: 1,1');
    expect(await ask('AT+CREG=2;+CGDCONT=1,"IP","open\r')).toBe(ERROR);
    expect(await ask('AT+CREG?\r')).toContain('+CREG: 2,1');
  });

  test('octets above 0x7F are nothing before AT, part of a string, and an error elsewhere', async () => {
    const { ask } = await host();
    expect(await ask('\xff\xfe\x80AT\r')).toBe(OK);
    expect(await ask('AT\xff\r')).toBe(ERROR);
    expect(await ask('AT+CREG=\xb2\r')).toBe('\r\n+CME ERROR: 4\r\n');
    expect(await ask('AT+CGDCONT=1,"IP","caf\xe9"\r')).toBe(OK);
    expect(await ask('AT+CGDCONT?\r')).toContain('"caf\xe9"');
  });

  test('NUL, BEL and other control characters are dropped; BS takes one back', async () => {
    const { ask } = await host();
    expect(await ask('A\0T\r')).toBe('');
    expect(await ask('AT\0+\x07CREG?\n\r')).toContain('+CREG: 0,1');
    expect(await ask('AT+CREGX\b?\r')).toContain('+CREG: 0,1');
    expect(await ask(`AT${'\b'.repeat(100)}+CREG?\r`)).toContain('+CREG: 0,1');
  });

  test('a flood without CR is no line, whatever its length; the CR behind it is one ERROR', async () => {
    const { ask } = await host();
    expect(await ask('x'.repeat(1_000_000))).toBe('');
    expect(await ask('\r')).toBe('');
    expect(await ask(`AT${'x'.repeat(1_000_000)}`)).toBe('');
    expect(await ask('\r')).toBe(ERROR);
    expect(await ask('AT\r')).toBe(OK);
  });

  test('a host that types ahead of its answers is held back, and each of its lines is run', async () => {
    const { ask, module, clock, events, lineHost } = await host();
    module.faults.inject({ kind: 'late', delayMs: 1000, lines: 1 });
    expect(await ask(`AT\r`)).toBe('');
    const count = 2 * Math.ceil(TYPE_AHEAD_LIMIT_BYTES / 3);
    const typed = Promise.all(Array.from({ length: count }, () => lineHost.say('AT\r')));
    await clock.advance(1);
    await clock.advance(1000);
    let answers = '';
    for (let more = await lineHost.heard(); more !== ''; more = await lineHost.heard()) answers += more;
    expect(answers.replaceAll(OK, '')).toBe('');
    await typed;
    expect(answers.length / OK.length).toBe(count + 1);
    expect(await ask('\rAT\r')).toContain(OK);
    expect(events.filter(({ type }) => type === 'handlerFailed')).toEqual([]);
  });

  test('a prompt takes what does not fit and drops it, and the module goes on', async () => {
    const { ask } = await host();
    await ask('AT+CGDCONT=1,"IP","x"\r');
    await ask('AT#SGACT=1,1\r');
    await ask('AT#ESMTP="mail";#EADDR="me@here"\r');
    expect(await ask('AT#EMAILD="you@there","subject"\r')).toBe('\r\n> ');
    expect(await ask('x'.repeat(1_000_000))).toBe('');
    expect(await ask('\x1b')).toBe(OK);
    expect(await ask('AT\r')).toBe(OK);
  });

  test('whatever octets come, the next command is answered', async () => {
    const part = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map(fromLatin1),
      fc.constantFrom(
        'AT',
        '\r',
        '"',
        'AT"',
        'AT+CGDCONT=1,"IP","',
        'A/',
        'AT#/',
        'AT+CREG?',
        ';',
        '+++',
        '\x1a',
        '\x1b',
      ),
      fc.string({ unit: 'binary-ascii', maxLength: 100 }).map((text) => `AT${text}\r`),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 8 }), async (parts) => {
        const { ask, events, module } = await host();
        const noise = parts.join('').replaceAll(/\+CMUX|D\*?9/gi, '');
        await ask(noise);
        // ESC ends a prompt, CR a line; S-registers, E, V and Q may be anything now.
        await ask('\x1b\r');
        await module.reset();
        for (let turn = 0; turn < 3; turn++) await ask('');
        expect(events.filter(({ type }) => type === 'handlerFailed')).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  test('noise that sets nothing is forgotten with the next CR', async () => {
    const octet = fc.integer({ min: 0, max: 255 }).filter((value) => value !== 0x41 && value !== 0x61);
    await fc.assert(
      fc.asyncProperty(fc.array(octet, { maxLength: 300 }), async (octets) => {
        const { ask } = await host();
        await ask(fromLatin1(Uint8Array.from(octets)));
        expect(await ask('\rAT\r')).toBe(OK);
        expect(latin1(fromLatin1(Uint8Array.from(octets)))).toEqual(Uint8Array.from(octets));
      }),
      { numRuns: 30 },
    );
  });
});
