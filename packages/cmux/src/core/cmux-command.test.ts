import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CMUX_PARAMETERS, cmuxForms, parseCmuxRanges, type CmuxRanges, type CmuxWish } from './cmux-command.ts';

describe('the answer to AT+CMUX=?', () => {
  it.each<[string, string, CmuxRanges | undefined]>([
    [
      'ranges',
      '+CMUX: (0-1),(0-2),(1-6),(1-1509),(1-255),(0-100),(2-255),(1-255),(1-7)',
      {
        mode: [[0, 1]],
        subset: [[0, 2]],
        portSpeed: [[1, 6]],
        N1: [[1, 1509]],
        T1: [[1, 255]],
        N2: [[0, 100]],
        T2: [[2, 255]],
        T3: [[1, 255]],
        k: [[1, 7]],
      },
    ],
    [
      'single values (Quectel)',
      '+CMUX: (0-1),(0),(5),(127),(10),(3),(30),(10),(2)',
      {
        mode: [[0, 1]],
        subset: [[0, 0]],
        portSpeed: [[5, 5]],
        N1: [[127, 127]],
        T1: [[10, 10]],
        N2: [[3, 3]],
        T2: [[30, 30]],
        T3: [[10, 10]],
        k: [[2, 2]],
      },
    ],
    [
      'lists',
      '+CMUX: (0,1),(0, 1 ,2)',
      {
        mode: [
          [0, 0],
          [1, 1],
        ],
        subset: [
          [0, 0],
          [1, 1],
          [2, 2],
        ],
      },
    ],
    [
      'lists of ranges',
      '+CMUX: (0),(0),(1-5,7),(10-31,64-127)',
      {
        mode: [[0, 0]],
        subset: [[0, 0]],
        portSpeed: [
          [1, 5],
          [7, 7],
        ],
        N1: [
          [10, 31],
          [64, 127],
        ],
      },
    ],
    ['no parentheses', '+CMUX: 0,0,5,127', { mode: [[0, 0]], subset: [[0, 0]], portSpeed: [[5, 5]], N1: [[127, 127]] }],
    ['one parameter', '+CMUX:(0)', { mode: [[0, 0]] }],
    ['gaps', '+CMUX: (0),,(),(64)', { mode: [[0, 0]], N1: [[64, 64]] }],
    ['a range the wrong way round', '+CMUX: (0),(0),(6-1)', { mode: [[0, 0]], subset: [[0, 0]], portSpeed: [[1, 6]] }],
    ['a parenthesis missing', '+CMUX: (0-1,(0)', { mode: [[0, 1]] }],
    ['words in between', '+CMUX: (0),(none),(1-x),(31)', { mode: [[0, 0]], N1: [[31, 31]] }],
    [
      'more parameters than there are',
      `+CMUX: ${'(1),'.repeat(12)}(2)`,
      Object.fromEntries(CMUX_PARAMETERS.map((name) => [name, [[1, 1]]])),
    ],
    ['nothing', '+CMUX: ', {}],
    ['empty parentheses', '+CMUX: ()', {}],
    ['garbage', '+CMUX: \u0000ÿ((-,-))', {}],
    ['another answer', '+CREG: (0-2)', undefined],
    ['the echo', 'AT+CMUX=?', undefined],
    ['an empty line', '', undefined],
    ['a line without an end', `+CMUX: ${'('.repeat(600)}`, undefined],
  ])('is read: %s', (_, line, ranges) => {
    expect(parseCmuxRanges(line)).toEqual(ranges);
  });

  it('never throws, whatever it is, and gives whole numbers in order', () => {
    const piece = fc.constantFrom('(', ')', ',', '-', ' ', '0', '1', '127', '999999999', 'x', '+CMUX:', '\r');
    const line = fc.oneof(
      fc.string(),
      fc.array(piece, { maxLength: 60 }).map((pieces) => `+CMUX: ${pieces.join('')}`),
    );
    fc.assert(
      fc.property(line, (text) => {
        for (const list of Object.values(parseCmuxRanges(text) ?? {})) {
          for (const [low, high] of list) {
            expect(Number.isInteger(low) && Number.isInteger(high)).toBe(true);
            expect(low).toBeLessThanOrEqual(high);
          }
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('the forms of AT+CMUX', () => {
  const WISH: CmuxWish = { option: 'basic', subset: 0, baudRate: 115_200, n1: 127, defaultN1: 31 };
  const commands = (wish: Partial<CmuxWish>, line?: string): string[] =>
    cmuxForms({ ...WISH, ...wish }, line === undefined ? undefined : parseCmuxRanges(line)).map(
      ({ command }) => command,
    );

  it.each<[string, Partial<CmuxWish>, string | undefined, string[]]>([
    ['nothing but the default', { n1: 31 }, undefined, ['AT+CMUX=0']],
    ['N1', {}, undefined, ['AT+CMUX=0,0,5,127', 'AT+CMUX=0,0', 'AT+CMUX=0']],
    ['the advanced option', { option: 'advanced', n1: 64, defaultN1: 64 }, undefined, ['AT+CMUX=1']],
    ['UI frames', { subset: 1, n1: 31 }, undefined, ['AT+CMUX=0,1']],
    ['another speed', { baudRate: 460_800 }, undefined, ['AT+CMUX=0,0,7,127', 'AT+CMUX=0,0', 'AT+CMUX=0']],
    [
      'no speed: that of most modules',
      { baudRate: undefined },
      undefined,
      ['AT+CMUX=0,0,5,127', 'AT+CMUX=0,0', 'AT+CMUX=0'],
    ],
    [
      'no speed, but the module says which',
      { baudRate: undefined },
      '+CMUX: (0),(0),(1-4)',
      ['AT+CMUX=0,0,1,127', 'AT+CMUX=0,0', 'AT+CMUX=0'],
    ],
    [
      'the one speed that the module takes',
      { baudRate: 9600 },
      '+CMUX: (0),(0),(5)',
      ['AT+CMUX=0,0,5,127', 'AT+CMUX=0,0', 'AT+CMUX=0'],
    ],
    [
      'N1 that the module does not take',
      { n1: 1500 },
      '+CMUX: (0),(0),(1-6),(31-512)',
      ['AT+CMUX=0,0,5,512', 'AT+CMUX=0,0', 'AT+CMUX=0'],
    ],
    [
      'N1 from a list',
      { n1: 100 },
      '+CMUX: (0),(0),(1-6),(31,64,127)',
      ['AT+CMUX=0,0,5,127', 'AT+CMUX=0,0', 'AT+CMUX=0'],
    ],
    ['N1 where the module takes its default alone', { n1: 1500 }, '+CMUX: (0),(0),(5),(31)', ['AT+CMUX=0']],
  ])('say %s', (_, wish, line, expected) => {
    expect(commands(wish, line)).toEqual(expected);
  });

  it('become shorter, end with the shortest that says the mode, and say what N1 then holds', () => {
    fc.assert(
      fc.property(fc.constantFrom('basic', 'advanced'), fc.integer({ min: 1, max: 32768 }), (option, n1) => {
        const forms = cmuxForms({ ...WISH, option, n1 }, undefined);
        const lengths = forms.map(({ command }) => command.length);
        expect(lengths).toEqual([...lengths].sort((a, b) => b - a));
        expect(forms.at(-1)).toEqual({ command: `AT+CMUX=${option === 'basic' ? 0 : 1}`, n1: WISH.defaultN1 });
        expect(forms[0]?.n1).toBe(n1);
      }),
    );
  });
});
