import { latin1, memoryPair } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import { describe, expect, it, vi } from 'vitest';
import { AtDialogue } from './at-dialogue.ts';

/** A line whose far end takes nothing more: what is sent waits. */
async function stuckLine(clock: VirtualClock) {
  const { dte, dce } = memoryPair({ backlogLimitBytes: 64 });
  dce.pause();
  // Until neither end has room.
  const filling = new AbortController();
  const filler = dte.send(new Uint8Array(4096).fill(0x2e), { signal: filling.signal }).catch(() => undefined);
  await clock.advance(1);
  filling.abort();
  await filler;
  return { dte, dce };
}

describe('a dialogue on a line that is stuck', () => {
  it('withdraws what the line has not taken when its time is up', async () => {
    const clock = new VirtualClock();
    const { dte, dce } = await stuckLine(clock);
    const dialogue = new AtDialogue(dte, clock);
    for (const line of ['AT+FIRST', 'AT+SECOND']) {
      const answer = await clock.run(dialogue.command(line, 400));
      expect(answer.result).toBe('timeout');
    }
    const heard: string[] = [];
    dce.received$.subscribe((chunk) => heard.push(Buffer.from(chunk).toString('latin1')));
    dce.resume();
    const third = dialogue.command('AT+THIRD', 400);
    await clock.advance(1);
    expect(heard.join('').replaceAll('.', '')).toBe('AT+THIRD\r');
    await dce.send(latin1('\r\nOK\r\n'));
    expect(await clock.run(third)).toMatchObject({ result: 'OK' });
  });

  it('leaves the next command alone when the line says late that the one before is withdrawn', async () => {
    const clock = new VirtualClock();
    const { dte, dce } = memoryPair();
    vi.spyOn(dte, 'send').mockImplementationOnce(
      (_, { signal } = {}) =>
        new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => {
            clock.after(10, () => {
              reject(signal.reason as Error);
            });
          });
        }),
    );
    const dialogue = new AtDialogue(dte, clock);
    expect(await clock.run(dialogue.command('AT+FIRST', 400))).toMatchObject({ result: 'timeout' });
    const second = dialogue.command('AT+SECOND', 400);
    await clock.advance(20);
    await dce.send(latin1('\r\nERROR\r\n'));
    expect(await clock.run(second)).toMatchObject({ result: 'ERROR' });
  });

  it('withdraws when it is aborted', async () => {
    const clock = new VirtualClock();
    const { dte, dce } = await stuckLine(clock);
    const dialogue = new AtDialogue(dte, clock);
    const stop = new AbortController();
    const command = dialogue.command('AT+FIRST', 400, { signal: stop.signal });
    stop.abort(new Error('enough'));
    await expect(command).rejects.toThrow('enough');
    const heard: string[] = [];
    dce.received$.subscribe((chunk) => heard.push(Buffer.from(chunk).toString('latin1')));
    dce.resume();
    await clock.advance(1);
    expect(heard.join('').replaceAll('.', '')).toBe('');
  });
});
