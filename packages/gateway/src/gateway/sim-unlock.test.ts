import { VirtualHe863 } from '@cellmux/he863';
import { memoryPair } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import { describe, expect, it } from 'vitest';
import { Gateway } from './gateway.ts';

function setUp(pin: string) {
  const clock = new VirtualClock();
  const line = memoryPair();
  const module = new VirtualHe863({ clock, machineNames: false, pin: '1234' });
  module.serve(line.dce);
  const attempts: string[] = [];
  const gateway = new Gateway({
    line: line.dte,
    clock,
    pin,
    recovery: { fromStart: true, firstPauseMs: 1000, longestPauseMs: 2000 },
  });
  const watch = gateway.events$.subscribe((event) => {
    if (event.type === 'outageBegan') attempts.push(event.cause);
  });
  return { clock, line, module, gateway, attempts, watch };
}

describe('a SIM that asks for its PIN', () => {
  it('is given it once, though two ports want to go on with it', async () => {
    const { clock, gateway, module } = setUp('1234');
    await clock.run(gateway.start());
    expect(gateway.state).toBe('up');
    await clock.run(gateway.stop());
    await clock.run(module.close());
  });

  it('never gets a wrong one twice: it would be barred', async () => {
    const { clock, gateway, module, attempts } = setUp('4321');
    await clock.run(gateway.start());
    expect(gateway.state).toBe('degraded');
    await clock.advance(600_000);
    expect(new Set(attempts)).toEqual(new Set(['simLocked']));
    // Two of three attempts are left: the right one is still taken.
    expect((await clock.run(gateway.at.command('AT+CPIN?'))).lines).toEqual(['+CPIN: SIM PIN']);
    await clock.run(gateway.at.command('AT+CPIN="1234"', { secret: true }));
    await clock.advance(60_000);
    expect(gateway.state).toBe('up');
    await clock.run(gateway.stop());
    await clock.run(module.close());
  });
});
