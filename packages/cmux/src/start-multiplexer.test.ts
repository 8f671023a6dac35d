import { fromLatin1, hasCode, latin1, memoryPair, prepend, type Port } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import { describe, expect, it } from 'vitest';
import { blindCloseDown } from './blind-close-down.ts';
import { GENERIC, HE863, type CmuxProfile } from './cmux-profiles.ts';
import { Multiplexer } from './multiplexer.ts';
import { startMultiplexer } from './start-multiplexer.ts';
import { stopMultiplexer } from './stop-multiplexer.ts';

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

  it.each([
    ['HE863', HE863, 400],
    ['generic', GENERIC, 100],
    ['another', { ...GENERIC, settleMs: 1500 }, 1500],
    ['none', { ...GENERIC, settleMs: 0 }, 0],
  ])('sends no frame before the time that the module needs to settle: %s', async (_, profile, settleMs) => {
    const clock = new VirtualClock();
    const line = memoryPair();
    let okAtMs = NaN;
    let firstFrameAtMs = NaN;
    atSide(line.dce, clock, (command) => {
      if (/^AT\+CMUX=\d/.test(command)) okAtMs = clock.now();
      return OK;
    });
    const seen = startMultiplexer(line.dte, {
      profile,
      clock,
      onFrame: (direction) => {
        if (direction === 'sent' && Number.isNaN(firstFrameAtMs)) firstFrameAtMs = clock.now();
      },
    });
    await clock.run(seen);
    expect(firstFrameAtMs - okAtMs).toBe(settleMs);
  });

  it('takes the line of AT+CMUX=? that is about its option', async () => {
    const lines = '\r\n+CMUX: (0),(0),(5),(31)\r\n+CMUX: (1),(0),(5),(64-256)\r\n';
    const { seen } = await start({ ...GENERIC, n1: 512, option: 'advanced', defaultN1: 64 }, (command) =>
      command.endsWith('=?') ? lines + OK : command === 'AT' ? OK : '\r\nERROR\r\n',
    );
    expect(seen).toEqual(['AT', 'AT+CMUX=?', 'AT+CMUX=1,0,5,256', 'AT+CMUX=1,0', 'AT+CMUX=1']);
  });

  it.each(['', '+CMUX: ', '+CMUX: ?!', 'AT+CMUX=?', '\u0000\u00ff'])(
    'asks for what it wants where AT+CMUX=? is answered with %j',
    async (answer) => {
      const { seen, result } = await start({ ...GENERIC, n1: 127 }, (command) =>
        command.endsWith('=?') ? `\r\n${answer}\r\n${OK}` : OK,
      );
      expect(seen).toEqual(['AT', 'AT+CMUX=?', 'AT+CMUX=0,0,5,127']);
      expect(result).toBeInstanceOf(Multiplexer);
    },
  );

  it('says that a module stays in AT command mode in spite of its OK, and leaves the line for AT', async () => {
    const clock = new VirtualClock();
    const line = memoryPair();
    let text = '';
    line.dce.received$.subscribe((chunk) => {
      text += fromLatin1(chunk);
      // Whatever it does not know is an error to it; it has no echo.
      if (/[\r\u00f9]$/.test(text)) void line.dce.send(latin1(/AT\S*\r$/.test(text) ? OK : '\r\nERROR\r\n'));
    });
    const started = startMultiplexer(line.dte, { profile: HE863, clock }).catch((reason: unknown) => reason);
    const error = await clock.run(started);
    expect(error).toMatchObject({ code: 'ERR_CMUX_NO_ANSWER', context: { seen: 'text' } });
    expect((error as { hint: string }).hint).toContain('AT command mode');
    let heard = '';
    line.dte.received$.subscribe((chunk) => (heard += fromLatin1(chunk)));
    heard = '';
    await clock.run(line.dte.send(latin1('AT\r')));
    await clock.advance(10);
    expect(heard).toContain('OK');
  });

  it.each([
    { option: 'basic', what: 'between two frames', left: '' },
    { option: 'basic', what: 'in the middle of a frame', left: 'f907efff61626364' },
    { option: 'basic', what: 'behind a flag', left: 'f9' },
    { option: 'advanced', what: 'between two frames', left: '' },
    { option: 'advanced', what: 'in the middle of a frame', left: '7e07ef61626364' },
    { option: 'advanced', what: 'behind an escape', left: '7e07ef61627d' },
  ] as const)('frees a module from a run that crashed $what, $option option', async ({ option, left }) => {
    const clock = new VirtualClock();
    const line = memoryPair();
    const crashed = new Multiplexer(line.dte, { clock, n1: 127, option });
    const module = new Multiplexer(line.dce, { clock, n1: 127, option, role: 'responder' });
    module.incoming$.subscribe((port) => {
      // It has something to say to the run that is no more, and a URC with an OK in it.
      void port.send(latin1('\r\nRING\r\n\r\nOK\r\n')).catch(() => undefined);
    });
    void module.start();
    await clock.run(crashed.start());
    await clock.run(crashed.open(1));
    await clock.run(line.dte.send(Uint8Array.from(Buffer.from(left, 'hex'))));
    let seen: string[] = [];
    void module.ended.then(() => ({ seen } = atSide(module.released, clock, () => OK)));
    const result = await clock.run(startMultiplexer(line.dte, { profile: HE863, clock }));
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

describe('the way out of the multiplexer', () => {
  interface Module {
    readonly clock: VirtualClock;
    readonly multiplexer: Multiplexer;
    readonly dce: Port;
    readonly module: Multiplexer;
  }

  /** Two ends with DLCI 1 open; what the module then does is the test's. */
  async function started(): Promise<Module> {
    const clock = new VirtualClock();
    const line = memoryPair();
    const multiplexer = new Multiplexer(line.dte, { clock });
    const module = new Multiplexer(line.dce, { clock, role: 'responder' });
    void module.start();
    await clock.run(multiplexer.start());
    await clock.run(multiplexer.open(1));
    return { clock, multiplexer, module, dce: line.dce };
  }

  /** What the module hears once it has gone deaf, as text. */
  const deaf = async ({ module, clock, dce }: Module): Promise<{ heard: () => string }> => {
    // Away with what listens: the line is heard by the test alone.
    await clock.run(module.close({ signal: AbortSignal.abort() }));
    let text = '';
    dce.received$.subscribe((chunk) => (text += fromLatin1(chunk)));
    return { heard: () => text };
  };

  it('closes DLCs, then the link, and asks with AT; the line it gives goes on with AT', async () => {
    const it = await started();
    const frames: string[] = [];
    it.multiplexer.onFrame = (direction, frame) => {
      if (direction === 'sent') frames.push(Buffer.from(frame).toString('hex'));
    };
    let seen: string[] = [];
    void it.module.ended.then(() => ({ seen } = atSide(it.module.released, it.clock, () => OK)));
    const line = await it.clock.run(stopMultiplexer(it.multiplexer, { clock: it.clock }));
    expect(frames).toEqual(['f90753013ff9', 'f903ef05c301f2f9']);
    expect(seen).toEqual(['AT']);
    let heard = '';
    line.received$.subscribe((chunk) => (heard += fromLatin1(chunk)));
    await it.clock.run(line.send(latin1('AT+CSQ\r')));
    await it.clock.advance(1);
    expect(heard).toBe(`AT+CSQ\r${OK}`);
  });

  it('goes on to DISC on DLCI 0 and to AT where CLD is not answered', async () => {
    const clock = new VirtualClock();
    const { dte, dce } = memoryPair();
    const multiplexer = new Multiplexer(dte, { clock });
    const heard: string[] = [];
    dce.received$.subscribe((chunk) => {
      const hex = Buffer.from(chunk).toString('hex');
      heard.push(hex);
      // Answers SABM, and AT; to CLD and DISC it is as deaf as the kernel's n_gsm.
      if (hex === 'f9033f011cf9') void dce.send(Uint8Array.from(Buffer.from('f9037301d7f9', 'hex')));
      if (hex === '41540d') void dce.send(latin1(OK));
    });
    await clock.run(multiplexer.start());
    await clock.run(stopMultiplexer(multiplexer, { clock }));
    const cld = Array<string>(4).fill('f903ef05c301f2f9');
    const disc = Array<string>(4).fill('f9035301fdf9');
    expect(heard).toEqual(['f9033f011cf9', ...cld, ...disc, '41540d']);
    expect(await multiplexer.ended).toEqual({ reason: 'closedUnanswered' });
  });

  it('sends a blind close-down to a module that answers neither, and then it answers', async () => {
    const it = await started();
    const { heard } = await deaf(it);
    const stopped = stopMultiplexer(it.multiplexer, { clock: it.clock });
    const blind = fromLatin1(blindCloseDown());
    it.dce.received$.subscribe(() => {
      if (heard().includes(blind) && heard().endsWith('AT\r')) void it.dce.send(latin1(OK));
    });
    await it.clock.run(stopped);
    expect(heard().split('AT\r').length - 1).toBe(4);
  });

  it('says so where nothing answers at all', async () => {
    const it = await started();
    await deaf(it);
    const stopped = stopMultiplexer(it.multiplexer, { clock: it.clock }).catch((reason: unknown) => reason);
    expect(await it.clock.run(stopped)).toMatchObject({ code: 'ERR_CMUX_NO_ANSWER', context: { seen: 'nothing' } });
    expect(it.clock.pendingTimers).toBe(0);
  });

  it('says so where the line is gone', async () => {
    const it = await started();
    await it.clock.run(it.dce.close());
    const stopped = stopMultiplexer(it.multiplexer, { clock: it.clock }).catch((reason: unknown) => reason);
    expect(await it.clock.run(stopped)).toMatchObject({ code: 'ERR_CMUX_LINK_LOST' });
  });

  it('can be aborted', async () => {
    const it = await started();
    await deaf(it);
    const abort = new AbortController();
    const stopped = stopMultiplexer(it.multiplexer, { clock: it.clock, signal: abort.signal }).catch(
      (reason: unknown) => reason,
    );
    // Behind the whole ladder, in the middle of AT.
    await it.clock.run(it.multiplexer.ended);
    await it.clock.advance(100);
    abort.abort('enough');
    expect(await it.clock.run(stopped)).toBe('enough');
    expect(it.clock.pendingTimers).toBe(0);
  });

  it('asks with AT after a multiplexer that has ended by itself, too', async () => {
    const it = await started();
    await it.clock.run(it.module.close());
    const { seen } = atSide(it.module.released, it.clock, () => OK);
    await it.clock.run(stopMultiplexer(it.multiplexer, { clock: it.clock }));
    expect(seen).toEqual(['AT']);
  });
});
