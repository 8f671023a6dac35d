import { CellmuxError, hasCode, latin1 } from '@cellmux/port';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bench, type Bench } from '../../test/scripted-module.ts';

const CSQ = { lines: ['+CSQ: 9,0'], result: 'OK' };

function stepBench(): Bench {
  const all = bench();
  all.module.answers.set('AT+CSQ', '\r\n+CSQ: 9,0\r\n\r\nOK\r\n');
  all.module.answers.set('AT+SLOW', undefined);
  return all;
}

async function timeOut({ client, clock }: Bench): Promise<void> {
  const error: unknown = await clock.run(
    client.command('AT+SLOW', { timeoutMs: 1000 }).catch((reason: unknown) => reason),
  );
  expect(hasCode(error, 'ERR_AT_TIMEOUT')).toBe(true);
}

describe('after a command that was given up', () => {
  test('its late answer while nothing is sent costs no probe', async () => {
    const all = stepBench();
    await timeOut(all);
    all.module.say('\r\n+SLOW: 1\r\n\r\nOK\r\n');
    await all.clock.advance(0);
    expect(await all.clock.run(all.client.command('AT+CSQ'))).toEqual(CSQ);
    expect(all.module.lines).toEqual(['AT+SLOW', 'AT+CSQ']);
    expect(all.urcs).toEqual([]);
  });

  test.each(['\r\n+SLOW: 1\r\n\r\nOK\r\n', '\r\nERROR\r\n', '\r\n+CME ERROR: 3\r\n', ''])(
    'its answer %j just before that of the next command is not taken for it',
    async (late) => {
      const all = stepBench();
      await timeOut(all);
      const next = all.client.command('AT+CSQ');
      all.module.say(late);
      expect(await all.clock.run(next)).toEqual(CSQ);
      expect(all.module.lines).toEqual(['AT+SLOW', 'ATS3?', 'AT+CSQ']);
    },
  );

  test('an answer that comes so late that probes have gone before it', async () => {
    const all = stepBench();
    await timeOut(all);
    // The module is busy: it answers everything, in order, 1.5 s later.
    for (const probe of ['ATS3?', 'ATS4?']) all.module.answers.set(probe, undefined);
    const next = all.client.command('AT+CSQ');
    await all.clock.advance(1500);
    expect(all.module.lines).toEqual(['AT+SLOW', 'ATS3?', 'ATS4?']);
    all.module.say('\r\n+SLOW: 1\r\n\r\nOK\r\n\r\n013\r\n\r\nOK\r\n');
    await all.clock.advance(10);
    expect(all.module.lines).toHaveLength(3);
    all.module.say('\r\n010\r\n\r\nOK\r\n');
    expect(await all.clock.run(next)).toEqual(CSQ);
  });

  test('a module that answers nothing: each command says so, and the first answer ends it', async () => {
    const all = stepBench();
    await timeOut(all);
    for (const probe of ['ATS3?', 'ATS4?', 'ATS5?']) all.module.answers.set(probe, undefined);
    for (let time = 0; time < 2; time++) {
      const error: unknown = await all.clock.run(all.client.command('AT+CSQ').catch((reason: unknown) => reason));
      expect(error).toMatchObject({ code: 'ERR_AT_TIMEOUT', context: { sent: false } });
    }
    expect(all.module.lines).not.toContain('AT+CSQ');
    for (const [probe, value] of [
      ['ATS3?', '013'],
      ['ATS4?', '010'],
      ['ATS5?', '008'],
    ] as const)
      all.module.answers.set(probe, `\r\n${value}\r\n\r\nOK\r\n`);
    expect(await all.clock.run(all.client.command('AT+CSQ'))).toEqual(CSQ);
  });

  test('answers of an earlier round of probes are waited out', async () => {
    const all = stepBench();
    await timeOut(all);
    const values = [
      ['ATS3?', '013'],
      ['ATS4?', '010'],
      ['ATS5?', '008'],
    ] as const;
    for (const [probe] of values) all.module.answers.set(probe, undefined);
    await all.clock.run(all.client.command('AT+CSQ').catch(() => undefined));
    const next = all.client.command('AT+CSQ');
    await all.clock.advance(100);
    // All that was asked so far, at once: the answer to the newest probe is the last one.
    for (const value of ['013', '010', '008', '013']) all.module.say(`\r\n${value}\r\n\r\nOK\r\n`);
    await all.clock.advance(100);
    expect(all.module.lines).not.toContain('AT+CSQ');
    expect(await all.clock.run(next)).toEqual(CSQ);
  });

  test('a module without these registers is believed after all probes', async () => {
    const all = stepBench();
    await timeOut(all);
    for (const probe of ['ATS3?', 'ATS4?', 'ATS5?']) all.module.answers.set(probe, '\r\nERROR\r\n');
    expect(await all.clock.run(all.client.command('AT+CSQ'))).toEqual(CSQ);
    expect(all.clock.now()).toBeLessThan(1000 + 3 * 1000 + 100);
  });

  test('half a response, the rest never', async () => {
    const all = stepBench();
    all.module.answers.set('AT+SLOW', '\r\n+SLOW: 1\r\n+SL');
    await timeOut(all);
    expect(await all.clock.run(all.client.command('AT+CSQ'))).toEqual(CSQ);
  });

  test('half a payload: the rest that comes late ends nothing', async () => {
    const all = stepBench();
    all.module.answers.set('AT+SLOW', '\r\n+SLOW: 20\r\nabc');
    const slow = all.client.command('AT+SLOW', {
      timeoutMs: 1000,
      countedPayload: (line) => (line === '+SLOW: 20' ? 20 : undefined),
    });
    await all.clock.run(slow.catch(() => undefined));
    all.module.say('\r\nOK\r\n');
    await all.clock.advance(0);
    const next = all.client.command('AT+CSQ');
    await all.clock.advance(0);
    all.module.say('abc\r\n\r\nOK\r\n');
    expect(await all.clock.run(next)).toEqual(CSQ);
    expect(all.module.lines).toEqual(['AT+SLOW', 'ATS3?', 'AT+CSQ']);
  });

  test('a reset in between: the echo is on again', async () => {
    const all = stepBench();
    all.module.answers.set('AT+SLOW', (module) => {
      module.echo = true;
      return '\x00\xff\x00\r\n^SYSSTART\r\n';
    });
    await timeOut(all);
    expect(await all.clock.run(all.client.command('AT+CSQ'))).toEqual(CSQ);
  });

  test('an abort lets the caller go at once and keeps step', async () => {
    const all = stepBench();
    const abort = new AbortController();
    const slow = all.client.command('AT+SLOW', { signal: abort.signal });
    const waiting = all.client.command('AT+WAITING', { signal: abort.signal });
    const next = all.client.command('AT+CSQ');
    await all.clock.advance(10);
    const reason = new Error('enough');
    abort.abort(reason);
    await expect(slow).rejects.toBe(reason);
    await expect(waiting).rejects.toBe(reason);
    all.module.say('\r\nERROR\r\n');
    expect(await all.clock.run(next)).toEqual(CSQ);
    expect(all.module.lines).not.toContain('AT+WAITING');
    await expect(all.client.command('AT', { signal: abort.signal })).rejects.toBe(reason);
  });

  test('a line that takes nothing for a while: what the module then gets late is not the next command', async () => {
    const all = stepBench();
    all.pair.dce.pause();
    await timeOut(all);
    all.module.answers.set('AT+SLOW', '\r\n+SLOW: 1\r\n\r\nOK\r\n');
    all.pair.dce.resume();
    expect(await all.clock.run(all.client.command('AT+CSQ'))).toEqual(CSQ);
  });
});

describe('after a prompt that was given up', () => {
  const text = { bytes: latin1('hello'), end: 'ctrlZ' } as const;

  test('the prompt that comes late is called off', async () => {
    const all = stepBench();
    const sent = all.client.command('AT+SLOW', { prompt: text, timeoutMs: 1000 });
    await all.clock.run(sent.catch(() => undefined));
    const ended: string[] = [];
    all.module.open('ctrlZ', (typed) => {
      ended.push(typed);
      return '\r\nOK\r\n';
    });
    await all.clock.advance(0);
    expect(ended).toEqual(['\x1b']);
    expect(await all.clock.run(all.client.command('AT+CSQ'))).toEqual(CSQ);
  });

  test('a Ctrl-Z that was lost leaves no prompt open', async () => {
    const all = stepBench();
    const ended: string[] = [];
    all.module.answers.set(
      'AT+SLOW',
      all.module.prompt('esc', (typed) => {
        ended.push(typed);
        return '\r\nOK\r\n';
      }),
    );
    const sent = all.client.command('AT+SLOW', { prompt: text, timeoutMs: 1000 });
    await all.clock.run(sent.catch(() => undefined));
    expect(await all.clock.run(all.client.command('AT+CSQ'))).toEqual(CSQ);
    expect(ended).toEqual(['hello\x1a\x1b']);
  });

  test('octets of a counted text that were lost are made up for by probes', async () => {
    const all = stepBench();
    all.module.answers.set(
      'AT+SLOW',
      all.module.prompt(7, () => '\r\nOK\r\n'),
    );
    const sent = all.client.command('AT+SLOW', { prompt: { bytes: latin1('hello'), end: 'counted' }, timeoutMs: 1000 });
    await all.clock.run(sent.catch(() => undefined));
    expect(await all.clock.run(all.client.command('AT+CSQ'))).toEqual(CSQ);
  });
});

describe('property', () => {
  test('after any noise, any silence and any late answer, the next command gets its own response', async () => {
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((bytes) => String.fromCharCode(...bytes)),
      fc.constantFrom(
        '\r\nOK\r\n',
        '\r\nERROR\r\n',
        '\r\n',
        '\r\n+CSQ: 1,0\r\n',
        '\r\n013\r\n',
        'OK',
        '\r\n> ',
        '\r\nRING\r\n',
      ),
    );
    const step = fc.record({
      says: fc.option(noise, { nil: undefined }),
      idleNoise: noise,
      lateMs: fc.option(fc.integer({ min: 1, max: 3000 }), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 5 }), async (steps) => {
        const all = stepBench();
        const { module, clock, client } = all;
        for (const { says, idleNoise, lateMs } of steps) {
          module.answers.set('AT+NOISE', () => {
            if (lateMs !== undefined) clock.after(1000 + lateMs, () => module.say('\r\n+NOISE: 1\r\n\r\nOK\r\n'));
            return says;
          });
          const answered = await clock.run(
            client.command('AT+NOISE', { timeoutMs: 1000 }).then(
              () => true,
              (error: unknown) => {
                expect(error).toBeInstanceOf(CellmuxError);
                return false;
              },
            ),
          );
          // What the module says twice to one line is beyond what can be told apart; a line alone is not.
          if (answered && lateMs !== undefined) await clock.advance(4000);
          if (!answered) {
            module.say(idleNoise);
            await clock.advance(0);
          }
          if (lateMs !== undefined) {
            // The module answers in order: what it owes comes before the answers to what follows.
            await clock.advance(lateMs);
          }
          const before = clock.now();
          expect(await clock.run(client.command('AT+CSQ'))).toEqual(CSQ);
          expect(clock.now() - before).toBeLessThan(5000);
        }
      }),
      { numRuns: 150 },
    );
  });
});
