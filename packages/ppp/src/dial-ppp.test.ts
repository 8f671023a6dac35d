import { CellmuxError } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import { describe, expect, it } from 'vitest';
import { FakeDialer, type FakeModule } from '../test/fake-dialer.ts';
import { dialPpp, StandingPppCall, type DialPppOptions, type StandingPppEvent } from './index.ts';

const CONTEXT = {
  'AT+CGDCONT?': ['+CGDCONT: 1,"IP","web.example","",0,0'],
  'AT#SGACT?': ['#SGACT: 1,0', '#SGACT: 2,1'],
};

function dialer(module: Partial<FakeModule> = {}) {
  const clock = new VirtualClock();
  return { clock, dialer: new FakeDialer({ clock, responses: CONTEXT, ...module }) };
}
/** A network that never comes to a verdict. */
const NEVER_VERIFIED = { auth: 'pap', verify: () => new Promise<string>(() => undefined) } as const;

const caught = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );

describe('dialPpp', () => {
  it('checks the context, dials, carries, and hangs up in order', async () => {
    const { clock, dialer: at } = dialer();
    const call = await clock.run(dialPpp(at, { clock }));
    expect(call.network.localAddress).toBe('10.0.0.2');
    const heard: Uint8Array[] = [];
    at.server?.packets$.subscribe((packet) => heard.push(packet));
    await clock.run(call.send(new Uint8Array(40).fill(0x45)));
    await clock.run(call.close());
    expect(heard).toHaveLength(1);
    expect(at.log).toEqual(['AT#SGACT?', 'AT+CGDCONT?', 'ATD*99***1#', 'ppp ended', 'ATH']);
    expect(await call.ended).toMatchObject({ reason: 'closedHere' });
    expect(clock.pendingTimers).toBe(0);
  });

  it('delivers what came right behind the answer that brought IP up', async () => {
    const { clock, dialer: at } = dialer();
    const call = await clock.run(dialPpp(at, { clock }));
    // Before whoever dialled has had the time to subscribe.
    await clock.run(at.server?.send(new Uint8Array(40).fill(0x45)) ?? Promise.reject(new Error('no server')));
    await clock.advance(10);
    const heard: Uint8Array[] = [];
    call.packets$.subscribe((packet) => heard.push(packet));
    expect(heard).toHaveLength(1);
    await clock.run(call.close());
  });

  it('sets the context where an APN is given, and only where it differs', async () => {
    const different = dialer({ responses: { ...CONTEXT, 'AT+CGDCONT=1,"IP","other"': [] } });
    await different.clock.run(dialPpp(different.dialer, { clock: different.clock, apn: 'other' }));
    expect(different.dialer.log).toContain('AT+CGDCONT=1,"IP","other"');
    const same = dialer();
    await same.clock.run(dialPpp(same.dialer, { clock: same.clock, apn: 'WEB.example' }));
    expect(same.dialer.log).toEqual(['AT#SGACT?', 'AT+CGDCONT?', 'ATD*99***1#']);
  });

  it("takes the context from the module's own sockets where that is wanted, and only then", async () => {
    const inUse = { ...CONTEXT, 'AT#SGACT?': ['#SGACT: 1,1', '#SGACT: 2,1'] };
    const taken = dialer({ responses: { ...inUse, 'AT#SGACT=1,0': [] } });
    await taken.clock.run(dialPpp(taken.dialer, { clock: taken.clock, takeContext: true }));
    expect(taken.dialer.log).toEqual(['AT#SGACT?', 'AT#SGACT=1,0', 'AT+CGDCONT?', 'ATD*99***1#']);
    const idle = dialer();
    await idle.clock.run(dialPpp(idle.dialer, { clock: idle.clock, takeContext: true }));
    expect(idle.dialer.log).not.toContain('AT#SGACT=1,0');
    const asked = dialer({ responses: { ...inUse, 'AT#SGACT=1,0': [] } });
    expect(await caught(dialPpp(asked.dialer, { clock: asked.clock }))).toMatchObject({
      code: 'ERR_PPP_CONTEXT_IN_USE',
    });
    expect(asked.dialer.log).toEqual(['AT#SGACT?']);
    const stuck = dialer({ responses: inUse });
    const error = await caught(dialPpp(stuck.dialer, { clock: stuck.clock, takeContext: true }));
    expect(error).toMatchObject({ code: 'ERR_PPP_CONTEXT_IN_USE', cause: { code: 'ERR_AT_ERROR' } });
    expect(stuck.dialer.calls).toBe(0);
  });

  it('dials a module that knows neither question', async () => {
    const { clock, dialer: at } = dialer({ responses: {} });
    await clock.run(dialPpp(at, { clock, cid: 3 }));
    expect(at.log.at(-1)).toBe('ATD*99***3#');
  });

  it.each([
    ['ERR_PPP_NO_CONTEXT', { 'AT+CGDCONT?': [] }, {}],
    ['ERR_PPP_CONTEXT_IN_USE', { 'AT#SGACT?': ['#SGACT: 1,1'] }, {}],
    ['ERR_OPTION_RANGE', {}, { apn: 'a"b' }],
    ['ERR_OPTION_RANGE', {}, { cid: 0 }],
    ['ERR_OPTION_RANGE', {}, { pdpType: 'PPP' as 'IP' }],
  ] satisfies [string, Record<string, string[]>, DialPppOptions][])('%s', async (code, responses, options) => {
    const { clock, dialer: at } = dialer({ responses: { ...CONTEXT, ...responses } });
    const error = await caught(dialPpp(at, { clock, ...options }));
    expect(error).toMatchObject({ code });
    expect(at.calls).toBe(0);
  });

  it('keeps what the dialer said as the cause', async () => {
    const cause = new CellmuxError('ERR_AT_NO_CARRIER', 'NO CARRIER');
    const { clock, dialer: at } = dialer({ refuses: () => cause });
    expect(await caught(dialPpp(at, { clock }))).toMatchObject({ code: 'ERR_PPP_DIAL_FAILED', cause });
  });

  it('hangs up what failed before it says so', async () => {
    const { clock, dialer: at } = dialer({ server: { auth: 'pap', verify: () => 'right' } });
    const error = await clock.run(caught(dialPpp(at, { clock, user: 'u', password: 'wrong' })));
    expect(error).toMatchObject({ code: 'ERR_PPP_AUTH_FAILED' });
    expect(at.log.at(-1)).toBe('ATH');
  });

  it('is aborted with the reason of the signal, after the hang-up', async () => {
    const { clock, dialer: at } = dialer({ server: NEVER_VERIFIED });
    const abort = new AbortController();
    const dialling = caught(dialPpp(at, { clock, signal: abort.signal }));
    await clock.advance(100);
    abort.abort('enough');
    const error = await clock.run(dialling);
    expect([error, at.log.includes('ATH')]).toEqual(['enough', true]);
    expect(await caught(dialPpp(at, { clock, signal: AbortSignal.abort('at once') }))).toBe('at once');
  });

  it('escapes where NO CARRIER does not come, and closes the port where nothing helps', async () => {
    const silent = dialer({ saysNoCarrier: false });
    const call = await silent.clock.run(dialPpp(silent.dialer, { clock: silent.clock }));
    await silent.clock.run(call.close());
    expect(silent.dialer.log.slice(-3)).toEqual(['ppp ended', '+++', 'ATH']);
    const dead = dialer({ saysNoCarrier: false, obeysEscape: false });
    const lost = await dead.clock.run(dialPpp(dead.dialer, { clock: dead.clock }));
    await dead.clock.run(lost.close());
    expect(dead.dialer.log.at(-1)).toBe('+++');
    expect(dead.dialer.line?.dte.isClosed).toBe(true);
  });

  it('tells what the module said when the call is lost', async () => {
    const { clock, dialer: at } = dialer();
    const call = await clock.run(dialPpp(at, { clock }));
    at.hangUp('NO CARRIER');
    expect(await clock.run(call.ended)).toMatchObject({
      reason: 'carrierLost',
      text: 'NO CARRIER',
      advice: expect.any(String),
    });
  });
});

describe('a standing call', () => {
  function standing(module: Partial<FakeModule>, options: ConstructorParameters<typeof StandingPppCall>[1] = {}) {
    const { clock, dialer: at } = dialer(module);
    const call = new StandingPppCall(({ signal }) => dialPpp(at, { clock, signal }), {
      clock,
      random: () => 1,
      ...options,
    });
    const events: StandingPppEvent[] = [];
    call.events$.subscribe((event) => events.push(event));
    return { clock, at, call, events };
  }

  it('dials again when it is lost, with the same streams', async () => {
    const { clock, at, call, events } = standing({});
    let heard = 0;
    call.packets$.subscribe(() => heard++);
    for (let round = 0; round < 3; round++) {
      await clock.advance(1000);
      await clock.run(at.server?.send(new Uint8Array(30).fill(0x45)) ?? Promise.reject(new Error('no server')));
      await clock.advance(100_000);
      at.hangUp('NO CARRIER');
      await clock.advance(5000);
    }
    expect(heard).toBe(3);
    expect(events.filter(({ type }) => type === 'up').length).toBeGreaterThanOrEqual(3);
    expect(await caught(call.send(new Uint8Array(3)))).toBeDefined();
    await clock.run(call.close());
    expect(await call.ended).toBeUndefined();
    expect(clock.pendingTimers).toBe(0);
  });

  it('doubles its pauses up to the longest, and gives up after its attempts', async () => {
    const { clock, call, events } = standing(
      { refuses: () => new CellmuxError('ERR_AT_NO_CARRIER', 'NO CARRIER') },
      { firstPauseMs: 1000, longestPauseMs: 5000, attempts: 6 },
    );
    const reason = await clock.run(call.ended);
    expect(reason).toMatchObject({ code: 'ERR_PPP_DIAL_FAILED' });
    const pauses = events.flatMap((event) => (event.type === 'failed' ? [event.retryInMs] : []));
    expect(pauses).toEqual([1000, 2000, 4000, 5000, 5000, undefined]);
  });

  it('spreads its pauses between half and whole', async () => {
    const { clock, call, events } = standing(
      { refuses: () => new Error('x') },
      { firstPauseMs: 1000, attempts: 2, random: () => 0 },
    );
    await clock.run(call.ended);
    expect(events.flatMap((event) => (event.type === 'failed' ? [event.retryInMs] : []))).toEqual([500, undefined]);
  });

  it('does not dial again where that cannot help', async () => {
    const { clock, at, call } = standing({ server: { auth: 'pap', verify: () => 'other' } });
    expect(await clock.run(call.ended)).toMatchObject({ code: 'ERR_PPP_AUTH_FAILED' });
    expect(at.calls).toBe(1);
  });

  it('is closed while it dials and while it waits', async () => {
    const dialling = standing({ server: NEVER_VERIFIED });
    await dialling.clock.advance(100);
    await dialling.clock.run(dialling.call.close());
    const waiting = standing({ refuses: () => new Error('x') });
    await waiting.clock.advance(10);
    await waiting.clock.run(waiting.call.close());
    expect(waiting.clock.pendingTimers).toBe(0);
    expect(await caught(waiting.call.send(new Uint8Array(30).fill(0x45)))).toMatchObject({ code: 'ERR_PPP_NOT_UP' });
  });
});
