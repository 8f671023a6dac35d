import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { describeFaults } from './fault-forms.ts';
import { parseFaults } from './parse-faults.ts';

describe('parseFaults', () => {
  test('names, arguments, times', () => {
    expect(parseFaults('reset@20s/1m, context:2@500ms~2 ,late:300ms,stuck:2:1.5s,garbage:0')).toEqual([
      { fault: { kind: 'reset' }, atMs: 20_000, jitterMs: 0, everyMs: 60_000 },
      { fault: { kind: 'context', cid: 2 }, atMs: 500, jitterMs: 2000, everyMs: undefined },
      { fault: { kind: 'late', delayMs: 300, lines: 1_000_000 }, atMs: 0, jitterMs: 0, everyMs: undefined },
      { fault: { kind: 'stuck', port: 2, forMs: 1500 }, atMs: 0, jitterMs: 0, everyMs: undefined },
      { fault: { kind: 'garbage', port: 0, bytes: 16 }, atMs: 0, jitterMs: 0, everyMs: undefined },
    ]);
    expect(parseFaults('sim:10:3s@1m,late:1s:2:3,error:5:1,line')).toEqual([
      { fault: { kind: 'sim', cme: 10, forMs: 3000 }, atMs: 60_000, jitterMs: 0, everyMs: undefined },
      { fault: { kind: 'late', delayMs: 1000, lines: 2, port: 3 }, atMs: 0, jitterMs: 0, everyMs: undefined },
      { fault: { kind: 'error', lines: 5, port: 1 }, atMs: 0, jitterMs: 0, everyMs: undefined },
      { fault: { kind: 'line', forMs: 10_000 }, atMs: 0, jitterMs: 0, everyMs: undefined },
    ]);
    expect(parseFaults('')).toEqual([]);
  });

  test.each([
    'explode',
    'reset:1',
    'stuck',
    'stuck:4',
    'context:x',
    'late:5parsecs',
    'reset/0',
    'reset@',
    'reset@2d',
    'toString',
    'constructor',
    'sim:9',
    'error:1:4',
  ])('%s is refused with what to write', (text) => {
    expect(() => parseFaults(text)).toThrowError(
      expect.objectContaining({ code: 'ERR_HE863_FAULTS', hint: expect.stringContaining('reset@20s/60s') }),
    );
  });

  test('whatever the text, it is a plan or that error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-z]{1,8}(:\w{0,4}){0,3}(@\w{0,4})?$/)), (text) => {
        try {
          parseFaults(text);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_HE863_FAULTS' });
        }
      }),
    );
  });
});

describe('describeFaults', () => {
  test('each form is one that parseFaults reads, with all of its arguments and with none that may be left out', () => {
    const values: Readonly<Record<string, string>> = {
      PORT: '1',
      FOR: '2s',
      DELAY: '300ms',
      LINES: '4',
      BYTES: '5',
      CID: '2',
      CME: '14',
      TIMES: '3',
      AFTER: '1m',
    };
    for (const { form } of describeFaults()) {
      const full = form.replaceAll(/[[\]]/g, '').replaceAll(/[A-Z]+/g, (word) => values[word] ?? 'unknown');
      const short = form.replace(/\[.*$/, '').replaceAll(/[A-Z]+/g, (word) => values[word] ?? 'unknown');
      const [kind] = form.split(/[:[]/);
      for (const text of [full, short]) expect(parseFaults(text), text).toMatchObject([{ fault: { kind } }]);
      expect(() => parseFaults(`${full}:1`)).toThrow();
    }
  });

  test('the README has them as they are', () => {
    const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
    const rows = describeFaults().map(({ form, meaning }) => `| \`${form}\` | ${meaning} |`);
    const table = readme.split('\n').map((line) => line.replaceAll(/ +/g, ' '));
    for (const row of rows) expect(table).toContain(row);
  });
});
