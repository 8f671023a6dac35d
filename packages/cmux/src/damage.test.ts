import { seededRandom } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { damagedPair, type Damage } from '../test/damaged-pair.ts';
import type { DlcPort } from './dlc-port.ts';
import { Multiplexer } from './multiplexer.ts';

type Option = 'basic' | 'advanced';

interface Ends {
  readonly clock: VirtualClock;
  readonly near: readonly DlcPort[];
  readonly far: readonly DlcPort[];
  readonly heardNear: number[][];
  readonly heardFar: number[][];
  readonly line: ReturnType<typeof damagedPair>;
}

const DLCIS = [1, 2, 3];

async function begin(option: Option, damages: readonly Damage[], chunk?: (direction: string) => number): Promise<Ends> {
  const clock = new VirtualClock();
  const line = damagedPair(damages, chunk);
  const host = new Multiplexer(line.host, { clock, option });
  const module = new Multiplexer(line.module, { clock, option, role: 'responder' });
  void module.start();
  await clock.run(host.start());
  const near = await clock.run(Promise.all(DLCIS.map((dlci) => host.open(dlci))));
  await clock.advance(1000);
  const far = DLCIS.map((dlci) => module.ports.get(dlci) as DlcPort);
  const listen = (ports: readonly DlcPort[]): number[][] =>
    ports.map((port) => {
      const heard: number[] = [];
      port.received$.subscribe({ next: (chunk) => heard.push(...chunk), error: () => undefined });
      return heard;
    });
  return { clock, near, far, heardNear: listen(near), heardFar: listen(far), line };
}

/** Everything that changes a state: data both ways on all ports, pause and resume, circuits. */
async function live({ clock, near, far }: Ends): Promise<void> {
  for (const [index, port] of near.entries()) {
    const other = far[index] as DlcPort;
    port.pause();
    await port.setCircuits({ dtr: false });
    void port.send(Uint8Array.from([1, 2, 3, 0xf9, 0x7e, 0x7d]));
    await clock.advance(5);
    void other.send(Uint8Array.from({ length: 40 }, (_, at) => at));
    port.resume();
    await port.setCircuits({ dtr: true });
    await other.setCircuits({ dcd: true });
    await clock.advance(5);
    other.pause();
    await clock.advance(5);
    other.resume();
  }
  // T2 with all its tries, and T3 behind them.
  await clock.advance(13_000);
}

/** What says that a port is alive: data gets through both ways, and both ends agree on the circuits. */
async function expectAlive({ clock, near, far, heardNear, heardFar }: Ends): Promise<void> {
  for (const [index, port] of near.entries()) {
    const other = far[index] as DlcPort;
    const mark = [0xaa, index, 0xbb];
    await clock.run(port.send(Uint8Array.from(mark)), 1000);
    await clock.run(other.send(Uint8Array.from(mark)), 1000);
    await clock.advance(200);
    expect(heardFar[index]?.slice(-3)).toEqual(mark);
    expect(heardNear[index]?.slice(-3)).toEqual(mark);
    expect(other.circuits).toMatchObject({ dtr: true, rts: true });
    expect(port.circuits).toMatchObject({ dsr: true, cts: true, dcd: true });
  }
}

describe.each(['basic', 'advanced'] as const)('%s option', (option) => {
  it('delivers the same whatever the chunks', async () => {
    const whole = await begin(option, []);
    await live(whole);
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 40 }), async (seed, most) => {
        const random = seededRandom(seed);
        const cut = await begin(option, [], () => 1 + Math.floor(random() * most));
        await live(cut);
        expect(cut.heardFar).toEqual(whole.heardFar);
        expect(cut.heardNear).toEqual(whole.heardNear);
        await expectAlive(cut);
      }),
      { numRuns: 15 },
    );
  });

  it('has every port working after any one damaged octet on the line', async () => {
    const plain = await begin(option, []);
    await live(plain);
    const { octets } = plain.line;
    const damage = fc.constantFrom<Damage['direction']>('toModule', 'toHost').chain((direction) =>
      fc.record<Damage>({
        direction: fc.constant(direction),
        index: fc.nat(octets[direction] - 1),
        what: fc.constantFrom('flip', 'insert', 'delete'),
        value: fc.integer({ min: 1, max: 255 }),
      }),
    );
    await fc.assert(
      fc.asyncProperty(damage, async (one) => {
        const ends = await begin(option, [one]);
        await live(ends);
        await expectAlive(ends);
      }),
      { numRuns: Number(process.env['DAMAGE_RUNS'] ?? 120) },
    );
  });
});
