import { connect, createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { afterEach, expect, it, vi } from 'vitest';
import { systemClock } from './clock.ts';

/** Keeps the event loop from everything else. */
function hold(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

it('runs a task once', async () => {
  const before = systemClock.now();
  await new Promise<void>((resolve) => systemClock.after(5, resolve));
  // Timers count in whole milliseconds.
  expect(systemClock.now() - before).toBeGreaterThanOrEqual(4);
});

it('reads what has arrived before a time-out that a busy loop has kept waiting', async () => {
  await using server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write('answer');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  for (let time = 0; time < 5; time++) {
    const order: string[] = [];
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    client.on('data', () => order.push('answer'));
    await once(client, 'connect');
    await new Promise<void>((resolve) => {
      systemClock.after(10, () => {
        order.push('time-out');
        resolve();
      });
      // In a turn of its own, so that the server has written before.
      setImmediate(() => {
        hold(100);
      });
    });
    client.destroy();
    expect(order).toEqual(['answer', 'time-out']);
  }
});

it('can be cancelled before it is due, and while it waits for what has arrived', async () => {
  let ran = 0;
  systemClock.after(1, () => ran++)();
  const cancel = systemClock.after(1, () => ran++);
  // Of the same turn: it runs between the timer and the immediate.
  const cancelled = new Promise<void>((resolve) => {
    setTimeout(() => {
      cancel();
      resolve();
    }, 1);
  });
  hold(50);
  await cancelled;
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(ran).toBe(0);
});

afterEach(() => {
  vi.unstubAllGlobals();
});

it('runs late tasks at once where there are no immediates', async () => {
  vi.stubGlobal('setImmediate', undefined);
  const ran = new Promise<void>((resolve) => systemClock.after(1, resolve));
  hold(50);
  await ran;
});
