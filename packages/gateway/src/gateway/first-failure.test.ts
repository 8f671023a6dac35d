import { describe, expect, it } from 'vitest';
import { allOrFirstFailure } from './first-failure.ts';

const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => {
      reject(signal.reason as Error);
    });
  });

describe('allOrFirstFailure', () => {
  it('aborts the others at the first failure and throws that one', async () => {
    const failing = allOrFirstFailure(new AbortController().signal, [
      untilAborted,
      () => Promise.reject(new Error('the first')),
      untilAborted,
    ]);
    await expect(failing).rejects.toThrow('the first');
  });

  it('passes an abort of its caller on', async () => {
    const controller = new AbortController();
    const aborted = allOrFirstFailure(controller.signal, [untilAborted, untilAborted]);
    controller.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
  });

  it('waits for all', async () => {
    const ended: number[] = [];
    const later = (turns: number) => async () => {
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
      ended.push(turns);
    };
    await allOrFirstFailure(new AbortController().signal, [later(3), later(1), later(2)]);
    expect(ended).toEqual([1, 2, 3]);
  });
});
