import { VirtualClock } from '@cellmux/port/testing';
import { describe, expect, it } from 'vitest';
import type { GatewayEvent } from './gateway-events.ts';
import { Teardown } from './teardown.ts';

describe('Teardown', () => {
  it('takes the last down first, and what fails or hangs does not stop the rest', async () => {
    const clock = new VirtualClock();
    const events: GatewayEvent[] = [];
    const teardown = new Teardown(clock, (event) => events.push(event));
    teardown.push('line', () => Promise.resolve());
    teardown.push('capture', () => Promise.reject(new Error('disk full')));
    teardown.push('multiplexer', () => new Promise(() => undefined));
    teardown.push('ppp', () => Promise.resolve());
    await clock.run(teardown.run('line'));
    expect(events).toMatchObject([
      { type: 'ended', what: 'ppp' },
      { type: 'endFailed', what: 'multiplexer', error: { code: 'ERR_GATEWAY_SLOW' } },
      { type: 'endFailed', what: 'capture', error: { message: 'disk full' } },
    ]);
    await clock.run(teardown.run());
    await clock.run(teardown.run());
    expect(events.slice(3)).toEqual([{ type: 'ended', what: 'line' }]);
  });
});
