import { describe, expect, it } from 'vitest';
import { sessionConfiguration } from '../ppp-options.ts';
import { AuthenticationPhase } from './authentication-phase.ts';
import { PROTOCOL } from './protocol-numbers.ts';
import type { SessionEvent } from './session-types.ts';

/** A phase whose packets wait until they are passed on. */
function phase() {
  const out: { protocol: number; packet: Uint8Array }[] = [];
  const events: SessionEvent[] = [];
  const asked: ((secret: string | undefined) => void)[] = [];
  const state = { nowMs: 0, done: 0, failed: '' };
  const configuration = sessionConfiguration(
    { role: 'server', auth: 'pap', verify: () => 'secret', peerAddress: '10.0.0.2', rechallengeMs: 1000 },
    '10.0.0.2',
  );
  const authentication = new AuthenticationPhase(
    { ...configuration, credentials: { user: 'web', password: 'secret' } },
    {
      now: () => state.nowMs,
      random: (octets) => new Uint8Array(octets).fill(7),
      send: (protocol, packet) => out.push({ protocol, packet }),
      secretOf: (_user, answer) => asked.push(answer),
      event: (event) => events.push(event),
      done: () => state.done++,
      failed: (reason) => (state.failed = reason),
    },
  );
  return { authentication, out, events, asked, state };
}
type Phase = ReturnType<typeof phase>;

/** Passes on what either has said of one protocol until neither has more to say. */
function talk(one: Phase, other: Phase, protocol: number): void {
  const take = ({ out }: Phase): Uint8Array[] => {
    const taken = out.filter((each) => each.protocol === protocol);
    for (const each of taken) out.splice(out.indexOf(each), 1);
    return taken.map(({ packet }) => packet);
  };
  for (let round = 0; round < 10; round++) {
    for (const packet of take(one)) other.authentication.receive(protocol, packet);
    for (const packet of take(other)) one.authentication.receive(protocol, packet);
  }
}

describe('the authentication phase', () => {
  it('is done when both ends have shown who they are, once, whatever is asked again meanwhile', () => {
    const [one, other] = [phase(), phase()];
    one.authentication.start('pap', 'chap-md5');
    other.authentication.start('chap-md5', 'pap');
    talk(one, other, PROTOCOL.CHAP);
    one.asked[0]?.('secret');
    talk(one, other, PROTOCOL.CHAP);
    expect([one.state.done, other.state.done]).toEqual([0, 0]);
    // Challenged again before the other half is through: the first half must not count twice.
    one.state.nowMs = 1000;
    one.authentication.timeout(1000);
    talk(one, other, PROTOCOL.CHAP);
    one.asked[1]?.('secret');
    talk(one, other, PROTOCOL.CHAP);
    expect([one.state.done, other.state.done]).toEqual([0, 0]);
    talk(one, other, PROTOCOL.PAP);
    other.asked[0]?.('secret');
    talk(one, other, PROTOCOL.PAP);
    expect([one.state.done, other.state.done]).toEqual([1, 1]);
    expect([one.state.failed, other.state.failed]).toEqual(['', '']);
    expect(one.events.map((event) => event.type === 'authenticated' && event.by)).toEqual(['peer', 'peer', 'us']);
  });

  it('ignores a verdict that comes after the link went down, also when it is up again', () => {
    const [one, other] = [phase(), phase()];
    one.authentication.start(undefined, 'pap');
    other.authentication.start('pap', undefined);
    talk(one, other, PROTOCOL.PAP);
    one.authentication.stop();
    one.authentication.start(undefined, 'pap');
    one.asked[0]?.('secret');
    expect([one.out, one.state.done, one.events]).toEqual([[], 0, []]);
  });

  it('takes packets of the protocol that was agreed on, and no others', () => {
    const { authentication } = phase();
    authentication.start('chap-md5', undefined);
    expect(authentication.receive(PROTOCOL.PAP, new Uint8Array(8))).toBe(false);
    expect(authentication.receive(PROTOCOL.CHAP, new Uint8Array(8))).toBe(true);
    authentication.stop();
    expect(authentication.receive(PROTOCOL.CHAP, new Uint8Array(8))).toBe(false);
    expect(authentication.deadlineMs).toBeUndefined();
  });
});
