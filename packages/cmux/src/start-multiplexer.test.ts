import { fromLatin1, hasCode, latin1, memoryPair, prepend, type Port } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import { describe, expect, it } from 'vitest';
import { GENERIC, HE863, type CmuxProfile } from './cmux-profiles.ts';
import { Multiplexer } from './multiplexer.ts';
import { startMultiplexer } from './start-multiplexer.ts';

/** A module's AT side, a few lines of it: answers command lines, and hands the line to a multiplexer after AT+CMUX. */
function atSide(line: Port, clock: VirtualClock, answer: (command: string) => string, n1 = 127): { seen: string[] } {
  const seen: string[] = [];
  let text = '';
  const subscription = line.received$.subscribe((chunk) => {
    text += fromLatin1(chunk);
    for (;;) {
      const end = text.indexOf('\r');
      if (end < 0) return;
      const command = text.slice(0, end).replace(/^[^A]*/, '');
      text = text.slice(end + 1);
      seen.push(command);
      const said = answer(command);
      void line.send(latin1(`${command}\r${said}`));
      if (!/^AT\+CMUX=\d/.test(command) || !said.includes('OK')) continue;
      subscription.unsubscribe();
      const module = new Multiplexer(prepend(line, latin1(text)), { role: 'responder', clock, n1 });
      void module.start();
      return;
    }
  });
  return { seen };
}
const OK = '\r\nOK\r\n';

async function start(
  profile: CmuxProfile,
  answer: (command: string) => string,
): Promise<{ result: unknown; seen: string[]; clock: VirtualClock }> {
  const clock = new VirtualClock();
  const line = memoryPair();
  const { seen } = atSide(line.dce, clock, answer);
  const result = await clock.run(
    startMultiplexer(line.dte, { profile, clock, baudRate: 115_200 }).catch((reason: unknown) => reason),
  );
  return { result, seen, clock };
}

describe('the way into the multiplexer', () => {
  it('asks an HE863 for the shortest form, waits 400 ms, and opens ports', async () => {
    const { result, seen, clock } = await start(HE863, () => OK);
    expect(seen).toEqual(['AT', 'AT+CMUX=0']);
    expect(clock.now()).toBe(400);
    const port = await clock.run((result as Multiplexer).open(1));
    expect(port.parameters.n1).toBe(127);
  });

  it('heeds ranges of single values, and asks for what is not the default', async () => {
    const profile = { ...GENERIC, n1: 127 };
    const { seen } = await start(profile, (command) =>
      command.endsWith('=?') ? `\r\n+CMUX: (0-1),(0),(5),(127),(10),(3),(30),(10),(2)\r\n${OK}` : OK,
    );
    expect(seen).toEqual(['AT', 'AT+CMUX=?', 'AT+CMUX=0,0,5,127']);
  });

  it('falls back to shorter forms, and then uses the default N1', async () => {
    const profile = { ...GENERIC, n1: 512 };
    const { result, seen, clock } = await start(profile, (command) =>
      command.includes('512') || command === 'AT+CMUX=?' || command === 'AT+CMUX=0,0' ? '\r\n+CME ERROR: 4\r\n' : OK,
    );
    expect(seen).toEqual(['AT', 'AT+CMUX=?', 'AT+CMUX=0,0,5,512', 'AT+CMUX=0,0', 'AT+CMUX=0']);
    const port = await clock.run((result as Multiplexer).open(1));
    expect(port.parameters.n1).toBe(31);
  });

  it('is refused', async () => {
    const { result } = await start(HE863, (command) => (command === 'AT' ? OK : '\r\nERROR\r\n'));
    expect(hasCode(result, 'ERR_CMUX_REFUSED_BY_MODULE')).toBe(true);
  });

  it('says that a silent line is silent', async () => {
    const clock = new VirtualClock();
    const line = memoryPair();
    line.dce.received$.subscribe();
    const result = await clock.run(startMultiplexer(line.dte, { clock }).catch((reason: unknown) => reason));
    expect(hasCode(result, 'ERR_CMUX_NO_ANSWER')).toBe(true);
    expect((result as { context: unknown }).context).toEqual({ seen: 'nothing' });
  });

  it('frees a module that is still in the multiplexer of a crashed run', async () => {
    const clock = new VirtualClock();
    const line = memoryPair();
    const crashed = new Multiplexer(line.dte, { clock, n1: 127 });
    const module = new Multiplexer(line.dce, { clock, n1: 127, role: 'responder' });
    void module.start();
    await clock.run(crashed.start());
    await clock.run(crashed.open(1));
    let seen: string[] = [];
    void module.ended.then(() => ({ seen } = atSide(module.released, clock, () => OK)));
    // The crashed run no longer listens; its line is used anew.
    const stale = line.dte;
    const result = await clock.run(startMultiplexer(stale, { profile: HE863, clock }));
    expect(seen).toContain('AT+CMUX=0');
    await clock.run(result.open(2));
  });

  it('can be aborted', async () => {
    const clock = new VirtualClock();
    const line = memoryPair();
    line.dce.received$.subscribe();
    const abort = new AbortController();
    const result = startMultiplexer(line.dte, { clock, signal: abort.signal }).catch((reason: unknown) => reason);
    await clock.advance(100);
    abort.abort('enough');
    expect(await clock.run(result)).toBe('enough');
    expect(clock.pendingTimers).toBe(0);
  });
});
