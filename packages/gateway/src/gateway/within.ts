import { CellmuxError, type Clock } from '@cellmux/port';

/** The promise, or `ERR_GATEWAY_SLOW` when it is still pending after `limitMs`. What it waits for goes on regardless. */
export function within<T>(promise: Promise<T>, limitMs: number, what: string, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(limitMs, () => {
      reject(
        new CellmuxError('ERR_GATEWAY_SLOW', `${what} took longer than ${limitMs / 1000} s`, { context: { limitMs } }),
      );
    });
    promise.then(resolve, reject).finally(cancel);
  });
}
