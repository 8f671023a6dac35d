import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concatBytes } from './core/bytes.ts';
import { faultyLine, pacedLine, type FaultyLineOptions } from './faulty-line.ts';
import type { Port } from './port.ts';
import { VirtualClock } from './testing/virtual-clock.ts';

const pattern = (length: number): Uint8Array =>
  new Uint8Array(length).map((_, index) => (index * 7 + (index >> 8)) & 0xff);

function collect(port: Port): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  port.received$.subscribe((chunk) => chunks.push(chunk));
  return chunks;
}

/** What the far end gets of `sent` on a line with these options, sent in pieces, and when the last of it came. */
async function through(options: FaultyLineOptions, sent: Uint8Array, pieceOctets = 1000) {
  const clock = new VirtualClock();
  const line = faultyLine({ ...options, clock });
  const chunks: Uint8Array[] = [];
  let lastMs = 0;
  line.dce.received$.subscribe((chunk) => {
    chunks.push(chunk);
    lastMs = clock.now();
  });
  for (let at = 0; at < sent.length; at += pieceOctets)
    await clock.run(line.dte.send(sent.subarray(at, at + pieceOctets)));
  await clock.run(line.dte.close());
  return { received: concatBytes(chunks), chunks, stats: line.stats.dteToDce, lastMs };
}

describe('pacedLine', () => {
  test.each([300, 9600, 115_200, 921_600, 7_200_000])(
    'takes the time of %d Bd, both ways at once',
    async (baudRate) => {
      const clock = new VirtualClock();
      const { dte, dce, stats } = pacedLine({ clock, baudRate });
      const octets = Math.max(20, Math.floor(baudRate / 100));
      const sent = pattern(octets);
      const [atDte, atDce] = [collect(dte), collect(dce)];
      await clock.run(Promise.all([dte.send(sent), dce.send(sent)]));
      while (stats.dteToDce.delivered < octets || stats.dceToDte.delivered < octets) await clock.advance(0.1);
      expect(Buffer.compare(concatBytes(atDce), sent)).toBe(0);
      expect(Buffer.compare(concatBytes(atDte), sent)).toBe(0);
      expect(Math.abs(clock.now() - (octets * 10_000) / baudRate)).toBeLessThan(0.2);
      expect(stats.dteToDce).toMatchObject({ sent: octets, delivered: octets, dropped: 0 });
      expect(stats.dceToDte.busyMs).toBeCloseTo((octets * 10_000) / baudRate, 3);
    },
  );

  test('a short message comes when its last octet has passed, in one piece', async () => {
    const clock = new VirtualClock();
    const { dte, dce } = pacedLine({ clock, baudRate: 10_000 });
    const chunks = collect(dce);
    await dte.send(pattern(2));
    await clock.advance(1.99);
    expect(chunks).toEqual([]);
    await clock.advance(0.02);
    expect(chunks).toEqual([pattern(2)]);
    await clock.advance(100);
    const sentMs = clock.now();
    void dte.send(pattern(1));
    await clock.advance(0.99);
    expect(chunks).toHaveLength(1);
    await clock.advance(0.02);
    expect(chunks).toHaveLength(2);
    expect(clock.now() - sentMs).toBeLessThan(1.02);
  });

  test('takes one timer for a slice however small the sends', async () => {
    const clock = new VirtualClock();
    let timers = 0;
    const counting = {
      now: () => clock.now(),
      after: (delayMs: number, task: () => void) => {
        timers++;
        return clock.after(delayMs, task);
      },
    };
    const { dte, dce } = pacedLine({ clock: counting, baudRate: 7_200_000 });
    const chunks = collect(dce);
    const sends = Array.from({ length: 7200 }, () => dte.send(pattern(100)));
    await clock.run(Promise.all(sends));
    expect(concatBytes(chunks).length).toBeGreaterThan(700_000);
    expect(clock.now()).toBeGreaterThan(990);
    // One second in slices of 2 ms: one for the FIFO, one for what arrives.
    expect(timers).toBeLessThan(1100);
  });

  test('holds little: send waits for the line, and a paused receiver holds the sender back', async () => {
    const clock = new VirtualClock();
    const { dte, dce } = pacedLine({ clock, baudRate: 115_200 });
    const chunks = collect(dce);
    let taken = false;
    void dte.send(pattern(1152)).then(() => (taken = true));
    await clock.advance(50);
    expect(concatBytes(chunks).length).toBeGreaterThan(550);
    dce.pause();
    const atPause = concatBytes(chunks).length;
    await clock.advance(1000);
    const underWay = concatBytes(chunks).length - atPause;
    expect(underWay).toBeLessThan(100);
    expect(taken).toBe(false);
    dce.resume();
    await clock.advance(60);
    expect(taken).toBe(true);
    expect(concatBytes(chunks)).toEqual(pattern(1152));
  });

  test('with nobody reading, keeps half a backlog and loses nothing', async () => {
    const clock = new VirtualClock();
    const { dte, dce } = faultyLine({ clock, backlogLimitBytes: 1000, baudRate: 9600 });
    let taken = false;
    void dte.send(pattern(10_000)).then(() => (taken = true));
    await clock.advance(60_000);
    expect(taken).toBe(false);
    const chunks = collect(dce);
    await clock.advance(60_000);
    expect(taken).toBe(true);
    expect(Buffer.compare(concatBytes(chunks), pattern(10_000))).toBe(0);
  });

  test('what a delay keeps under way does not overrun a receiver that nobody reads', async () => {
    const clock = new VirtualClock();
    const options = { clock, backlogLimitBytes: 1000, baudRate: 96_000, faults: { delayMs: 500 } };
    const { dte, dce, stats } = faultyLine(options);
    const sending = dte.send(pattern(9000));
    await clock.advance(5000);
    expect(stats.dteToDce.delivered).toBeLessThanOrEqual(1000);
    const chunks = collect(dce);
    await clock.run(sending);
    await clock.run(dte.close());
    expect(Buffer.compare(concatBytes(chunks), pattern(9000))).toBe(0);
  });

  test('close waits as long as anything leaves, however slowly', async () => {
    const clock = new VirtualClock();
    const { dte, dce } = pacedLine({ clock, baudRate: 300 });
    const chunks = collect(dce);
    const sending = dte.send(pattern(300));
    await clock.run(Promise.all([dte.close(), sending]));
    expect(clock.now()).toBeGreaterThan(9900);
    expect(concatBytes(chunks)).toEqual(pattern(300));
  });

  test('keeps its rate on average when timers come late', async () => {
    const clock = new VirtualClock();
    let tick = 0;
    // A busy process: each timer comes 0 to 17 ms late.
    const late = {
      now: () => clock.now(),
      after: (delayMs: number, task: () => void) => clock.after(delayMs + ((tick = (tick + 7) % 18), tick), task),
    };
    const { dte, dce } = pacedLine({ clock: late, baudRate: 921_600 });
    const chunks = collect(dce);
    const startMs = clock.now();
    // A sender that waits for each of its frames, as a multiplexer does.
    await clock.run(
      (async () => {
        for (let sent = 0; sent < 921_600; sent += 128) await dte.send(pattern(128));
      })(),
    );
    const takenMs = clock.now() - startMs;
    expect(concatBytes(chunks).length).toBeGreaterThan(900_000);
    expect(takenMs).toBeGreaterThan(9_900);
    expect(takenMs).toBeLessThan(10_200);
  });

  test('a line left idle has no time saved up', async () => {
    const clock = new VirtualClock();
    const { dte, dce } = pacedLine({ clock, baudRate: 9600 });
    const chunks = collect(dce);
    await clock.run(dte.send(pattern(96)));
    await clock.advance(10_000);
    expect(concatBytes(chunks).length).toBe(96);
    void dte.send(pattern(960));
    await clock.advance(500);
    expect(concatBytes(chunks).length - 96).toBeLessThanOrEqual(480);
  });

  test('another baud rate holds from the next slice on', async () => {
    const clock = new VirtualClock();
    const { dte, dce, setBaudRate } = pacedLine({ clock, baudRate: 9600 });
    collect(dce);
    setBaudRate(96_000);
    await clock.run(dte.send(pattern(9600)));
    await clock.run(dte.close());
    expect(clock.now()).toBeCloseTo(1000, 0);
  });

  test('closes in order, or after some seconds without progress', async () => {
    const clock = new VirtualClock();
    const { dte, dce } = pacedLine({ clock, baudRate: 9600 });
    dce.pause();
    const sending = dte.send(pattern(100)).catch((error: unknown) => error);
    await clock.run(dte.close());
    expect(clock.now()).toBe(2000);
    expect(await sending).toMatchObject({ code: 'ERR_PORT_CLOSED', context: { unsentBytes: 100 } });
    expect(dce.isClosed).toBe(true);
  });

  test('a failed line ends both streams and leaves no timer', async () => {
    const clock = new VirtualClock();
    const { dte, dce, fail } = pacedLine({ clock, baudRate: 9600 });
    const ends: unknown[] = [];
    for (const port of [dte, dce]) port.received$.subscribe({ error: (error: unknown) => ends.push(error) });
    const sending = dte.send(pattern(100)).catch((error: unknown) => error);
    await clock.advance(20);
    fail();
    expect(ends).toMatchObject([{ code: 'ERR_PORT_LOST' }, { code: 'ERR_PORT_LOST' }]);
    const { context } = (await sending) as { context: { unsentBytes: number } };
    expect(context.unsentBytes).toBeGreaterThan(60);
    expect(clock.pendingTimers).toBe(0);
  });

  test('refuses options out of range', () => {
    for (const options of [{ baudRate: 49 }, { sliceMs: 0 }, { fifoMs: 1001 }, { backlogLimitBytes: 15 }])
      expect(() => pacedLine(options)).toThrow(/ERR_OPTION_RANGE/);
    for (const faults of [{ dropRate: 1.1 }, { delayMs: -1 }, { dropSliceRate: NaN }])
      expect(() => faultyLine({ faults })).toThrow(/ERR_OPTION_RANGE/);
  });
});

describe('faultyLine', () => {
  test('without faults nothing changes, paced or not, whatever the chunks', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 5000, size: 'max' }),
        fc.integer({ min: 1, max: 700 }),
        fc.constantFrom(undefined, 1200, 115_200, 3_000_000),
        fc.constantFrom({}, { rechunk: true }, { delayMs: 30 }, { rechunk: true, delayMs: 5 }),
        fc.integer(),
        async (sent, pieceOctets, baudRate, faults, seed) => {
          const { received } = await through({ baudRate, faults, seed }, sent, pieceOctets);
          expect(Buffer.compare(received, sent)).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('the same seed does the same damage to the same octets, however they are cut', async () => {
    const faults = { dropRate: 0.01, flipRate: 0.01, insertRate: 0.01, duplicateRate: 0.01 };
    const sent = pattern(20_000);
    const one = await through({ seed: 5, faults }, sent, 1);
    const two = await through({ seed: 5, faults, baudRate: 115_200 }, sent, 3333);
    const other = await through({ seed: 6, faults }, sent);
    expect(Buffer.compare(two.received, one.received)).toBe(0);
    expect(other.received).not.toEqual(one.received);
  });

  test.each(['dropRate', 'flipRate', 'insertRate', 'duplicateRate'] as const)(
    '%s holds and is counted',
    async (kind) => {
      const sent = pattern(200_000);
      const { received, stats } = await through({ seed: 3, faults: { [kind]: 0.02 } }, sent, 10_000);
      const count = {
        dropRate: 'dropped',
        flipRate: 'flipped',
        insertRate: 'inserted',
        duplicateRate: 'duplicated',
      } as const;
      const faults = stats[count[kind]];
      expect(faults).toBeGreaterThan(3600);
      expect(faults).toBeLessThan(4400);
      const grown = { dropRate: -faults, flipRate: 0, insertRate: faults, duplicateRate: faults }[kind];
      expect(received.length).toBe(sent.length + grown);
      expect(stats).toMatchObject({ sent: sent.length, delivered: received.length });
      if (kind === 'flipRate') {
        const bits = received.reduce((sum, octet, index) => {
          const changed = octet ^ (sent[index] as number);
          return sum + (changed === 0 ? 0 : (changed & (changed - 1)) === 0 ? 1 : 100);
        }, 0);
        expect(bits).toBe(faults);
      }
    },
  );

  test('rechunk cuts and joins', async () => {
    const { received, chunks } = await through({ baudRate: 115_200, faults: { rechunk: true } }, pattern(5000), 50);
    expect(received).toEqual(pattern(5000));
    expect(new Set(chunks.map((chunk) => chunk.length)).size).toBeGreaterThan(10);
  });

  test('delay keeps the rate', async () => {
    const { lastMs } = await through({ baudRate: 96_000, faults: { delayMs: 100 } }, pattern(9600));
    expect(lastMs).toBeGreaterThan(1000);
    expect(lastMs).toBeLessThan(1110);
  });

  test('faults are switched on and off, of one direction alone', async () => {
    const clock = new VirtualClock();
    const { dte, dce, setFaults, stats } = faultyLine({ clock });
    const [atDte, atDce] = [collect(dte), collect(dce)];
    setFaults({ dropSliceRate: 1 }, 'dteToDce');
    await dte.send(pattern(10));
    await dce.send(pattern(11));
    setFaults({ dropSliceRate: 0, duplicateSliceRate: 1 });
    await dte.send(pattern(12));
    await clock.advance(1);
    expect(concatBytes(atDte)).toEqual(pattern(11));
    expect(concatBytes(atDce)).toEqual(concatBytes([pattern(12), pattern(12)]));
    expect(stats).toMatchObject({ dteToDce: { dropped: 10, duplicated: 12 }, dceToDte: { dropped: 0 } });
  });

  test('a cut cable loses what is under way and what is sent, a restored one does not', async () => {
    const clock = new VirtualClock();
    const line = faultyLine({ clock, baudRate: 9600 });
    const chunks = collect(line.dce);
    await clock.run(line.dte.send(pattern(3)));
    line.cut();
    await clock.run(line.dte.send(pattern(40)));
    await clock.advance(100);
    expect(chunks).toEqual([]);
    line.restore();
    await clock.run(line.dte.send(pattern(5)));
    await clock.advance(100);
    expect(concatBytes(chunks)).toEqual(pattern(5));
    expect(line.stats.dteToDce).toMatchObject({ sent: 48, delivered: 5, dropped: 43 });
  });
});
