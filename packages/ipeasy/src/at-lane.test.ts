import { AtClient } from '@cellmux/at';
import { memoryPair } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import { describe, expect, it } from 'vitest';
import { ScriptedModule } from '../test/scripted-module.ts';
import { AtLane, type LaneUser } from './at-lane.ts';

function setUp() {
  const clock = new VirtualClock();
  const { dte, dce } = memoryPair();
  new ScriptedModule(dce, { clock });
  return { clock, lane: new AtLane(new AtClient(dte, { clock }), 0) };
}

describe('an AT port shared by sockets', () => {
  it('gives everyone a turn, single commands too', async () => {
    const { clock, lane } = setUp();
    const order: string[] = [];
    const user = (name: string, times: number): LaneUser => ({
      turn: () => {
        if (times-- <= 0) return undefined;
        order.push(name);
        return Promise.resolve();
      },
    });
    lane.join(user('a', 4));
    lane.join(user('b', 2));
    const jobs = [1, 2, 3].map((number) => lane.run(() => Promise.resolve(order.push(`job ${number}`))));
    await clock.run(Promise.all(jobs));
    await clock.advance(0);
    expect(order).toEqual(['job 1', 'a', 'b', 'job 2', 'a', 'b', 'job 3', 'a', 'a']);
  });

  it('takes an aborted command out of the queue, and lets one that runs end', async () => {
    const { clock, lane } = setUp();
    const abort = new AbortController();
    let end: () => void = () => undefined;
    const first = lane.run(() => new Promise<string>((resolve) => (end = () => resolve('done'))), {
      signal: abort.signal,
    });
    const second = lane.run(() => Promise.resolve('never'), { signal: abort.signal });
    const third = lane.run(() => Promise.resolve('third'));
    await clock.advance(0);
    abort.abort(new Error('enough'));
    await expect(second).rejects.toThrow('enough');
    end();
    expect(await clock.run(Promise.all([first, third]))).toEqual(['done', 'third']);
    await expect(lane.run(() => Promise.resolve(), { signal: abort.signal })).rejects.toThrow('enough');
  });

  it('passes errors on and goes on', async () => {
    const { clock, lane } = setUp();
    await expect(clock.run(lane.run(() => Promise.reject(new Error('no'))))).rejects.toThrow('no');
    expect(await clock.run(lane.run(() => Promise.resolve(1)))).toBe(1);
  });
});
