import { expect, test } from 'vitest';
import { VirtualClock } from './virtual-clock.ts';

test('runs what falls due in order of time, then of being asked, and lets promises settle between', async () => {
  const clock = new VirtualClock();
  const log: string[] = [];
  const note = (what: string) => () => log.push(`${what}@${clock.now()}`);
  clock.after(20, note('c'));
  clock.after(10, () => {
    note('a')();
    clock.after(0, note('a0'));
    void Promise.resolve().then(note('a promise'));
  });
  clock.after(10, note('b'));
  const cancel = clock.after(15, note('never'));
  cancel();
  cancel();
  await clock.advance(19);
  expect(log).toEqual(['a@10', 'a promise@10', 'b@10', 'a0@10']);
  expect(clock).toMatchObject({ pendingTimers: 1 });
  await clock.advance(1);
  expect(log.at(-1)).toBe('c@20');
  expect(clock.now()).toBe(20);
});

test('run gives the result, or says that nothing can settle the promise', async () => {
  const clock = new VirtualClock();
  const later = new Promise((resolve) => clock.after(1000, () => clock.after(5, () => resolve('done'))));
  expect(await clock.run(later)).toBe('done');
  expect(clock.now()).toBe(1005);
  await expect(clock.run(Promise.reject(new Error('no')))).rejects.toThrow('no');
  await expect(clock.run(new Promise(() => undefined))).rejects.toThrow(/nothing is left/);
  const tick = (): void => void clock.after(100, tick);
  tick();
  await expect(clock.run(new Promise(() => undefined), 1000)).rejects.toThrow(/still pending/);
  expect(clock.now()).toBeLessThanOrEqual(2005);
});

test('run waits for what the machine itself has under way', async () => {
  const clock = new VirtualClock();
  expect(await clock.run(new Promise((resolve) => setTimeout(resolve, 20, 'real')))).toBe('real');
});
