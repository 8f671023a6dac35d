import { describe, expect, it } from 'vitest';
import { PPP_PHASES, type PppEndReason } from './core/session-types.ts';
import { describeEnd, endError } from './ppp-end.ts';

/** Every reason there is: a new one does not compile until it stands here. */
const REASONS: Readonly<Record<PppEndReason, boolean>> = {
  closedHere: false,
  closedByPeer: true,
  authFailed: false,
  authRefused: false,
  noAnswer: true,
  loopback: true,
  noAgreement: false,
  networkFailed: true,
  carrierLost: true,
  silence: true,
};
const cases = (Object.keys(REASONS) as PppEndReason[]).flatMap((reason) =>
  PPP_PHASES.map((phase) => [reason, phase] as const),
);
const NOTHING = { bytesReceived: 0, framesReceived: 0, badFrames: 0 };

describe('the end of a link', () => {
  it.each(cases)('%s in the phase %s says what happened, and what to do', (reason, phase) => {
    const end = describeEnd({ reason, phase, text: 'the words of the peer' }, new Uint8Array(0));
    expect(end.isWorthRetrying).toBe(REASONS[reason]);
    // Who closed it needs no advice.
    if (reason !== 'closedHere') expect(end.advice).toMatch(/^[A-Z].*\.$/);
    const error = endError(end, 'port 1', NOTHING);
    expect(error.code).toMatch(/^ERR_PPP_/);
    expect(error.message).toContain('port 1');
    expect(error.message).toContain('the words of the peer');
    expect(error.context).toMatchObject({ reason, phase, message: 'the words of the peer' });
    if (reason !== 'closedHere') expect(error.hint).toMatch(/^[A-Z].*\.$/);
  });

  it('has a code of its own for each reason', () => {
    const codes = cases.map(([reason, phase]) => {
      const end = describeEnd({ reason, phase, text: '' }, new Uint8Array(0));
      return endError(end, 'x', NOTHING).code;
    });
    expect(new Set(codes).size).toBe(Object.keys(REASONS).length);
  });

  it('tells a network that refuses from a line that breaks, by the phase', () => {
    const advice = (phase: (typeof PPP_PHASES)[number]): string =>
      describeEnd({ reason: 'closedByPeer', phase, text: '' }, new Uint8Array(0)).advice;
    expect(advice('network')).toMatch(/APN.*password/);
    expect(advice('authenticate')).toMatch(/password/);
    expect(advice('establish')).toMatch(/registered/);
    expect(advice('running')).toMatch(/[Dd]ial again/);
  });

  it.each([
    [{ bytesReceived: 0, framesReceived: 0, badFrames: 0 }, /Not one octet/],
    [{ bytesReceived: 9, framesReceived: 0, badFrames: 2 }, /damaged/],
    [{ bytesReceived: 9, framesReceived: 0, badFrames: 0 }, /not PPP/],
    [{ bytesReceived: 9, framesReceived: 3, badFrames: 0 }, /data mode/],
  ])('no answer: what was seen %j says what it may be', (seen, hint) => {
    const end = describeEnd({ reason: 'noAnswer', phase: 'establish', text: '' }, new Uint8Array(0));
    expect(endError(end, 'x', seen).hint).toMatch(hint);
  });
});
