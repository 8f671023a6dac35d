import { faultyLine, memoryPair, latin1, fromLatin1, hasCode } from '@cellmux/port';
import { settle, VirtualClock } from '@cellmux/port/testing';
import { describe, expect, it } from 'vitest';
import { CONTROL, POLL_FINAL } from './core/control-field.ts';
import { addressOf, encodeBasicFrame } from './core/frame-encoder.ts';
import type { CmuxEvent } from './cmux-event.ts';
import { DEFAULT_PORT_SETTINGS, PORT_MASK } from './core/remote-port.ts';
import type { DlcPort } from './dlc-port.ts';
import { Multiplexer } from './multiplexer.ts';
import type { MultiplexerOptions } from './multiplexer-options.ts';

interface Pair {
  clock: VirtualClock;
  host: Multiplexer;
  module: Multiplexer;
  opened: DlcPort[];
  line: ReturnType<typeof memoryPair>;
}

async function started(options: MultiplexerOptions = {}): Promise<Pair> {
  const clock = new VirtualClock();
  const line = memoryPair();
  const host = new Multiplexer(line.dte, { clock, ...options });
  const module = new Multiplexer(line.dce, { clock, role: 'responder', ...options });
  const opened: DlcPort[] = [];
  module.incoming$.subscribe((port) => opened.push(port));
  const up = module.start();
  await clock.run(host.start());
  await clock.run(up);
  return { clock, host, module, opened, line };
}

function collect(port: DlcPort): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  port.received$.subscribe({ next: (chunk) => chunks.push(chunk), error: () => undefined });
  return chunks;
}
const text = (chunks: Uint8Array[]): string => chunks.map(fromLatin1).join('');

describe.each(['basic', 'advanced'] as const)('two multiplexers back to back, %s option', (option) => {
  it('open three DLCs, carry data both ways on all, close, and leave the line usable', async () => {
    const { clock, host, module, opened, line } = await started({ option, n1: 127 });
    const ports = await clock.run(Promise.all([1, 2, 3].map((dlci) => host.open(dlci))));
    expect(opened.map((port) => port.dlci)).toEqual([1, 2, 3]);
    const far = opened.map(collect);
    const near = ports.map(collect);
    await clock.run(
      Promise.all([
        ...ports.map((port, index) => port.send(latin1(`to ${index}~}\r`.repeat(1000)))),
        ...opened.map((port, index) => port.send(latin1(`from ${index}~}\r`.repeat(1000)))),
      ]),
    );
    await settle();
    expect(far.map(text)).toEqual([0, 1, 2].map((index) => `to ${index}~}\r`.repeat(1000)));
    expect(near.map(text)).toEqual([0, 1, 2].map((index) => `from ${index}~}\r`.repeat(1000)));
    await clock.run(host.close());
    expect(await clock.run(host.ended)).toEqual({ reason: 'closed' });
    expect(await clock.run(module.ended)).toEqual({ reason: 'closedByPeer' });
    // What left one end is what came to the other.
    for (const [sender, receiver] of [
      [host.counters, module.counters],
      [module.counters, host.counters],
    ] as const) {
      expect(sender.framesSent).toBeGreaterThan(100);
      expect(receiver.framesReceived).toBe(sender.framesSent);
      expect(receiver.octetsReceived).toBe(sender.octetsSent);
    }
    expect(line.dte.isClosed).toBe(false);
    const heard: Uint8Array[] = [];
    module.released.received$.subscribe((chunk) => heard.push(chunk));
    await clock.run(host.released.send(latin1('AT\r')));
    expect(text(heard)).toBe('AT\r');
    expect(clock.pendingTimers).toBe(0);
  });

  it('have the whole control channel in both directions', async () => {
    const { clock, host, module } = await started({ option });
    await clock.run(host.open(5));
    await clock.advance(10);
    for (const [asking, asked] of [
      [host, module],
      [module, host],
    ] as const) {
      const events: CmuxEvent[] = [];
      const subscription = asked.events$.subscribe((event) => events.push(event));
      expect(await clock.run(asking.test(latin1('there?')))).toBe(0);
      await clock.run(asking.stopPeer());
      await clock.run(asking.releasePeer());
      expect((await clock.run(asking.portSettings(5))).baudRate).toBe(9600);
      const settings = { ...DEFAULT_PORT_SETTINGS, baudRate: 57_600, parity: 'even', dataBits: 7 } as const;
      const taken = await clock.run(asking.setPortSettings(5, settings, PORT_MASK.speed | PORT_MASK.dataBits));
      expect(taken).toEqual({ ...DEFAULT_PORT_SETTINGS, baudRate: 57_600, dataBits: 7 });
      expect(await clock.run(asking.portSettings(5))).toEqual(taken);
      const status = { dlci: 5, isError: true, overrun: false, parity: true, framing: false };
      await clock.run(asking.reportLineStatus(status));
      const services = { data: true, voice: true, codecs: 0x15 };
      expect(await clock.run(asking.negotiateServices(5))).toEqual({ data: true, voice: false, codecs: 0 });
      expect(await clock.run(asking.negotiateServices(5, services))).toEqual(services);
      await clock.run(asking.sleep());
      await clock.advance(10);
      expect(events).toEqual([
        { type: 'dataStopped', stopped: true },
        { type: 'dataStopped', stopped: false },
        { type: 'portSettings', dlci: 5, settings: taken },
        { type: 'lineStatus', status },
        { type: 'services', dlci: 5, services },
        { type: 'power', state: 'asleep' },
      ]);
      await clock.run(asking.test());
      expect(events.at(-1)).toEqual({ type: 'power', state: 'awake' });
      subscription.unsubscribe();
    }
    expect(host.counters.controlRetransmissions + module.counters.controlRetransmissions).toBe(0);
  });

  it('carries all 61 DLCs at once', async () => {
    const { clock, host, module, opened } = await started({ option });
    const dlcis = Array.from({ length: 61 }, (_, index) => index + 1);
    const ports = await clock.run(Promise.all(dlcis.map((dlci) => host.open(dlci))));
    const [near, far] = [ports.map(collect), opened.map(collect)];
    await clock.run(
      Promise.all([
        ...ports.map((port) => port.send(latin1(`to ${port.dlci};`.repeat(50)))),
        ...opened.map((port) => port.send(latin1(`from ${port.dlci};`.repeat(50)))),
      ]),
    );
    await clock.advance(10);
    expect(far.map(text)).toEqual(opened.map(({ dlci }) => `to ${dlci};`.repeat(50)));
    expect(near.map(text)).toEqual(dlcis.map((dlci) => `from ${dlci};`.repeat(50)));
    await clock.run(host.close());
    expect(await clock.run(module.ended)).toEqual({ reason: 'closedByPeer' });
  });

  it('opens again a DLC that was closed', async () => {
    const { clock, host, opened } = await started({ option });
    for (let round = 0; round < 3; round++) {
      const port = await clock.run(host.open(5));
      await clock.run(port.send(latin1('x')));
      await clock.run(port.close());
      expect(opened[round]?.isClosed).toBe(true);
      expect(port.isClosed).toBe(true);
    }
  });

  it('stops the peer on one DLC alone while its port is paused', async () => {
    const { clock, host, opened } = await started({ option });
    const one = await clock.run(host.open(1));
    const two = await clock.run(host.open(2));
    const [farOne, farTwo] = opened as [DlcPort, DlcPort];
    const [heardOne, heardTwo] = [collect(one), collect(two)];
    one.pause();
    await clock.advance(10);
    const held = farOne.send(latin1('held'));
    await clock.run(farTwo.send(latin1('through')));
    await clock.advance(1000);
    expect(text(heardTwo)).toBe('through');
    expect(text(heardOne)).toBe('');
    one.resume();
    await clock.run(held);
    expect(text(heardOne)).toBe('held');
  });

  it('tells each DLC as it is: state, what was negotiated, stopped by either end, what it has carried', async () => {
    const { clock, host, module, opened } = await started({ option, n1: 127, n2: 5 });
    const port = await clock.run(host.open(1, { convergence: 2, priority: 9, n1: 63 }));
    await clock.run(host.open(2));
    expect(host.settings).toMatchObject({ role: 'initiator', option, n1: 127, n2: 5, t1Ms: 100, t2Ms: 300 });
    expect(host.dlcs.map(({ dlci, state }) => [dlci, state])).toEqual([
      [0, 'connected'],
      [1, 'connected'],
      [2, 'connected'],
    ]);
    expect(host.dlcs[1]?.parameters).toMatchObject({ frameType: 'UIH', convergence: 2, priority: 9, n1: 63 });
    expect(host.dlcs[2]?.parameters).toMatchObject({ frameType: 'UIH', convergence: 1, priority: 7, n1: 127 });
    const stops = (multiplexer: Multiplexer) =>
      multiplexer.dlcs.map(({ isStoppedByPeer, isStoppedByUs }) => [isStoppedByPeer, isStoppedByUs]);
    port.pause();
    opened[1]?.pause();
    await clock.advance(10);
    expect(stops(host)).toEqual([
      [false, false],
      [false, true],
      [true, false],
    ]);
    expect(stops(module).slice(1)).toEqual([
      [true, false],
      [false, true],
    ]);
    await clock.run(port.close());
    // What was stopped on a DLC that is closed is of no interest.
    expect(host.dlcs[1]).toMatchObject({ state: 'disconnected', isStoppedByUs: false, counters: { stoppedByUs: 1 } });
  });

  it('carries circuits and break both ways', async () => {
    const { clock, host, opened } = await started({ option });
    const port = await clock.run(host.open(1));
    const [far] = opened as [DlcPort];
    expect(port.circuits.dcd).toBe(false);
    await far.setCircuits({ dcd: true, ri: true });
    await port.setCircuits({ dtr: false });
    await clock.advance(5);
    expect(port.circuits).toMatchObject({ dcd: true, ri: true, dsr: true, cts: true });
    expect(far.circuits).toMatchObject({ dtr: false, rts: true });
    await port.setCircuits({ break: true });
    await clock.advance(5);
    expect(far.circuits.break).toBe(true);
    await port.setCircuits({ break: false });
    await clock.advance(5);
    expect(far.circuits.break).toBe(false);
  });
});

describe('what bad peers and lines get', () => {
  it('says that nothing was seen when nobody answers SABM', async () => {
    const clock = new VirtualClock();
    const line = memoryPair();
    line.dce.received$.subscribe();
    const host = new Multiplexer(line.dte, { clock });
    const error = await clock.run(host.start().catch((reason: unknown) => reason));
    expect(hasCode(error, 'ERR_CMUX_NO_ANSWER')).toBe(true);
    expect(clock.now()).toBe(400);
    expect((error as { context: unknown }).context).toEqual({ seen: 'nothing' });
  });

  it('closes though the peer answers nothing any more', async () => {
    const clock = new VirtualClock();
    const line = faultyLine({ clock });
    const host = new Multiplexer(line.dte, { clock });
    const module = new Multiplexer(line.dce, { clock, role: 'responder' });
    void module.start();
    await clock.run(host.start());
    const port = await clock.run(host.open(1));
    line.cut();
    const sent = port.send(latin1('into the void'));
    await clock.run(host.close());
    expect(await host.ended).toEqual({ reason: 'closedUnanswered' });
    expect(port.isClosed).toBe(true);
    await sent;
    expect(clock.pendingTimers).toBe(0);
  });

  it.each(['DM', 'DISC'] as const)('ends when the peer sends %s on DLCI 0', async (type) => {
    const clock = new VirtualClock();
    const line = memoryPair();
    const host = new Multiplexer(line.dte, { clock });
    const module = new Multiplexer(line.dce, { clock, role: 'responder' });
    void module.start();
    await clock.run(host.start());
    const port = await clock.run(host.open(1));
    let isComplete = false;
    port.received$.subscribe({ complete: () => (isComplete = true) });
    const frame = encodeBasicFrame(addressOf(0, type === 'DM' ? 1 : 0), CONTROL[type] | POLL_FINAL, new Uint8Array(0));
    await clock.run(line.dce.send(frame));
    expect(await clock.run(host.ended)).toEqual({ reason: 'closedByPeer' });
    expect(isComplete).toBe(true);
  });

  it('is refused a DLC that the peer does not have', async () => {
    const clock = new VirtualClock();
    const line = memoryPair();
    const host = new Multiplexer(line.dte, { clock });
    const module = new Multiplexer(line.dce, { clock, role: 'responder', dlciCount: 3 });
    void module.start();
    await clock.run(host.start());
    const error = await clock.run(host.open(4).catch((reason: unknown) => reason));
    expect(hasCode(error, 'ERR_CMUX_DLC_REFUSED')).toBe(true);
  });

  it('rejects everything pending when the line is lost', async () => {
    const { clock, host, module, line } = await started();
    const port = await clock.run(host.open(1));
    port.received$.subscribe({ error: () => undefined });
    module.ports.get(1)?.pause();
    await clock.advance(10);
    const pending = port.send(new Uint8Array(10_000)).catch((reason: unknown) => reason);
    const opening = host.open(2).catch((reason: unknown) => reason);
    line.fail(new Error('unplugged'));
    expect(hasCode(await clock.run(pending), 'ERR_CMUX_LINK_LOST')).toBe(true);
    expect(hasCode(await clock.run(opening), 'ERR_CMUX_LINK_LOST')).toBe(true);
    expect(await clock.run(host.ended)).toMatchObject({ reason: 'lineLost' });
    expect(port.isClosed).toBe(true);
  });
});

it('works over a paced line that re-chunks', async () => {
  const clock = new VirtualClock();
  const line = faultyLine({ clock, baudRate: 115_200, seed: 3, faults: { rechunk: true } });
  const host = new Multiplexer(line.dte, { clock, n1: 127, baudRate: 115_200 });
  const module = new Multiplexer(line.dce, { clock, role: 'responder', n1: 127, baudRate: 115_200 });
  void module.start();
  await clock.run(host.start());
  const port = await clock.run(host.open(1));
  const far = module.ports.get(1) as DlcPort;
  const heard = collect(far);
  const bytes = new Uint8Array(20_000).map((_, index) => index * 7);
  await clock.run(port.send(bytes));
  await clock.advance(200);
  expect(Buffer.concat(heard).equals(Buffer.from(bytes))).toBe(true);
});
