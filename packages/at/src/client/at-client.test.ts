import { getEventListeners } from 'node:events';
import { CellmuxError, fromLatin1, hasCode, latin1 } from '@cellmux/port';
import { describe, expect, test } from 'vitest';
import { bench } from '../../test/scripted-module.ts';
import { QUEUE_LIMIT_COMMANDS, RESPONSE_LINE_LIMIT } from '../core/limits.ts';
import type { AtEvent } from './at-events.ts';
import { GENERIC_AT_PROFILE } from './at-profile.ts';
import { atString } from './at-string.ts';
import { responseBefore } from './command-job.ts';

const countSrecv = (line: string): number | undefined => {
  const count = /^#SRECV: \d,(\d+)$/.exec(line)?.[1];
  return count === undefined ? undefined : Number(count);
};

/** The error a promise rejects with, kept until it is asked for. */
function rejection(promise: Promise<unknown>): Promise<CellmuxError> {
  return promise.then(
    () => {
      throw new Error('did not reject');
    },
    (error: unknown) => error as CellmuxError,
  );
}

describe('a command', () => {
  test('resolves with the information lines and leaves the gap before the next command', async () => {
    const { client, module, clock } = bench();
    module.answers.set('AT+CSQ', '\r\n+CSQ: 17,0\r\n\r\nOK\r\n');
    const first = client.command('AT+CSQ');
    const second = client.command('AT+CGMM');
    await clock.advance(0);
    expect(await first).toEqual({ lines: ['+CSQ: 17,0'], result: 'OK' });
    await clock.advance(19);
    expect(module.lines).toEqual(['AT+CSQ']);
    await clock.advance(1);
    expect(module.lines).toEqual(['AT+CSQ', 'AT+CGMM']);
    await second;
  });

  test('does not wait for a gap that is over', async () => {
    const { client, module, clock } = bench();
    await clock.run(client.command('AT'));
    await clock.advance(30);
    void client.command('AT+CSQ');
    await clock.advance(0);
    expect(module.lines).toEqual(['AT', 'AT+CSQ']);
  });

  test('goes out with CR alone, in the order of the calls, urgent ones first', async () => {
    const { client, module, clock } = bench();
    const all = ['AT+A', 'AT+B', 'AT+C', 'AT+D'].map((line) =>
      client.command(line, { urgent: line === 'AT+C' || line === 'AT+D' }),
    );
    await clock.run(Promise.all(all));
    expect(module.heard).toBe('AT+A\rAT+C\rAT+D\rAT+B\r');
  });

  test('gives unsolicited lines between and behind the lines of a response', async () => {
    const { client, module, clock, urcs } = bench();
    module.answers.set('AT#SS', '\r\n#SS: 1,0\r\n\r\nSRING: 2\r\n#SS: 2,3\r\n\r\nOK\r\n\r\nNO CARRIER\r\n');
    const response = await clock.run(client.command('AT#SS'));
    expect(response.lines).toEqual(['#SS: 1,0', '#SS: 2,3']);
    expect(urcs.map(({ text }) => text)).toEqual(['SRING: 2', 'NO CARRIER']);
  });

  test('works with echo and with numeric results', async () => {
    const { client, module, clock, urcs } = bench();
    module.echo = true;
    module.answers.set('AT+CSQ', '\r\n+CSQ: 1,0\r\n\r\nOK\r\n');
    module.answers.set('ATV0', '0\r');
    module.answers.set('AT+CSQ?', '+CSQ: 2,0\r\n0\r');
    expect((await clock.run(client.command('AT+CSQ'))).lines).toEqual(['+CSQ: 1,0']);
    expect((await clock.run(client.command('ATV0'))).result).toBe('OK');
    expect(await clock.run(client.command('AT+CSQ?'))).toEqual({ lines: ['+CSQ: 2,0'], result: 'OK' });
    module.answers.set('AT+X', '4\r');
    expect(await clock.run(rejection(client.command('AT+X')))).toMatchObject({ code: 'ERR_AT_ERROR' });
    module.say('2\r');
    await clock.advance(0);
    expect(urcs).toEqual([{ text: 'RING' }]);
  });

  test.each([
    ['ERROR', { code: 'ERR_AT_ERROR' }],
    ['+CME ERROR: 558', { code: 'ERR_AT_CME', context: { cme: 558, text: 'cannot resolve DN' } }],
    ['+CME ERROR: cannot resolve DN', { code: 'ERR_AT_CME', context: { cme: 558 } }],
    ['+CME ERROR: can not resolve DN', { code: 'ERR_AT_CME', context: { cme: 558 } }],
    ['+CME ERROR: what nobody knows', { code: 'ERR_AT_CME', context: { cme: undefined, text: 'what nobody knows' } }],
    ['+CMS ERROR: 331', { code: 'ERR_AT_CMS', context: { cms: 331, text: 'no network service' } }],
  ])('rejects at %s', async (result, expected) => {
    const { client, module, clock } = bench();
    module.answers.set('AT+X', `\r\n${result}\r\n`);
    expect(await clock.run(rejection(client.command('AT+X')))).toMatchObject(expected);
    await clock.run(client.command('AT'));
  });

  test.each([
    ['NO CARRIER', 'ERR_AT_NO_CARRIER'],
    ['BUSY', 'ERR_AT_BUSY'],
    ['NO ANSWER', 'ERR_AT_NO_ANSWER'],
    ['NO DIALTONE', 'ERR_AT_NO_DIALTONE'],
    ['OK', 'ERR_AT_NO_CONNECT'],
  ])('that dials rejects at %s', async (result, code) => {
    const { client, module, clock } = bench();
    module.answers.set('ATD1', `\r\n${result}\r\n`);
    expect(await clock.run(rejection(client.connect('ATD1')))).toMatchObject({ code });
    expect(client.mode).toBe('command');
  });

  test('looks up an FTP error among those of FTP', async () => {
    const { client, module, clock } = bench();
    module.answers.set('AT#FTPCLOSE', '\r\n+CME ERROR: wrong state\r\n');
    expect(await clock.run(rejection(client.command('AT#FTPCLOSE')))).toMatchObject({ context: { cme: 601 } });
  });

  test('gives counted payload, whatever it holds', async () => {
    const { client, module, clock } = bench();
    module.answers.set('AT#SRECV=1,20', '\r\n#SRECV: 1,12\r\n\r\nOK\r\nERROR\r\r\n\r\nOK\r\n');
    const { lines, payload } = await clock.run(client.command('AT#SRECV=1,20', { countedPayload: countSrecv }));
    expect(lines).toEqual(['#SRECV: 1,12']);
    expect(fromLatin1(payload!)).toBe('\r\nOK\r\nERROR\r');
  });

  test('rejects a response whose count and octets do not agree, and goes on', async () => {
    const { client, module, clock } = bench();
    module.answers.set('AT#SRECV=1,20', '\r\n#SRECV: 1,3\r\nabcd\r\n\r\nOK\r\n');
    const error = await clock.run(rejection(client.command('AT#SRECV=1,20', { countedPayload: countSrecv })));
    expect(error.code).toBe('ERR_AT_RESPONSE_DAMAGED');
    await clock.run(client.command('AT'));
  });

  test('rejects with what countedPayload threw', async () => {
    const { client, module, clock } = bench();
    module.answers.set('AT+X', '\r\n+X: 1\r\n\r\nOK\r\n');
    const thrown = new Error('mine');
    const failed = client.command('AT+X', {
      countedPayload: () => {
        throw thrown;
      },
    });
    expect(await clock.run(rejection(failed))).toBe(thrown);
    await clock.run(client.command('AT'));
  });

  test('that is chained and fails keeps what had been answered before', async () => {
    const { client, module, clock } = bench();
    const line = 'AT#SRECV=1,9;#SRECV=1,9';
    module.answers.set(line, '\r\n#SRECV: 1,3\r\nabc\r\n\r\n+CME ERROR: 555\r\n');
    const error = await clock.run(rejection(client.command(line, { countedPayload: countSrecv })));
    expect(error).toMatchObject({ code: 'ERR_AT_CME', context: { cme: 555 } });
    expect(responseBefore(error)).toEqual({ lines: ['#SRECV: 1,3'], payload: latin1('abc') });
    module.answers.set('AT', '\r\nERROR\r\n');
    expect(responseBefore(await clock.run(rejection(client.command('AT'))))).toBeUndefined();
    expect(responseBefore(undefined)).toBeUndefined();
  });

  test('resolves at a final line of its own', async () => {
    const { client, module, clock } = bench();
    module.answers.set('AT+X', '\r\nSEND OK\r\n');
    expect((await clock.run(client.command('AT+X', { finalLines: ['SEND OK'] }))).result).toBe('SEND OK');
  });
});

describe('a prompt', () => {
  test('gets its text and Ctrl-Z, also where the module echoes', async () => {
    for (const echo of [false, true]) {
      const { client, module, clock } = bench();
      module.echo = echo;
      let typed = '';
      module.answers.set(
        'AT#SSEND=1',
        module.prompt('ctrlZ', (text) => {
          typed = text;
          return '\r\n#SSEND: 1\r\n\r\nOK\r\n';
        }),
      );
      const text = 'hello\r\nOK\r\n> ';
      const response = await clock.run(client.command('AT#SSEND=1', { prompt: { bytes: latin1(text), end: 'ctrlZ' } }));
      expect(typed).toBe(`${text}\x1a`);
      expect(response.lines).toEqual(['#SSEND: 1']);
    }
  });

  test('gets a counted text with any octet and without an end', async () => {
    const { client, module, clock } = bench();
    const bytes = Uint8Array.from({ length: 256 }, (_, octet) => octet);
    let typed = '';
    module.answers.set(
      'AT#SSENDEXT=1,256',
      module.prompt(256, (text) => {
        typed = text;
        return '\r\nOK\r\n';
      }),
    );
    await clock.run(client.command('AT#SSENDEXT=1,256', { prompt: { bytes, end: 'counted' } }));
    expect(typed).toBe(fromLatin1(bytes));
  });

  test('that does not come: nothing is sent', async () => {
    const { client, module, clock } = bench();
    module.answers.set('AT#SSEND=1', '\r\nERROR\r\n');
    const prompt = { bytes: latin1('hello'), end: 'ctrlZ' } as const;
    expect(await clock.run(rejection(client.command('AT#SSEND=1', { prompt })))).toMatchObject({
      code: 'ERR_AT_ERROR',
    });
    module.answers.set('AT#SSEND=1', '\r\nOK\r\n');
    expect(await clock.run(rejection(client.command('AT#SSEND=1', { prompt })))).toMatchObject({
      code: 'ERR_AT_NO_PROMPT',
    });
    expect(module.heard).toBe('AT#SSEND=1\rAT#SSEND=1\r');
  });

  test('is given its own time once the text has gone', async () => {
    const { client, module, clock } = bench();
    module.answers.set('AT#SSEND=1', undefined);
    const sent = client.command('AT#SSEND=1', { prompt: { bytes: latin1('x'), end: 'ctrlZ' }, timeoutMs: 1000 });
    await clock.advance(900);
    module.say('\r\n> ');
    await clock.advance(900);
    module.say('\r\nOK\r\n');
    await clock.run(sent);
  });
});

describe('a line that takes nothing for a while', () => {
  test('does not cost a text at the prompt its time', async () => {
    const { client, module, pair, clock } = bench();
    module.answers.set('AT#SSEND=1', undefined);
    const sent = client.command('AT#SSEND=1', { prompt: { bytes: latin1('x'), end: 'ctrlZ' }, timeoutMs: 1000 });
    await clock.advance(900);
    pair.dce.pause();
    module.open('ctrlZ', () => '\r\nOK\r\n');
    await clock.advance(900);
    pair.dce.resume();
    await clock.run(sent);
  });

  test('gets no command late that had not begun to leave', async () => {
    const { client, module, pair, clock } = bench();
    pair.dce.pause();
    const first = rejection(client.command('AT+FIRST', { timeoutMs: 1000 }));
    await clock.advance(1000);
    expect((await first).code).toBe('ERR_AT_TIMEOUT');
    // Said by itself, which is as good as an answer.
    module.say('\r\nOK\r\n');
    await clock.advance(0);
    const second = rejection(client.command('AT+SECOND', { timeoutMs: 1000 }));
    await clock.advance(2000);
    expect(await second).toMatchObject({ code: 'ERR_AT_TIMEOUT', context: { sent: true } });
    for (let time = 0; time < 3; time++) {
      expect(await clock.run(rejection(client.command('AT')))).toMatchObject({ context: { sent: false } });
    }
    pair.dce.resume();
    await clock.advance(100);
    expect(module.lines).toEqual(['AT+FIRST']);
    await clock.run(client.command('AT+CSQ'));
  });
});

describe('refuses without sending anything', () => {
  test.each<[string, string]>([
    ['CSQ', 'ERR_AT_NOT_A_COMMAND'],
    ['AT+X\rAT+Y', 'ERR_AT_UNSAFE_TEXT'],
    ['AT+X="\x1a"', 'ERR_AT_UNSAFE_TEXT'],
    ['AT+X="é"', 'ERR_AT_UNSAFE_TEXT'],
    [`AT${'x'.repeat(79)}`, 'ERR_AT_LINE_TOO_LONG'],
  ])('%j', async (line, code) => {
    const { client, module, clock } = bench();
    expect(await rejection(client.command(line))).toMatchObject({ code });
    await clock.advance(100);
    expect(module.heard).toBe('');
  });

  test('no line of just the limit, and lets the profile say the limit', async () => {
    const { client, clock } = bench();
    await clock.run(client.command(`AT${'x'.repeat(78)}`));
    const generic = bench({ profile: GENERIC_AT_PROFILE });
    await generic.clock.run(generic.client.command(`AT${'x'.repeat(398)}`));
  });

  test('a text for Ctrl-Z that could end or edit itself', async () => {
    const { client } = bench();
    for (const octet of [0x08, 0x1a, 0x1b]) {
      const prompt = { bytes: Uint8Array.of(0x61, octet), end: 'ctrlZ' } as const;
      expect(await rejection(client.command('AT#SSEND=1', { prompt }))).toMatchObject({ code: 'ERR_AT_UNSAFE_TEXT' });
    }
  });

  test('a time that is out of range', async () => {
    const { client } = bench();
    expect(await rejection(client.command('AT', { timeoutMs: 0 }))).toMatchObject({ code: 'ERR_OPTION_RANGE' });
    expect(() => bench({ timeoutMs: 0.5 })).toThrow(CellmuxError);
    for (const change of [
      { s12: 256 },
      { s3: -1 },
      { maximumLineLength: 7 },
      { probeMs: 0 },
      { dataEndQuietMs: NaN },
    ]) {
      expect(() => bench({ profile: { ...GENERIC_AT_PROFILE, ...change } })).toThrow(
        expect.objectContaining({ code: 'ERR_OPTION_RANGE' }),
      );
    }
  });

  test('strings that could end themselves', () => {
    expect(atString('internet')).toBe('"internet"');
    for (const text of ['a"b', 'a\rb', 'a\x1ab', 'a\0', 'é']) {
      expect(() => atString(text)).toThrow(expect.objectContaining({ code: 'ERR_AT_UNSAFE_TEXT' }));
    }
  });
});

describe('bounds', () => {
  test('the queue', async () => {
    const { client, clock } = bench();
    const running = client.command('AT');
    const waiting = Array.from({ length: QUEUE_LIMIT_COMMANDS }, () => client.command('AT'));
    expect(await rejection(client.command('AT'))).toMatchObject({ code: 'ERR_AT_QUEUE_FULL' });
    await clock.run(Promise.all([running, ...waiting]));
    await clock.run(client.command('AT'));
  });

  test.each([
    ['lines', '+X: 1\r\n'.repeat(RESPONSE_LINE_LIMIT + 1)],
    ['octets', `+X: ${'x'.repeat(8000)}\r\n`.repeat(40)],
    ['one line', `+X: ${'x'.repeat(9000)}\r\n`],
    ['one payload', `+X: 70000\r\n${'OK\r\n'.repeat(17_500)}\r\n`],
  ])('the %s of a response: a typed error, and the next command works', async (_, text) => {
    const { client, module, clock } = bench();
    module.answers.set('AT+X', `\r\n${text}\r\nOK\r\n`);
    const countedPayload = (line: string): number | undefined => (line === '+X: 70000' ? 70_000 : undefined);
    const error = await clock.run(rejection(client.command('AT+X', { countedPayload })));
    expect(error.code).toBe('ERR_AT_RESPONSE_TOO_LONG');
    expect((await clock.run(client.command('AT'))).result).toBe('OK');
    expect(module.lines).toEqual(['AT+X', 'AT']);
  });
});

describe('unsolicited lines', () => {
  test('with counted data, once they are made known', async () => {
    const { client, module, clock, urcs } = bench();
    const line = '\r\nSRING: 1,8,a\r\nOK\r\nb\r\n';
    const remove = client.addUrc({
      text: 'SRING:',
      countedUrc: (head) => {
        const count = /^SRING: \d,(\d+),$/.exec(head)?.[1];
        return count === undefined ? undefined : Number(count);
      },
    });
    module.say(`${line}\r\nSRING: 2\r\n`);
    await clock.advance(0);
    expect(urcs).toEqual([{ text: 'SRING: 1,8,', payload: latin1('a\r\nOK\r\nb') }, { text: 'SRING: 2' }]);
    remove();
    urcs.length = 0;
    module.say(line);
    await clock.advance(0);
    expect(urcs.map(({ text }) => text)).toEqual(['SRING: 1,8,a', 'b']);
  });

  test('arrive in order, while nothing runs and while something does', async () => {
    const { client, module, clock, urcs } = bench();
    module.say('\r\nRING\r\n');
    module.answers.set('AT', '\r\nSRING: 1\r\n\r\nOK\r\n\r\nSRING: 2\r\n');
    await clock.run(client.command('AT'));
    module.say('\r\n+NEW: 1\r\n');
    await clock.advance(0);
    expect(urcs.map(({ text }) => text)).toEqual(['RING', 'SRING: 1', 'SRING: 2', '+NEW: 1']);
  });
});

describe('signals', () => {
  test('are let go of when the command has ended', async () => {
    const { client, module, clock } = bench();
    const { signal } = new AbortController();
    await clock.run(client.command('AT', { signal }));
    module.answers.set('AT', '\r\nERROR\r\n');
    await clock.run(rejection(client.command('AT', { signal })));
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});

describe('the end', () => {
  test('of the line rejects what runs and waits, once each', async () => {
    for (const error of [undefined, new Error('unplugged')]) {
      const { client, module, pair, clock } = bench();
      module.answers.set('AT+A', undefined);
      const jobs = [client.command('AT+A'), client.command('AT+B')].map(rejection);
      await clock.advance(0);
      if (error === undefined) await pair.dce.close();
      else pair.fail(error);
      for (const job of jobs) expect(await clock.run(job)).toMatchObject({ code: 'ERR_AT_LINE_LOST' });
      expect(client.mode).toBe('closed');
      expect(await rejection(client.command('AT'))).toMatchObject({ code: 'ERR_AT_CLOSED' });
      expect(clock.pendingTimers).toBe(0);
    }
  });

  test('by close leaves the port to its next owner with what was not used', async () => {
    const { client, module, pair, clock, urcs } = bench();
    module.answers.set('AT+A', undefined);
    const jobs = [client.command('AT+A'), client.command('AT+B')].map(rejection);
    module.say('\r\nRING\r\nhalf');
    await clock.advance(0);
    await Promise.all([client.close(), client.close()]);
    for (const job of jobs) expect(await job).toMatchObject({ code: 'ERR_AT_CLOSED' });
    module.say(' a line');
    await clock.advance(0);
    let text = '';
    client.released.received$.subscribe((chunk) => (text += fromLatin1(chunk)));
    await clock.advance(0);
    expect(text).toBe('half a line');
    expect(urcs).toEqual([{ text: 'RING' }]);
    expect(pair.dte.isClosed).toBe(false);
    expect(clock.pendingTimers).toBe(0);
  });

  test('by hand-over gives the port from the octet behind OK on', async () => {
    const { client, module, clock, urcs } = bench();
    module.answers.set('AT+CMUX=0', '\r\nOK\r\n\xf9\x03\x3f\x01\x1c\xf9\r\nRING\r\n');
    const waiting = rejection(
      new Promise((_, reject) => void client.urcs$.subscribe({ complete: () => reject(new Error()) })),
    );
    const { response, port } = await clock.run(client.handOver('AT+CMUX=0'));
    expect(response.result).toBe('OK');
    let text = '';
    port.received$.subscribe((chunk) => (text += fromLatin1(chunk)));
    expect(text).toBe('\xf9\x03\x3f\x01\x1c\xf9\r\nRING\r\n');
    expect(urcs).toEqual([]);
    expect(client.mode).toBe('closed');
    await waiting;
  });

  test('does not come by a hand-over that is refused', async () => {
    const { client, module, clock } = bench();
    module.answers.set('AT+CMUX=0', '\r\nERROR\r\n');
    expect(await clock.run(rejection(client.handOver('AT+CMUX=0')))).toMatchObject({ code: 'ERR_AT_ERROR' });
    await clock.run(client.command('AT'));
  });
});

describe('secrets', () => {
  test('are in no error and in no event', async () => {
    const { client, module, clock, urcs } = bench();
    const events: AtEvent[] = [];
    client.events$.subscribe((event) => events.push(event));
    module.echo = true;
    const line = 'AT#SGACT=1,1,"user","SENTINEL"';
    const seen: unknown[] = [];
    for (const answer of ['\r\nERROR\r\n', '\r\n+CME ERROR: 149\r\n', '\r\nOK\r\n', undefined]) {
      module.answers.set(line, answer);
      seen.push(await clock.run(client.command(line, { secret: true }).catch((error: unknown) => error)));
    }
    seen.push(await rejection(client.command(`${line}${'x'.repeat(80)}`, { secret: true })));
    seen.push(await rejection(client.command(`${line}\r`, { secret: true })));
    // The echo of the last one comes late and damaged.
    module.say('T#SGACT=1,1,"user","SENTINEL"\r\r\nOK\r\n');
    await clock.advance(10_000);
    const texts = seen.map((one) =>
      one instanceof CellmuxError ? `${one.message} ${one.stack} ${JSON.stringify(one.context)} ${one.hint}` : '',
    );
    expect(JSON.stringify([events, urcs, texts])).not.toContain('SENTINEL');
    expect(events).toContainEqual(expect.objectContaining({ type: 'commandSent', command: 'AT#SGACT…' }));
    expect(hasCode(seen[3], 'ERR_AT_TIMEOUT')).toBe(true);
  });
});
