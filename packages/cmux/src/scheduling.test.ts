import { latin1, pacedLine } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import { describe, expect, it } from 'vitest';
import type { DlcPort } from './dlc-port.ts';
import { Multiplexer } from './multiplexer.ts';

const BAUD = 115_200;
const FRAME_MS = ((127 + 6) * 10_000) / BAUD;

interface Pair {
  readonly clock: VirtualClock;
  readonly near: readonly DlcPort[];
  readonly far: readonly DlcPort[];
  readonly line: ReturnType<typeof pacedLine>;
  readonly host: Multiplexer;
}

async function pair(priorities: readonly (number | undefined)[]): Promise<Pair> {
  const clock = new VirtualClock();
  const line = pacedLine({ clock, baudRate: BAUD });
  const options = { clock, baudRate: BAUD, n1: 127 };
  const host = new Multiplexer(line.dte, options);
  const module = new Multiplexer(line.dce, { ...options, role: 'responder' });
  void module.start();
  await clock.run(host.start());
  const near: DlcPort[] = [];
  for (const [index, priority] of priorities.entries())
    near.push(await clock.run(host.open(index + 1, priority === undefined ? {} : { priority })));
  const far = near.map(({ dlci }) => module.ports.get(dlci) as DlcPort);
  return { clock, near, far, line, host };
}

/** Keeps a port busy until told to stop. */
function saturate(port: DlcPort): () => void {
  let isOn = true;
  const run = async (): Promise<void> => {
    while (isOn) await port.send(new Uint8Array(2000));
  };
  void run();
  return () => {
    isOn = false;
  };
}

/** Answers `AT` with `OK`, as a module does, and gives the times that commands took. */
async function poll(clock: VirtualClock, asking: DlcPort, answering: DlcPort, times: number): Promise<number[]> {
  answering.received$.subscribe(() => void answering.send(latin1('\r\nOK\r\n')));
  let done: () => void = () => undefined;
  let text = '';
  asking.received$.subscribe((chunk) => {
    text += Buffer.from(chunk).toString('latin1');
    if (!text.includes('OK')) return;
    text = '';
    done();
  });
  const took: number[] = [];
  for (let count = 0; count < times; count++) {
    const beganMs = clock.now();
    const answered = new Promise<void>((resolve) => (done = resolve));
    void asking.send(latin1('AT\r'));
    await clock.run(answered);
    took.push(clock.now() - beganMs);
    // Not in step with the frames of the others.
    await clock.advance(7.3 + (count % 11) * 1.9);
  }
  return took.sort((one, other) => one - other);
}
const p99 = (sorted: readonly number[]): number => sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Infinity;

describe('a line that is shared', () => {
  it.each([
    ['up', 2],
    ['down', 2],
    // In both directions there is a frame on the wire, and part of one below.
    ['both ways', 3],
  ])('answers an AT command within the round trip and a few frame times, port 1 full %s: %i', async (way, frames) => {
    const idle = await pair([undefined, undefined, undefined]);
    const roundTripMs = p99(await poll(idle.clock, idle.near[2] as DlcPort, idle.far[2] as DlcPort, 50));
    const busy = await pair([undefined, undefined, undefined]);
    let bulk = 0;
    const stops: (() => void)[] = [];
    if (way !== 'down') {
      busy.far[0]?.received$.subscribe((chunk) => (bulk += chunk.length));
      stops.push(saturate(busy.near[0] as DlcPort));
    }
    if (way !== 'up') {
      busy.near[0]?.received$.subscribe((chunk) => (bulk += chunk.length));
      stops.push(saturate(busy.far[0] as DlcPort));
    }
    await busy.clock.advance(200);
    const [bulkBefore, beganMs] = [bulk, busy.clock.now()];
    const took = await poll(busy.clock, busy.near[2] as DlcPort, busy.far[2] as DlcPort, 300);
    const goodput = ((bulk - bulkBefore) * 1000) / (busy.clock.now() - beganMs) / stops.length;
    for (const stop of stops) stop();
    const overMs = p99(took) - roundTripMs;
    process.stdout.write(
      `AT on port 3, port 1 full ${way}: p50 ${took[150]?.toFixed(1)} ms, p99 ${p99(took).toFixed(1)} ms = ` +
        `round trip ${roundTripMs.toFixed(1)} ms + ${(overMs / FRAME_MS).toFixed(2)} frame times; bulk ${goodput.toFixed(0)} B/s\n`,
    );
    expect(overMs).toBeLessThanOrEqual(frames * FRAME_MS);
    // And yet the line is full: 11000 octets of payload a second are possible, less what the AT commands take.
    expect(goodput).toBeGreaterThan(10_000);
  });

  it('gives equal DLCs equal shares, and an urgent one most, but starves none', async () => {
    const share = async (priorities: readonly (number | undefined)[]): Promise<number[]> => {
      const { clock, near, far } = await pair(priorities);
      const received = far.map(() => 0);
      for (const [index, port] of far.entries())
        port.received$.subscribe((chunk) => (received[index] = (received[index] ?? 0) + chunk.length));
      const stops = near.map(saturate);
      await clock.advance(20_000);
      for (const stop of stops) stop();
      const all = received.reduce((sum, octets) => sum + octets, 0);
      return received.map((octets) => octets / all);
    };
    for (const part of await share([undefined, undefined, undefined])) expect(part).toBeCloseTo(1 / 3, 1);
    const [urgent = 0, ordinary = 0, background = 0] = await share([1, 31, 61]);
    expect(urgent).toBeGreaterThan(0.85);
    expect(ordinary).toBeGreaterThan(background);
    expect(background).toBeGreaterThan(0.01);
  });

  it('does not let a stuck DLC hold up another', async () => {
    const { clock, near, far } = await pair([undefined, undefined]);
    far[0]?.pause();
    await clock.advance(50);
    void near[0]?.send(new Uint8Array(50_000)).catch(() => undefined);
    let heard = 0;
    far[1]?.received$.subscribe((chunk) => (heard += chunk.length));
    await clock.run((near[1] as DlcPort).send(new Uint8Array(10_000)), 2000);
    await clock.advance(100);
    expect(heard).toBe(10_000);
  });

  it('stops a peer on a DLC that nobody reads, before its memory is full, and lets it go on later', async () => {
    const { clock, near, far } = await pair([undefined, undefined]);
    const sent = (near[0] as DlcPort).send(new Uint8Array(200_000));
    await clock.advance(30_000);
    let heard = 0;
    far[0]?.received$.subscribe((chunk) => (heard += chunk.length));
    expect(heard).toBeGreaterThan(32_000);
    expect(heard).toBeLessThan(40_000);
    await clock.run(sent, 60_000);
    await clock.advance(1000);
    expect(heard).toBe(200_000);
  });
});
