import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AtClient } from '@cellmux/at';
import { VirtualHe863, type VirtualHe863Options } from '@cellmux/he863';
import { CellmuxError, faultyLine, memoryPair, type Port } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { answersAt } from './command-mode.ts';
import type { GatewayEvent, GatewayState } from './gateway-events.ts';
import type { GatewayOptions } from './gateway-options.ts';
import { Gateway } from './gateway.ts';

const SECRET = 'hunter2-sentinel';

/** A gateway and a virtual module at the two ends of a line in memory, in virtual time. */
function setUp(options: Partial<GatewayOptions> = {}, moduleOptions: VirtualHe863Options = {}) {
  const clock = new VirtualClock();
  const line = memoryPair({ name: 'line' });
  const module = new VirtualHe863({ clock, machineNames: false, ...moduleOptions });
  module.serve(line.dce);
  const gateway = new Gateway({ line: line.dte, clock, apn: 'internet', ...options });
  const events: GatewayEvent[] = [];
  const states: GatewayState[] = [];
  gateway.events$.subscribe((event) => events.push(event));
  gateway.state$.subscribe((state) => states.push(state));
  return { clock, line, module, gateway, events, states };
}

/** What a program finds that opens the line afterwards. */
function isInCommandMode(line: Port, clock: VirtualClock): Promise<boolean> {
  return clock.run(answersAt(line, clock));
}

describe('Gateway', () => {
  it('has frames put together only while they are recorded', async () => {
    const { clock, gateway } = setUp();
    const folder = await mkdtemp(join(tmpdir(), 'cellmux-gateway-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    await clock.run(gateway.start());
    expect(gateway.multiplexer.onFrame).toBeUndefined();
    await gateway.startCapture(join(folder, 'line.pcapng'));
    expect(gateway.multiplexer.onFrame).toBeDefined();
    await gateway.stopCapture();
    expect(gateway.multiplexer.onFrame).toBeUndefined();
    await clock.run(gateway.stop());
  });

  it('brings three ports up, works, and takes all down in order', async () => {
    const { clock, line, gateway, events, states } = setUp();
    await clock.run(gateway.start());
    expect(states).toEqual([
      'idle',
      'openingLine',
      'startingMultiplexer',
      'openingPorts',
      'bringingUp',
      'up',
    ] satisfies GatewayState[]);

    const { peerAddress } = gateway.call.network;
    expect((await clock.run(gateway.packets.ping(peerAddress))).payload).toHaveLength(56);
    expect((await clock.run(gateway.at.command('AT+CSQ'))).lines).toEqual(['+CSQ: 21,0']);
    expect(await clock.run(gateway.sockets.status())).toHaveLength(6);

    await clock.run(gateway.stop());
    expect(await gateway.ended).toEqual({ error: undefined, moduleInCommandMode: true });
    const ended = events.flatMap((event) => (event.type === 'ended' ? [event.what] : []));
    expect(ended).toEqual(expect.arrayContaining(['sockets', 'ppp', 'ports', 'multiplexer']));
    expect(ended.indexOf('multiplexer')).toBe(ended.length - 1);
    expect(events.filter(({ type }) => type === 'endFailed')).toEqual([]);
    expect(states.slice(-2)).toEqual(['stopping', 'stopped']);
    expect(line.dte.isClosed).toBe(false);
    expect(await isInCommandMode(line.dte, clock)).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });

  it('works over a line with half a second of delay where T1 allows for it, and not where it does not', async () => {
    for (const t1Ms of [undefined, 500]) {
      const clock = new VirtualClock();
      const line = faultyLine({ clock, faults: { delayMs: 250 } });
      const module = new VirtualHe863({ clock, machineNames: false });
      module.serve(line.dce);
      const gateway = new Gateway({ line: line.dte, clock, apn: 'internet', t1Ms, recovery: false });
      const started = clock.run(gateway.start());
      if (t1Ms === undefined) await expect(started).rejects.toMatchObject({ code: 'ERR_CMUX_NO_ANSWER' });
      else {
        await started;
        expect((await clock.run(gateway.at.command('AT+CSQ'))).lines).toEqual(['+CSQ: 21,0']);
      }
      await clock.run(gateway.stop());
      await clock.run(module.close());
    }
  });

  it('closes the multiplexer of a module that answers nothing within its limit, whatever T1 is', async () => {
    const { clock, gateway, module, events } = setUp({ t1Ms: 700, pollMs: 0, keepAliveMs: 0 });
    await clock.run(gateway.start());
    module.faults.inject({ kind: 'mux', forMs: 600_000 });
    await clock.run(gateway.stop());
    const failed = events.flatMap((event) => (event.type === 'endFailed' ? [event.what] : []));
    expect(failed).not.toContain('multiplexer');
  });

  it('stops twice and more with the same end, and starts once only', async () => {
    const { clock, gateway } = setUp();
    await clock.run(gateway.start());
    await expect(gateway.start()).rejects.toMatchObject({ code: 'ERR_GATEWAY_STARTED' });
    await clock.run(Promise.all([gateway.stop(), gateway.stop(), gateway[Symbol.asyncDispose]()]));
    await expect(gateway.start()).rejects.toMatchObject({ code: 'ERR_GATEWAY_STARTED' });
  });

  it('gives nothing out before it is up', () => {
    const { gateway } = setUp();
    for (const part of ['at', 'call', 'dial', 'multiplexer', 'packets', 'sockets'] as const) {
      expect(() => gateway[part], part).toThrow(expect.objectContaining({ code: 'ERR_GATEWAY_NOT_UP' }));
    }
  });

  it('stopped before it starts, it is simply stopped', async () => {
    const { clock, gateway, states } = setUp();
    await clock.run(gateway.stop());
    expect(await gateway.ended).toEqual({ error: undefined, moduleInCommandMode: false });
    expect(states.at(-1)).toBe('stopped');
  });

  it('fails as a whole when PPP is refused, and leaves the module in command mode', async () => {
    const { clock, line, gateway, events } = setUp(
      { user: 'me', password: SECRET },
      { ppp: { auth: 'pap', user: 'me', password: 'another' } },
    );
    await expect(clock.run(gateway.start())).rejects.toMatchObject({ code: 'ERR_PPP_AUTH_FAILED' });
    expect(await gateway.ended).toMatchObject({ error: { code: 'ERR_PPP_AUTH_FAILED' }, moduleInCommandMode: true });
    expect(JSON.stringify(events)).not.toContain(SECRET);
    expect(await isInCommandMode(line.dte, clock)).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });

  it('does not wait for a slow context when PPP has failed already', async () => {
    const { clock, gateway } = setUp(
      { user: 'me', password: 'wrong' },
      { ppp: { auth: 'pap', user: 'me', password: 'right' }, activationMs: 140_000 },
    );
    await expect(clock.run(gateway.start())).rejects.toMatchObject({ code: 'ERR_PPP_AUTH_FAILED' });
    expect(clock.now()).toBeLessThan(60_000);
  });

  it('fails as a whole when the context of the sockets is refused', async () => {
    const { clock, line, gateway } = setUp({}, { apnUser: 'me', apnPassword: 'right' });
    await expect(clock.run(gateway.start())).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_IPEASY_/) });
    expect(await isInCommandMode(line.dte, clock)).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });

  it('enters the PIN once for both services, and again after the module was reset', async () => {
    const { clock, module, gateway, events } = setUp({ pin: '4711' }, { pin: '4711', bootMs: 1000 });
    await clock.run(gateway.start());
    module.faults.inject({ kind: 'reset' });
    await clock.advance(60_000);
    expect(gateway.state).toBe('up');
    expect(gateway.status.pastOutages).toHaveLength(1);
    expect(JSON.stringify(events)).not.toContain('4711');
    await clock.run(gateway.stop());
  });

  it('tries a PIN that the SIM refuses only once, however long it goes on', async () => {
    const { clock, module, line, gateway } = setUp({ pin: '9999', recovery: { fromStart: true } }, { pin: '4711' });
    await clock.run(gateway.start());
    await clock.advance(600_000);
    expect(gateway.outages.map(({ cause }) => cause)).toContain('simLocked');
    await clock.run(gateway.stop());
    // Two attempts are left: the right one still opens the SIM.
    const operator = new AtClient(line.dte, { clock });
    await clock.run(operator.command('AT+CPIN="4711"'));
    expect((await clock.run(operator.command('AT+CPIN?'))).lines).toEqual(['+CPIN: READY']);
    await clock.run(operator.close());
    await clock.run(module.close());
  });

  it('says why when nobody answers on the line', async () => {
    const clock = new VirtualClock();
    const line = memoryPair();
    line.dce.received$.subscribe();
    const gateway = new Gateway({ line: line.dte, clock });
    await expect(clock.run(gateway.start())).rejects.toMatchObject({ code: 'ERR_CMUX_NO_ANSWER' });
    expect(await gateway.ended).toMatchObject({ moduleInCommandMode: false });
    expect(clock.now()).toBeLessThan(10_000);
    expect(clock.pendingTimers).toBe(0);
  });

  it.each([
    ['openingLine', 0],
    ['the AT dialogue', 200],
    ['the multiplexer', 450],
    ['the ports', 480],
    ['PPP and sockets', 600],
    ['a context that takes long', 5000],
  ])('aborted in %s, it ends in order with the reason', async (_, afterMs) => {
    const { clock, line, gateway } = setUp({}, { activationMs: 60_000 });
    const controller = new AbortController();
    const started = gateway.start({ signal: controller.signal });
    started.catch(() => undefined);
    await clock.advance(afterMs);
    controller.abort(new Error('enough'));
    await expect(clock.run(started)).rejects.toThrow('enough');
    expect(await gateway.ended).toMatchObject({ error: expect.objectContaining({ message: 'enough' }) });
    await clock.advance(70_000);
    expect(await isInCommandMode(line.dte, clock)).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });

  it('stopped while it starts, its start rejects and the module is in command mode', async () => {
    const { clock, line, gateway } = setUp({}, { activationMs: 60_000 });
    const started = gateway.start();
    started.catch(() => undefined);
    await clock.advance(3000);
    await clock.run(gateway.stop());
    await expect(started).rejects.toMatchObject({ code: 'ERR_GATEWAY_STOPPED' });
    await clock.advance(70_000);
    expect(await isInCommandMode(line.dte, clock)).toBe(true);
  });

  it('ends by itself, with the reason, when the line breaks', async () => {
    const { clock, line, gateway } = setUp({ recovery: false });
    await clock.run(gateway.start());
    line.fail(new CellmuxError('ERR_PORT_LOST', 'unplugged'));
    const end = await clock.run(gateway.ended);
    expect(end).toMatchObject({ error: { code: 'ERR_CMUX_LINK_LOST' }, moduleInCommandMode: false });
    expect(clock.now()).toBeLessThan(60_000);
    expect(clock.pendingTimers).toBe(0);
  });

  it('ends with its reason when a line that was handed in is lost: nobody can open it again', async () => {
    const { clock, line, gateway, events } = setUp();
    await clock.run(gateway.start());
    line.fail(new CellmuxError('ERR_PORT_LOST', 'unplugged'));
    const end = await clock.run(gateway.ended);
    expect(end).toMatchObject({ error: { code: 'ERR_GATEWAY_LINE_NOT_REOPENED' }, moduleInCommandMode: false });
    expect(events.filter(({ type }) => type === 'gaveUp')).toEqual([expect.objectContaining({ cause: 'lineLost' })]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('without recovery ends by itself, in order, when the network drops the call', async () => {
    const { clock, line, module, gateway } = setUp({ recovery: false });
    await clock.run(gateway.start());
    module.faults.inject({ kind: 'carrier', port: 1 });
    const end = await clock.run(gateway.ended);
    expect(end).toMatchObject({ error: { code: 'ERR_PPP_CARRIER_LOST' }, moduleInCommandMode: true });
    expect(await isInCommandMode(line.dte, clock)).toBe(true);
  });

  it('stopped after the module was reset under it, the module can be used again', async () => {
    const { clock, line, module, gateway } = setUp();
    await clock.run(gateway.start());
    module.faults.inject({ kind: 'reset' });
    // Nobody says that the module went: the next command finds out.
    await clock.run(gateway.at.command('AT').catch(() => undefined));
    await clock.run(gateway.stop());
    expect(await isInCommandMode(line.dte, clock)).toBe(true);
  });

  it('pings a host for as long as it is up, by name too', async () => {
    const { clock, gateway, events } = setUp(
      { ping: { host: 'far.example', intervalMs: 1000 } },
      { hosts: { 'far.example': '10.64.64.64' } },
    );
    await clock.run(gateway.start());
    await clock.advance(3500);
    await clock.run(gateway.stop());
    const pings = events.filter((event) => event.type === 'pingAnswered');
    expect(pings.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
    expect(pings[0]).toMatchObject({ host: 'far.example' });
    expect(events.filter(({ type }) => type === 'pingLost')).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });
});
