import { CellmuxError } from '@cellmux/port';
import { describe, expect, it } from 'vitest';
import { causeOf } from './cause-of.ts';

const dialFailed = (cause: Error): CellmuxError => new CellmuxError('ERR_PPP_DIAL_FAILED', 'no dial', { cause });

describe('causeOf', () => {
  it.each([
    ['a device that is not there', new CellmuxError('ERR_PORT_NOT_FOUND', 'x'), 'lineLost'],
    ['nobody on the line', new CellmuxError('ERR_CMUX_NO_ANSWER', 'x'), 'lineSilent'],
    ['a command without an answer', new CellmuxError('ERR_AT_TIMEOUT', 'x'), 'portStuck'],
    ['a password', new CellmuxError('ERR_PPP_AUTH_FAILED', 'x'), 'accessRefused'],
    ['no SIM', new CellmuxError('ERR_AT_CME', 'x', { context: { cme: 10 } }), 'simError'],
    ['a SIM that wants its PIN', new CellmuxError('ERR_AT_CME', 'x', { context: { cme: 11 } }), 'simLocked'],
    ['a PIN that was refused', new CellmuxError('ERR_GATEWAY_SIM_LOCKED', 'x'), 'simLocked'],
    ['no network', new CellmuxError('ERR_AT_CME', 'x', { context: { cme: 30 } }), 'registrationLost'],
    ['a dial with its cause', dialFailed(new CellmuxError('ERR_AT_CLOSED', 'x')), 'portClosed'],
    [
      'a dial whose cause is a SIM',
      dialFailed(new CellmuxError('ERR_AT_CME', 'x', { context: { cme: 13 } })),
      'simError',
    ],
    ['a dial without a word', dialFailed(new CellmuxError('ERR_AT_NO_CARRIER', 'x')), 'dialFailed'],
    ['anything else', new Error('x'), 'unknown'],
    ['no error', undefined, 'unknown'],
  ])('%s', (_, error, cause) => {
    expect(causeOf(error)).toBe(cause);
  });

  it('ends with causes that go round', () => {
    const first = new Error('a');
    first.cause = first;
    expect(causeOf(first)).toBe('unknown');
  });
});
