import { HE863_AT_PROFILE } from '@cellmux/at';
import { Multiplexer } from '@cellmux/cmux';
import { fromLatin1, latin1, memoryPair } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import { expect, it } from 'vitest';
import { setUpPort, type Dlci } from './set-up-port.ts';

/** A module that hears nothing on a DLC until it has been open for a while, then answers OK to every line. */
async function lateModule(deafMs: number) {
  const clock = new VirtualClock();
  const line = memoryPair();
  const multiplexer = new Multiplexer(line.dte, { clock });
  const module = new Multiplexer(line.dce, { clock, role: 'responder' });
  const heard: string[] = [];
  module.incoming$.subscribe((port) => {
    const fromMs = clock.now() + deafMs;
    let unread = '';
    port.received$.subscribe((chunk) => {
      if (clock.now() < fromMs) return;
      unread += fromLatin1(chunk);
      const lines = unread.split('\r');
      unread = lines.pop() ?? '';
      for (const text of lines) {
        heard.push(text);
        void port.send(latin1('\r\nOK\r\n'));
      }
    });
  });
  void module.start();
  await clock.run(multiplexer.start());
  const setUp = (dlci: Dlci) =>
    clock.run(
      setUpPort(multiplexer, dlci, {
        profile: HE863_AT_PROFILE,
        clock,
        onUrc: () => undefined,
        onCommand: () => undefined,
      }),
    );
  return { multiplexer, heard, setUp };
}

it('says its first command again where the DLC was open before AT listened', async () => {
  const { heard, setUp } = await lateModule(1000);
  await using client = await setUp(1);
  expect(heard.slice(-2)).toEqual(['ATE0', 'AT+CMEE=1']);
  expect(client.mode).toBe('command');
});

it('says it once where it is heard', async () => {
  const { heard, setUp } = await lateModule(0);
  await using _ = await setUp(1);
  expect(heard).toEqual(['ATE0', 'AT+CMEE=1']);
});

it('gives a port that answers nothing up, and closes its DLC', async () => {
  const { multiplexer, setUp } = await lateModule(Infinity);
  await expect(setUp(2)).rejects.toMatchObject({ code: 'ERR_AT_TIMEOUT' });
  expect(multiplexer.ports.size).toBe(0);
});
