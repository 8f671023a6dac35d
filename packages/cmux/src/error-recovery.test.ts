import { faultyLine, hasCode, seededRandom, type LineFaults } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DlcPort } from './dlc-port.ts';
import { Multiplexer } from './multiplexer.ts';

function randomBytes(length: number, seed: number): Uint8Array {
  const random = seededRandom(seed);
  return Uint8Array.from({ length }, () => Math.floor(random() * 256));
}

interface Recovering {
  readonly clock: VirtualClock;
  readonly line: ReturnType<typeof faultyLine>;
  readonly host: Multiplexer;
  readonly module: Multiplexer;
  readonly near: DlcPort;
  readonly far: DlcPort;
}

async function recovering(seed: number, k: number, n2 = 20): Promise<Recovering> {
  const clock = new VirtualClock();
  const line = faultyLine({ clock, baudRate: 115_200, seed });
  const options = { clock, option: 'advanced', n1: 64, n2, baudRate: 115_200 } as const;
  const host = new Multiplexer(line.dte, options);
  const module = new Multiplexer(line.dce, { ...options, role: 'responder' });
  void module.start();
  await clock.run(host.start());
  const near = await clock.run(host.open(1, { frameType: 'I', k }));
  const far = module.ports.get(1) as DlcPort;
  return { clock, line, host, module, near, far };
}

/**
 * Counts frames that arrived and were never sent: an FCS of eight bits takes one damaged frame in 256 for a good one, and
 * nothing above can tell.
 */
function watchUndetected({ host, module }: Recovering): () => number {
  const sent = [new Set<string>(), new Set<string>()] as const;
  let undetected = 0;
  for (const [index, multiplexer] of [host, module].entries()) {
    multiplexer.onFrame = (direction, frame) => {
      const name = Buffer.from(frame).toString('latin1');
      if (direction === 'sent') sent[index]?.add(name);
      else if (sent[1 - index]?.has(name) === false) undetected++;
    };
  }
  return () => undetected;
}

async function exchange({ clock, near, far }: Recovering, octets: number): Promise<void> {
  const bytes = [randomBytes(octets, 1), randomBytes(octets, 2)] as const;
  const heard: Uint8Array[][] = [[], []];
  far.received$.subscribe((chunk) => heard[0]?.push(chunk));
  near.received$.subscribe((chunk) => heard[1]?.push(chunk));
  const sends: Promise<void>[] = [];
  for (let at = 0; at < octets; at += 300) {
    sends.push(near.send(bytes[0].subarray(at, at + 300)), far.send(bytes[1].subarray(at, at + 300)));
  }
  await clock.run(Promise.all(sends), 3_600_000);
  await clock.advance(1000);
  for (const [index, sent] of bytes.entries())
    expect(Buffer.concat(heard[index] ?? []).equals(Buffer.from(sent))).toBe(true);
}

const rate = (most: number): fc.Arbitrary<number> => fc.double({ min: 0, max: most, noNaN: true });
const faults: fc.Arbitrary<Partial<LineFaults>> = fc.record({
  dropRate: rate(0.002),
  flipRate: rate(0.002),
  insertRate: rate(0.002),
  dropSliceRate: rate(0.05),
  duplicateSliceRate: rate(0.05),
  delayMs: fc.integer({ min: 0, max: 60 }),
  rechunk: fc.boolean(),
});

describe('error-recovery mode', () => {
  it('loses, repeats and swaps nothing over a line that drops, flips, puts in, repeats and delays', async () => {
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 7 }), faults, async (seed, k, what) => {
        const pair = await recovering(seed, k);
        const undetected = watchUndetected(pair);
        pair.line.setFaults(what);
        try {
          await exchange(pair, 6000);
          compared++;
        } catch (error) {
          if (undetected() === 0) throw error;
        }
      }),
      { numRuns: Number(process.env['RECOVERY_RUNS'] ?? 25) },
    );
    expect(compared).toBeGreaterThan(15);
  });

  it('uses its window, and repeats nothing on a good line', async () => {
    const pair = await recovering(1, 7);
    const before = pair.clock.now();
    await exchange(pair, 20_000);
    // 313 frames of 64 octets with transparency: at 11520 octets a second some 1.9 s each way, both at once.
    expect(pair.clock.now() - before).toBeLessThan(3600);
    expect(pair.host.counters.dlcs.get(1)?.framesRepeated).toBe(0);
    expect(pair.module.counters.dlcs.get(1)?.rejectsSent).toBe(0);
  });

  it('asks with REJ for a frame that was lost, without waiting for T1', async () => {
    const pair = await recovering(5, 7);
    pair.line.setFaults({ dropSliceRate: 0.02 });
    await exchange(pair, 8000);
    expect(pair.module.counters.dlcs.get(1)?.rejectsSent).toBeGreaterThan(0);
  });

  it('resets the DLC after N2 polls, tells whose bytes may be lost, and goes on', async () => {
    const { clock, line, host, near, far } = await recovering(1, 2, 2);
    const heard: Uint8Array[] = [];
    far.received$.subscribe((chunk) => heard.push(chunk));
    await clock.run(near.send(Uint8Array.of(1)));
    line.cut();
    const lost = near.send(Uint8Array.of(2)).catch((reason: unknown) => reason);
    await clock.advance(700);
    line.restore();
    expect(hasCode(await clock.run(lost), 'ERR_CMUX_DLC_RESET')).toBe(true);
    expect(host.counters.dlcs.get(1)?.resets).toBe(1);
    await clock.run(near.send(Uint8Array.of(3)));
    await clock.run(far.send(Uint8Array.of(4)));
    await clock.advance(100);
    expect(Buffer.concat(heard)).toEqual(Buffer.from([1, 3]));
  });

  it('ends the DLC when nobody answers the reset', async () => {
    const { clock, line, near } = await recovering(1, 2, 2);
    let failure: unknown;
    near.received$.subscribe({ error: (error: unknown) => (failure = error) });
    line.cut();
    const lost = near.send(Uint8Array.of(2)).catch((reason: unknown) => reason);
    await clock.advance(5000);
    expect(hasCode(await lost, 'ERR_CMUX_DLC_RESET') || hasCode(await lost, 'ERR_PORT_CLOSED')).toBe(true);
    expect(hasCode(failure, 'ERR_CMUX_LINK_LOST')).toBe(true);
    expect(near.isClosed).toBe(true);
  });

  it('is refused in the basic option', async () => {
    const clock = new VirtualClock();
    const line = faultyLine({ clock });
    const host = new Multiplexer(line.dte, { clock });
    const module = new Multiplexer(line.dce, { clock, role: 'responder' });
    void module.start();
    await clock.run(host.start());
    const error = await clock.run(host.open(1, { frameType: 'I' }).catch((reason: unknown) => reason));
    expect(hasCode(error, 'ERR_CMUX_NOT_AGREED')).toBe(true);
    await clock.run(host.open(1));
  });
});
