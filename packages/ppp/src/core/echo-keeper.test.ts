import { describe, expect, it } from 'vitest';
import { EchoKeeper } from './echo-keeper.ts';

function keeper(adaptive: boolean) {
  const log: string[] = [];
  const state = { nowMs: 0, frames: 0 };
  const sent: { identifier: number; data: Uint8Array }[] = [];
  const echo = new EchoKeeper(
    { intervalMs: 1000, failures: 3, adaptive },
    {
      now: () => state.nowMs,
      framesReceived: () => state.frames,
      sendEcho: (data) => {
        sent.push({ identifier: sent.length + 1, data });
        return sent.length;
      },
      replied: (roundTripMs) => log.push(`replied in ${roundTripMs}`),
      missed: (count) => log.push(`missed ${count}`),
      dead: () => log.push('dead'),
    },
  );
  const tick = (times = 1): void => {
    for (let time = 0; time < times && echo.deadlineMs !== undefined; time++) {
      state.nowMs = echo.deadlineMs;
      echo.timeout();
    }
  };
  echo.start();
  return { echo, state, sent, log, tick };
}

describe('the keep-alive', () => {
  it('gives the peer up at the tick after its last failure', () => {
    const { state, sent, log, tick } = keeper(true);
    tick(10);
    expect([sent.length, state.nowMs]).toEqual([3, 4000]);
    expect(log).toEqual(['missed 1', 'missed 2', 'dead']);
  });

  it('begins to count anew when anything arrived, as pppd did not before its request 376', () => {
    const { state, sent, log, tick } = keeper(true);
    tick(3);
    expect(sent).toHaveLength(3);
    state.frames++;
    tick();
    expect(sent).toHaveLength(3);
    tick(3);
    expect(log).not.toContain('dead');
    tick();
    expect(log.at(-1)).toBe('dead');
  });

  it('asks in spite of traffic where it is not adaptive', () => {
    const { state, sent, tick } = keeper(false);
    for (let time = 0; time < 3; time++) {
      state.frames++;
      tick();
    }
    expect(sent).toHaveLength(3);
  });

  it('lives with a round trip that is longer than its interval', () => {
    const { echo, sent, log, tick } = keeper(false);
    tick(2);
    for (let time = 0; time < 20; time++) {
      tick();
      const late = sent.at(-3);
      if (late !== undefined) echo.reply(late.identifier, late.data);
    }
    expect(log).not.toContain('dead');
  });

  it('tells the round trip of an answer to the last request, with its data or none', () => {
    const { echo, state, sent, log, tick } = keeper(false);
    tick();
    state.nowMs += 40;
    echo.reply(1, sent[0]?.data ?? new Uint8Array(0));
    tick();
    state.nowMs += 50;
    echo.reply(2, new Uint8Array(0));
    tick();
    echo.reply(3, Uint8Array.of(9, 9, 9, 9));
    expect(log).toEqual(['replied in 40', 'replied in 50']);
  });

  it('rests while nobody reads, and counts anew afterwards', () => {
    const { echo, state, sent, log, tick } = keeper(true);
    tick(3);
    echo.hold();
    expect(echo.deadlineMs).toBeUndefined();
    state.nowMs = 1_000_000;
    echo.release();
    expect(echo.deadlineMs).toBe(1_001_000);
    tick(3);
    expect([sent.length, log.includes('dead')]).toEqual([6, false]);
    echo.stop();
    echo.hold();
    echo.release();
    expect(echo.deadlineMs).toBeUndefined();
  });

  it('does not begin where it is held from the start', () => {
    const { echo } = keeper(true);
    echo.stop();
    echo.hold();
    echo.start();
    expect(echo.deadlineMs).toBeUndefined();
    echo.release();
    expect(echo.deadlineMs).toBe(1000);
  });
});
