import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { integerOf, listAllows, parseInformation, parseValues, textOf } from './information.ts';

describe('parseInformation', () => {
  test('takes names, numbers, words, strings and empty values apart', () => {
    expect(parseInformation('#SS: 1,3,217.202.12.22,38158,"www.x.org, y",,')).toEqual({
      name: '#SS',
      values: [
        { kind: 'bare', text: '1' },
        { kind: 'bare', text: '3' },
        { kind: 'bare', text: '217.202.12.22' },
        { kind: 'bare', text: '38158' },
        { kind: 'string', text: 'www.x.org, y' },
        { kind: 'empty' },
        { kind: 'empty' },
      ],
    });
    expect(parseInformation('SRING : 2').name).toBe('SRING');
    expect(parseInformation('HE863-EUG')).toEqual({ name: '', values: [{ kind: 'bare', text: 'HE863-EUG' }] });
    expect(parseInformation('+CMUX:').values).toEqual([]);
  });

  test('takes lists and ranges of a test response apart', () => {
    const { values } = parseInformation('+CGDCONT: (1-5),"IP",(0,1,4-6),("a,b",c),()');
    expect(values).toEqual([
      { kind: 'list', items: [{ kind: 'range', minimum: 1, maximum: 5 }] },
      { kind: 'string', text: 'IP' },
      {
        kind: 'list',
        items: [
          { kind: 'bare', text: '0' },
          { kind: 'bare', text: '1' },
          { kind: 'range', minimum: 4, maximum: 6 },
        ],
      },
      {
        kind: 'list',
        items: [
          { kind: 'string', text: 'a,b' },
          { kind: 'bare', text: 'c' },
        ],
      },
      { kind: 'list', items: [] },
    ]);
    expect([0, 1, 3, 5, 6].map((wanted) => listAllows(values[2], wanted))).toEqual([true, true, false, true, true]);
    expect(listAllows(values[1], 1)).toBe(false);
    expect(listAllows(undefined, 1)).toBe(false);
  });

  test('reads the escapes of a string', () => {
    expect(parseValues('"a\\22b\\5Cc\\5c"')).toEqual([{ kind: 'string', text: 'a"b\\c\\' }]);
    expect(parseValues('"open')).toEqual([{ kind: 'string', text: 'open' }]);
  });

  test('gives numbers and texts of values', () => {
    const [number, text, empty] = parseValues('-12,"12",');
    expect([integerOf(number), integerOf(text), integerOf(empty), integerOf(undefined)]).toEqual([
      -12,
      undefined,
      undefined,
      undefined,
    ]);
    expect([textOf(number), textOf(text), textOf(empty)]).toEqual(['-12', '12', undefined]);
  });

  test('property: strings and numbers come out as they went in', () => {
    const value = fc.oneof(
      fc.nat().map((number) => ({ text: String(number), value: { kind: 'bare', text: String(number) } })),
      fc
        .string({ unit: 'grapheme-ascii' })
        .map((text) => text.replace(/["\\]/g, ''))
        .map((text) => ({ text: `"${text}"`, value: { kind: 'string', text } })),
    );
    fc.assert(
      fc.property(fc.array(value, { minLength: 1 }), fc.constantFrom(',', ' , '), (values, comma) => {
        expect(parseValues(values.map(({ text }) => text).join(comma))).toEqual(values.map((one) => one.value));
      }),
    );
  });

  test('property: never throws', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('(', ')', '"', ',', '-', '\\', '2', ':', '#', 'A', ' ') }),
        (line) => {
          parseInformation(line);
        },
      ),
    );
  });
});
