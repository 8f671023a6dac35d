import { PassThrough, type Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { queuedDial, type Dial } from './dial.ts';

const target = { host: 'far.example', port: 80 };

function countingDial(): { dial: Dial; opened: Duplex[] } {
  const opened: Duplex[] = [];
  return {
    opened,
    dial: () => {
      const socket = new PassThrough();
      opened.push(socket);
      return Promise.resolve(socket);
    },
  };
}

const turns = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('queuedDial', () => {
  it('opens no more than allowed, and serves who waits in order', async () => {
    const { dial, opened } = countingDial();
    const queued = queuedDial(dial, { maximumOpen: 2 });
    const order: number[] = [];
    const sockets = [0, 1, 2, 3].map((index) =>
      queued(target).then((socket) => {
        order.push(index);
        return socket;
      }),
    );
    await turns();
    expect(opened).toHaveLength(2);
    (await sockets[1])?.destroy();
    await turns();
    expect(order).toEqual([0, 1, 2]);
    (await sockets[0])?.destroy();
    await turns();
    expect(order).toEqual([0, 1, 2, 3]);
  });

  it('refuses one too many, and forgets who gave up waiting', async () => {
    const { dial, opened } = countingDial();
    const queued = queuedDial(dial, { maximumOpen: 1, maximumWaiting: 1 });
    const first = await queued(target);
    const controller = new AbortController();
    const second = queued(target, { signal: controller.signal });
    await expect(queued(target)).rejects.toMatchObject({ code: 'ERR_GATEWAY_SOCKETS_BUSY' });
    controller.abort(new Error('gave up'));
    await expect(second).rejects.toThrow('gave up');
    const third = queued(target);
    first.destroy();
    await third;
    expect(opened).toHaveLength(2);
  });

  it('goes on after a dial that failed', async () => {
    let attempts = 0;
    const queued = queuedDial(
      () => (++attempts === 1 ? Promise.reject(new Error('refused')) : Promise.resolve(new PassThrough())),
      { maximumOpen: 1 },
    );
    const failed = queued(target);
    const next = queued(target);
    await expect(failed).rejects.toThrow('refused');
    await next;
  });
});
