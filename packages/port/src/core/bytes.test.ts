import fc from 'fast-check';
import { expect, test } from 'vitest';
import { concatBytes, fromHex, fromLatin1, latin1, toHex } from './bytes.ts';
import { CellmuxError, hasCode } from './cellmux-error.ts';
import { checkInteger, checkOneOf } from './check-option.ts';

test('octets come back from text and from hex as they were', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20_000 }), fc.constantFrom('', ' ', '\n'), (octets, separator) => {
      expect(Buffer.from(octets).equals(latin1(fromLatin1(octets)))).toBe(true);
      expect(Buffer.from(octets).equals(fromHex(toHex(octets, separator)) as Uint8Array)).toBe(true);
    }),
    { numRuns: 50 },
  );
  expect(toHex(new Uint8Array([0, 0xf9]), ' ')).toBe('00 F9');
});

test('what is no octet', () => {
  expect([...latin1('aĀ€b')]).toEqual([0x61, 0x3f, 0x3f, 0x62]);
  for (const text of ['0', 'f9 0', '0g', '0x00', '-1']) expect(fromHex(text)).toBeUndefined();
});

test('chunks join in order', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array()), (chunks) => {
      expect(Buffer.concat(chunks).equals(concatBytes(chunks))).toBe(true);
    }),
  );
});

test('errors carry a code, and options their range', () => {
  expect(checkInteger('n1', 31, 1, 32_768)).toBe(31);
  for (const value of [0, 1.5, NaN, Infinity, -1]) {
    expect(() => checkInteger('n1', value, 1, 10)).toThrow(`n1 must be a whole number from 1 to 10, not ${value}`);
  }
  expect(checkOneOf('role', 'a', ['a', 'b'])).toBe('a');
  let error: unknown;
  try {
    checkOneOf<string>('role', 'c', ['a', 'b']);
  } catch (thrown) {
    error = thrown;
  }
  expect(hasCode(error, 'ERR_OPTION_RANGE')).toBe(true);
  expect(hasCode({ code: 'ERR_OPTION_RANGE' }, 'ERR_OPTION_RANGE')).toBe(false);
  expect(error).toMatchObject({ name: 'CellmuxError', context: { option: 'role', value: 'c' } });
  const cause = new Error('below');
  expect(new CellmuxError('ERR_X', 'above', { cause })).toMatchObject({ cause, message: 'above (ERR_X)', context: {} });
});
