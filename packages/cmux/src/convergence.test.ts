import { faultyLine, hasCode, memoryPair, seededRandom } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ConvergenceLayer, DataFrameType } from './core/parameter-negotiation.ts';
import { CONTROL, POLL_FINAL } from './core/control-field.ts';
import { addressOf, encodeBasicFrame } from './core/frame-encoder.ts';
import type { DlcPort } from './dlc-port.ts';
import type { DlcOptions } from './dlc-options.ts';
import { Multiplexer } from './multiplexer.ts';
import { ScriptedPeer } from '../test/scripted-peer.ts';

interface Ends {
  readonly clock: VirtualClock;
  readonly host: Multiplexer;
  readonly module: Multiplexer;
  readonly near: DlcPort;
  readonly far: DlcPort;
}

async function ends(asked: DlcOptions, baudRate?: number): Promise<Ends> {
  const clock = new VirtualClock();
  const line = baudRate === undefined ? memoryPair() : faultyLine({ clock, baudRate, faults: { rechunk: true } });
  const options = { clock, option: 'advanced', baudRate } as const;
  const host = new Multiplexer(line.dte, options);
  const module = new Multiplexer(line.dce, { ...options, role: 'responder' });
  void module.start();
  await clock.run(host.start());
  const near = await clock.run(host.open(5, asked));
  return { clock, host, module, near, far: module.ports.get(5) as DlcPort };
}

function listen(port: DlcPort): Uint8Array[] {
  const heard: Uint8Array[] = [];
  port.received$.subscribe({ next: (chunk) => heard.push(chunk), error: () => undefined });
  return heard;
}

const layers: readonly (readonly [ConvergenceLayer, DataFrameType])[] = [1, 2, 3, 4].flatMap((layer) =>
  (['UIH', 'UI', 'I'] as const).map((type) => [layer as ConvergenceLayer, type] as const),
);

describe.each(layers)('convergence layer %i in %s frames', (convergence, frameType) => {
  it('carries what is sent both ways, and keeps the frames that it knows', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 3, max: 80 }),
        fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 8 }),
        fc.nat(),
        fc.boolean(),
        async (n1, lengths, seed, late) => {
          const { clock, near, far } = await ends({ convergence, frameType, n1 }, 115_200);
          expect([near.parameters, far.parameters]).toMatchObject([
            { convergence, frameType, n1 },
            { convergence, frameType, n1 },
          ]);
          const begin = (): Uint8Array[][] => [listen(far), listen(near)];
          let heards = late ? [] : begin();
          const random = seededRandom(seed);
          const longest = convergence === 3 ? n1 : 1000;
          const frames = lengths.map((length) =>
            Uint8Array.from({ length: Math.min(length, longest) }, () => Math.floor(random() * 256)),
          );
          await clock.run(Promise.all(frames.flatMap((frame) => [near.send(frame), far.send(frame)])), 600_000);
          await clock.advance(200);
          if (late) heards = begin();
          expect(heards).toHaveLength(2);
          for (const heard of heards) {
            if (convergence >= 3) expect(heard).toEqual(frames);
            else expect(Buffer.concat(heard).equals(Buffer.concat(frames))).toBe(true);
          }
        },
      ),
      { numRuns: 6 },
    );
  });
});

describe('convergence layer 2', () => {
  it('tells signals, flow control and break in front of the data, without MSC', async () => {
    const { clock, host, near, far } = await ends({ convergence: 2, n1: 31 });
    await clock.advance(100);
    const before = host.counters.dlcs.get(0)?.framesSent;
    const [up, down] = [listen(far), listen(near)];
    await near.setCircuits({ dtr: false });
    await clock.advance(5);
    expect(far.circuits).toMatchObject({ dtr: false, rts: true });
    await near.setCircuits({ break: true });
    await clock.run(near.send(new Uint8Array(100)));
    expect(far.circuits.break).toBe(true);
    await near.setCircuits({ break: false });
    await clock.run(near.send(Uint8Array.of(1)));
    expect(far.circuits.break).toBe(false);
    expect(Buffer.concat(up)).toHaveLength(101);
    near.pause();
    await clock.advance(5);
    const held = far.send(Uint8Array.of(7));
    await clock.advance(1000);
    expect(down).toEqual([]);
    near.resume();
    await clock.run(held);
    expect(down).toEqual([Uint8Array.of(7)]);
    expect(host.counters.dlcs.get(0)?.framesSent).toBe(before);
  });
});

it.each([
  [3, 32],
  [4, 65_537],
] as const)('layer %i refuses a frame that the peer could not take', async (convergence, octets) => {
  const { clock, near, far } = await ends({ convergence, n1: 31 });
  const heard = listen(far);
  const error = await near.send(new Uint8Array(octets)).catch((reason: unknown) => reason);
  expect(hasCode(error, 'ERR_CMUX_FRAME_TOO_LONG')).toBe(true);
  await clock.run(near.send(new Uint8Array(octets - 1)), 60_000);
  expect(heard.map(({ length }) => length)).toEqual([octets - 1]);
});

describe('both ends at once', () => {
  it.each<[string, DlcOptions, DlcOptions]>([
    ['the same', { n1: 100, convergence: 4 }, { n1: 100, convergence: 4 }],
    ['another N1', { n1: 100 }, { n1: 50 }],
    ['another layer', { convergence: 3 }, { priority: 9 }],
    ['something and nothing', { n1: 50 }, {}],
    ['nothing and something', {}, { n1: 50, k: 3 }],
  ])('propose %s: one DLC with the same parameters at both', async (_what, ours, theirs) => {
    const clock = new VirtualClock();
    const line = faultyLine({ clock, baudRate: 115_200 });
    const host = new Multiplexer(line.dte, { clock, option: 'advanced' });
    const module = new Multiplexer(line.dce, { clock, option: 'advanced', role: 'responder' });
    void module.start();
    await clock.run(host.start());
    await clock.advance(100);
    const [near, far] = await clock.run(Promise.all([host.open(2, ours), module.open(2, theirs)]));
    await clock.advance(500);
    const { convergence, frameType, n1 } = near.parameters;
    expect(far.parameters).toMatchObject({ convergence, frameType, n1 });
    expect(convergence).toBe(ours.convergence ?? 1);
    const [up, down] = [listen(far), listen(near)];
    await clock.run(Promise.all([near.send(Uint8Array.of(1, 2, 3)), far.send(Uint8Array.of(4, 5))]));
    await clock.advance(50);
    expect([Buffer.concat(up), Buffer.concat(down)]).toEqual([Buffer.of(1, 2, 3), Buffer.of(4, 5)]);
  });

  it('do not get what one of them cannot do without, where the other has none of it', async () => {
    const clock = new VirtualClock();
    const line = faultyLine({ clock, baudRate: 115_200 });
    const host = new Multiplexer(line.dte, { clock, option: 'advanced' });
    const module = new Multiplexer(line.dce, { clock, option: 'advanced', role: 'responder' });
    void module.start();
    await clock.run(host.start());
    await clock.advance(100);
    const outcomes = await clock.run(
      Promise.allSettled([host.open(2, { priority: 9 }), module.open(2, { frameType: 'I' })]),
    );
    expect(outcomes[1]).toMatchObject({ status: 'rejected', reason: { code: 'ERR_CMUX_NOT_AGREED' } });
  });
});

it.each<[string, (host: Multiplexer, module: Multiplexer) => Promise<DlcPort>]>([
  ['the end that broke it off', (host) => host.open(2)],
  ['the other end', (_host, module) => module.open(2)],
  ['each of them', (host, module) => Promise.all([host.open(2), module.open(2)]).then(([port]) => port)],
])('does not hold to a negotiation that was broken off, when %s opens the DLC later', async (_what, open) => {
  const clock = new VirtualClock();
  const line = faultyLine({ clock, baudRate: 9600 });
  const host = new Multiplexer(line.dte, { clock });
  const module = new Multiplexer(line.dce, { clock, role: 'responder' });
  void module.start();
  await clock.run(host.start());
  const abort = new AbortController();
  const opening = host.open(2, { convergence: 2, signal: abort.signal }).catch((reason: unknown) => reason);
  await clock.advance(5);
  abort.abort('no more');
  expect(await opening).toBe('no more');
  await clock.advance(100);
  await clock.run(open(host, module));
  await clock.advance(300);
  const [near, far] = [host.ports.get(2), module.ports.get(2)] as [DlcPort, DlcPort];
  expect(near.parameters.convergence).toBe(far.parameters.convergence);
  const [up, down] = [listen(far), listen(near)];
  await clock.run(Promise.all([near.send(Uint8Array.of(1, 2, 3)), far.send(Uint8Array.of(4, 5))]));
  await clock.advance(100);
  expect([Buffer.concat(up), Buffer.concat(down)]).toEqual([Buffer.of(1, 2, 3), Buffer.of(4, 5)]);
});

it('takes frames as long as it proposed, where the answer to that was lost', async () => {
  const peer = new ScriptedPeer();
  await peer.up();
  const opening = peer.host.open(1, { n1: 100 });
  await peer.clock.advance(1300);
  await peer.say('UA', 1);
  const heard = listen(await peer.clock.run(opening));
  await peer.data(1, new Uint8Array(100).fill(7));
  expect(heard.map(({ length }) => length)).toEqual([100]);
});

it('answers a proposal for an open DLC with what holds on it', async () => {
  const peer = new ScriptedPeer();
  await peer.up();
  await peer.say('SABM', 5);
  await peer.heard();
  await peer.data(0, Uint8Array.of(0x83, 0x11, 5, 0x20, 9, 20, 100, 0, 5, 2));
  expect((await peer.heard())[0]).toContain('PN response DLCI 5: UIH layer=1 priority=7 T1=100 ms N1=31 N2=3 k=2');
});

it('does not use for a new session what was agreed on in the one before', async () => {
  const peer = new ScriptedPeer({ role: 'responder' });
  void peer.host.start();
  await peer.octets(encodeBasicFrame(addressOf(0, 1), CONTROL.SABM | POLL_FINAL, new Uint8Array()));
  await peer.data(0, Uint8Array.of(0x83, 0x11, 5, 0x30, 9, 20, 100, 0, 5, 2));
  await peer.say('SABM', 5);
  expect(peer.host.ports.get(5)?.parameters).toMatchObject({ convergence: 4, n1: 100 });
  await peer.octets(encodeBasicFrame(addressOf(0, 1), CONTROL.SABM | POLL_FINAL, new Uint8Array()));
  await peer.say('SABM', 5);
  expect(peer.host.ports.get(5)?.parameters).toMatchObject({ convergence: 1, n1: 31, priority: 7 });
});
