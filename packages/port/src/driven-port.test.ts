import { describe, expect, test } from 'vitest';
import { DrivenPort, type PortDriver } from './driven-port.ts';
import { settle, VirtualClock } from './testing/virtual-clock.ts';

/** A driver that takes octets when the test says so. */
class ManualDriver implements PortDriver {
  readonly written: number[][] = [];
  readonly calls: string[] = [];
  answer: (octets: number) => void = () => undefined;
  lose: (error: unknown) => void = () => undefined;

  write(bytes: Uint8Array): Promise<number> {
    this.written.push([...bytes]);
    return new Promise((resolve, reject) => {
      this.answer = resolve;
      this.lose = reject;
    });
  }

  pause(): void {
    this.calls.push('pause');
  }

  resume(): void {
    this.calls.push('resume');
  }

  close(how: 'inOrder' | 'atOnce'): void {
    this.calls.push(how);
  }
}

function made(backlogLimitBytes = 100) {
  const driver = new ManualDriver();
  const clock = new VirtualClock();
  return { driver, clock, port: new DrivenPort({ name: 'p', role: 'dte', driver, clock, backlogLimitBytes }) };
}

const bytes = (...octets: number[]): Uint8Array => new Uint8Array(octets);

describe('DrivenPort', () => {
  test('offers the rest of what the driver took in part, one write at a time', async () => {
    const { driver, port } = made();
    const order: string[] = [];
    void port.send(bytes(1, 2, 3)).then(() => order.push('first'));
    void port.send(bytes(4)).then(() => order.push('second'));
    await settle();
    expect(driver.written).toEqual([[1, 2, 3]]);
    driver.answer(2);
    await settle();
    expect({ written: driver.written, order }).toEqual({ written: [[1, 2, 3], [3]], order: [] });
    driver.answer(1);
    await settle();
    driver.answer(1);
    await settle();
    expect({ written: driver.written, order }).toEqual({ written: [[1, 2, 3], [3], [4]], order: ['first', 'second'] });
  });

  test('octets of a send that was given up do not count for the next', async () => {
    const { driver, port } = made();
    const abort = new AbortController();
    const first = port.send(bytes(1, 2), { signal: abort.signal });
    const second = port.send(bytes(3, 4));
    await settle();
    abort.abort(new Error('enough'));
    await expect(first).rejects.toThrow('enough');
    driver.answer(2);
    await settle();
    expect(driver.written).toEqual([
      [1, 2],
      [3, 4],
    ]);
    driver.answer(2);
    await second;
  });

  test('a write that fails loses the line: the stream ends so, senders know how much and why', async () => {
    const { driver, port } = made();
    const first = port.send(bytes(1, 2, 3)).catch((error: unknown) => error);
    const second = port.send(bytes(4, 5)).catch((error: unknown) => error);
    await settle();
    driver.answer(1);
    await settle();
    const cause = new Error('unplugged');
    driver.lose(cause);
    expect(await first).toMatchObject({ code: 'ERR_PORT_CLOSED', cause, context: { unsentBytes: 2 } });
    expect(await second).toMatchObject({ code: 'ERR_PORT_CLOSED', cause, context: { unsentBytes: 2 } });
    const end = await new Promise((resolve) => port.received$.subscribe({ error: resolve }));
    expect(end).toBe(cause);
    expect({ isClosed: port.isClosed, calls: driver.calls }).toEqual({ isClosed: true, calls: ['atOnce'] });
    await port.close();
  });

  test('tells the driver of pause and of a full backlog as one wish', () => {
    const { driver, port } = made(10);
    port.pause();
    port.pause();
    port.received(new Uint8Array(6));
    port.resume();
    expect(driver.calls).toEqual(['pause']);
    const subscription = port.received$.subscribe();
    expect(driver.calls).toEqual(['pause', 'resume']);
    subscription.unsubscribe();
    port.resume();
    expect(driver.calls).toEqual(['pause', 'resume']);
  });

  test('a far side that ignores the wish overruns the port, which then lets go of the device', async () => {
    const { driver, port } = made(10);
    port.received(new Uint8Array(11));
    expect(driver.calls).toContain('atOnce');
    const end = await new Promise((resolve) => port.received$.subscribe({ error: resolve }));
    expect(end).toMatchObject({ code: 'ERR_PORT_OVERFLOW' });
    await expect(port.send(bytes(1))).rejects.toMatchObject({ code: 'ERR_PORT_CLOSED' });
  });

  test('close gives up after two seconds without progress, not before', async () => {
    const { driver, port, clock } = made();
    const sending = port.send(bytes(1, 2, 3)).catch((error: unknown) => error);
    const closing = port.close();
    await clock.advance(1500);
    driver.answer(1);
    await clock.advance(1500);
    expect(driver.calls).toEqual([]);
    await clock.run(closing);
    expect(clock.now()).toBe(4000);
    expect(await sending).toMatchObject({ code: 'ERR_PORT_CLOSED', context: { unsentBytes: 2 } });
    expect(driver.calls).toEqual(['atOnce']);
    expect(clock.pendingTimers).toBe(0);
  });

  test('an end of the far side leaves time for what is queued', async () => {
    const { driver, port } = made();
    const sending = port.send(bytes(1));
    await settle();
    port.farSideEnded();
    await expect(
      new Promise((resolve) => port.received$.subscribe({ complete: () => resolve('ended') })),
    ).resolves.toBe('ended');
    expect(port.isClosed).toBe(true);
    driver.answer(1);
    await sending;
    await port.close();
    expect(driver.calls).toEqual(['inOrder', 'atOnce']);
  });
});
