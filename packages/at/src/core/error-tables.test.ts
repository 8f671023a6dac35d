import { describe, expect, test } from 'vitest';
import { CME_ERRORS, cmeCode } from './cme-errors.ts';
import { CMS_ERRORS, cmsCode } from './cms-errors.ts';

describe('the tables of errors', () => {
  test('read a number as it is', () => {
    expect(cmeCode(' 556')).toBe(556);
    expect(cmsCode('500 ')).toBe(500);
    expect(cmeCode('4294967296')).toBeUndefined();
  });

  test('find a text in any spelling', () => {
    for (const text of ['cannot resolve DN', 'can not resolve DN', 'CANNOT RESOLVE dn'])
      expect(cmeCode(text)).toBe(558);
    expect(cmeCode('can not resume socket')).toBe(566);
    expect(cmeCode('cannot resume socket')).toBe(566);
    expect(cmeCode('time-out in opening socket')).toBe(559);
    expect(cmeCode('timeout in opening socket')).toBe(559);
    expect(cmeCode('SIM not inserted')).toBe(10);
    expect(cmsCode('sc busy')).toBe(192);
    expect(cmeCode('no such text')).toBeUndefined();
    expect(cmsCode('no such text')).toBeUndefined();
  });

  test('tell a text of several numbers by the family of its command', () => {
    expect(cmeCode('wrong state')).toBe(551);
    expect(cmeCode('wrong state', 'ftp')).toBe(601);
    expect(cmeCode('not connected')).toBe(607);
    expect(cmeCode('operation not allowed', 'ftp')).toBe(3);
  });

  test('find every text again, under a number with the same text', () => {
    for (const text of Object.values(CME_ERRORS))
      expect(CME_ERRORS[cmeCode(text)!]?.replace('can not', 'cannot')).toBe(text.replace('can not', 'cannot'));
    for (const text of Object.values(CMS_ERRORS)) expect(CMS_ERRORS[cmsCode(text)!]).toBe(text);
  });
});
