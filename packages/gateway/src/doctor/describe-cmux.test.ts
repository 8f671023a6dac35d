import { describe, expect, it } from 'vitest';
import { describeCmux } from './describe-cmux.ts';

const USED = 'the gateway uses basic, UIH, N1 127 (AT+CMUX=0)';

describe('describeCmux', () => {
  it.each([
    ['the HE863', ['+CMUX: (0),(0)'], 'good', `basic option, frames UIH; ${USED}`],
    [
      'all parameters',
      ['+CMUX: (0,1),(0-2),(1-6),(1-1509),(1-255),(0-100),(2-255),(1-255),(1-7)'],
      'good',
      `basic and advanced option, frames UIH and UI and I, 9600, 19200, 38400, 57600, 115200, 230400 Bd, N1 1 to 1509, T1 1 to 255 × 10 ms, N2 0 to 100, T2 2 to 255 × 10 ms, T3 1 to 255 s, k 1 to 7; ${USED}`,
    ],
    [
      'a line for each mode',
      ['+CMUX: 0,(0),(5),(31-127)', '+CMUX: 1,(1),(5),(64)'],
      'good',
      `basic option, frames UIH, 115200 Bd, N1 31 to 127; or advanced option, frames UI, 115200 Bd, N1 64; ${USED}`,
    ],
    ['nothing', [], 'good', `it multiplexes, and tells no ranges; ${USED}`],
    ['the advanced option alone', ['+CMUX: (1),(0)'], 'bad', `advanced option, frames UIH; ${USED}`],
    ['UI alone', ['+CMUX: (0),(1)'], 'bad', `basic option, frames UI; ${USED}`],
    ['short frames alone', ['+CMUX: (0),(0),,(31)'], 'doubtful', `basic option, frames UIH, N1 31; ${USED}`],
  ])('%s', (_, lines, state, text) => {
    const found = describeCmux(lines);
    expect(found.slice(0, 2)).toEqual([state, text]);
    expect(found[2] === '').toBe(state === 'good');
  });

  it('says what to do where it is refused', () => {
    expect(describeCmux(undefined)).toEqual(['bad', 'it refuses AT+CMUX=?', expect.stringContaining('SIM')]);
  });
});
