import { describe, expect, it } from 'vitest';
import { modemTextAtEnd } from './modem-text.ts';

const read = (text: string) => modemTextAtEnd(Uint8Array.from(text, (character) => character.charCodeAt(0)));

describe('the last words of a modem', () => {
  it.each([
    ['\r\nNO CARRIER\r\n', 'NO CARRIER', 300],
    ['NO CARRIER\r', 'NO CARRIER', 300],
    ['\r\nOK\r\n', 'OK', 300],
    ['\r\nERROR\r\n', 'ERROR', 300],
    ['\r\n+CME ERROR: 3\r\n', '+CME ERROR: 3', 300],
    ['E\x01\x02data\r\nNO CARRIER\r\n', 'NO CARRIER', 1000],
    [`${'x'.repeat(500)}\r\nNO CARRIER\r\n`, 'NO CARRIER', 1000],
  ])('%j', (text, expected, quietMs) => {
    expect(read(text)).toEqual({ text: expected, quietMs });
  });
  it.each(['', '\r\n', '\r\nNO CARRIE', '\r\nNO CARRIER', 'NO CARRIERS\r\n', '250 OK\r\n', 'E data\r\nOK\r\n'])(
    'not %j',
    (text) => {
      expect(read(text)).toBeUndefined();
    },
  );
});
