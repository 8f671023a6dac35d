import { latin1 } from '@cellmux/port';
import { describe, expect, test } from 'vitest';
import { EscapeAvoidance } from './escape-avoidance.ts';

describe('EscapeAvoidance', () => {
  test.each<[name: string, sends: [atMs: number, text: string, completes: boolean][]]>([
    ['three at once behind silence', [[0, '+++', true]]],
    [
      'three one by one',
      [
        [0, '+', false],
        [100, '+', false],
        [200, '+', true],
      ],
    ],
    [
      'three within a text',
      [
        [0, 'a+++', false],
        [1, '+++', false],
      ],
    ],
    ['four', [[0, '++++', false]]],
    [
      'a fourth behind three',
      [
        [0, '+++', true],
        [1, '+', false],
      ],
    ],
    [
      'three behind a text and silence',
      [
        [0, 'abc', false],
        [500, '+++', true],
      ],
    ],
    [
      'three behind a text',
      [
        [0, 'abc', false],
        [499, '+++', false],
      ],
    ],
    [
      'two, silence, one',
      [
        [0, '++', false],
        [500, '+', false],
      ],
    ],
    [
      'nothing in between',
      [
        [0, '++', false],
        [1, '', false],
        [2, '+', true],
      ],
    ],
  ])('%s', (_, sends) => {
    const avoidance = new EscapeAvoidance(500);
    for (const [atMs, text, completes] of sends) expect(avoidance.sends(latin1(text), atMs)).toBe(completes);
  });
});
