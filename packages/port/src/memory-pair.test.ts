import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { latin1 } from './core/bytes.ts';
import { memoryPair } from './memory-pair.ts';
import type { Port } from './port.ts';
import { settle } from './testing/virtual-clock.ts';

type Step =
  | { readonly end: 0 | 1; readonly kind: 'send'; readonly octets: number; readonly abortLater: boolean }
  | { readonly end: 0 | 1; readonly kind: 'pause' | 'resume' | 'subscribe' | 'unsubscribe' | 'close' | 'hurry' }
  | { readonly end: 0 | 1; readonly kind: 'fail' | 'settle' | 'abort' };

const end = fc.constantFrom(0 as const, 1 as const);
const steps = fc.array(
  fc.oneof<fc.MaybeWeightedArbitrary<Step>[]>(
    {
      weight: 6,
      arbitrary: fc.record({
        end,
        kind: fc.constant('send' as const),
        octets: fc.integer({ min: 0, max: 60 }),
        abortLater: fc.boolean(),
      }),
    },
    {
      weight: 8,
      arbitrary: fc.record({
        end,
        kind: fc.constantFrom('pause' as const, 'resume' as const, 'subscribe' as const, 'unsubscribe' as const),
      }),
    },
    { weight: 3, arbitrary: fc.record({ end, kind: fc.constantFrom('settle' as const, 'abort' as const) }) },
    {
      weight: 1,
      arbitrary: fc.record({ end, kind: fc.constantFrom('close' as const, 'hurry' as const, 'fail' as const) }),
    },
  ),
  { maxLength: 50, size: 'max' },
);

interface Sent {
  readonly from: 0 | 1;
  readonly bytes: Uint8Array;
  outcome: 'pending' | 'sent' | { readonly unsent: number } | 'aborted';
}

describe('memoryPair', () => {
  test('whatever its ends do, nothing is lost or its sender is told', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (script) => {
        const pair = memoryPair({ backlogLimitBytes: 100 });
        const ports: readonly [Port, Port] = [pair.dte, pair.dce];
        const got: [number[], number[]] = [[], []];
        const ends: [unknown[], unknown[]] = [[], []];
        const subscriptions: [{ unsubscribe(): void; closed: boolean }?, { unsubscribe(): void; closed: boolean }?] =
          [];
        const sends: Sent[] = [];
        const aborts: AbortController[] = [];
        const closings: Promise<void>[] = [];
        let octet = 0;
        const subscribe = (index: 0 | 1): void => {
          if (subscriptions[index]?.closed === false || ends[index].length > 0) return;
          subscriptions[index] = ports[index].received$.subscribe({
            next: (chunk) => got[index].push(...chunk),
            complete: () => ends[index].push('complete'),
            error: (error: unknown) => ends[index].push(error),
          });
        };
        for (const step of script) {
          const port = ports[step.end];
          if (step.kind === 'send') {
            const bytes = new Uint8Array(step.octets).map(() => octet++ & 0xff);
            const abort = step.abortLater ? new AbortController() : undefined;
            if (abort !== undefined) aborts.push(abort);
            const sent: Sent = { from: step.end, bytes: bytes.slice(), outcome: 'pending' };
            sends.push(sent);
            port.send(bytes, { signal: abort?.signal }).then(
              () => {
                bytes.fill(0xee);
                sent.outcome = 'sent';
              },
              (error: { context?: { unsentBytes: number } }) =>
                (sent.outcome = error.context === undefined ? 'aborted' : { unsent: error.context.unsentBytes }),
            );
          } else if (step.kind === 'pause') port.pause();
          else if (step.kind === 'resume') port.resume();
          else if (step.kind === 'subscribe') subscribe(step.end);
          else if (step.kind === 'unsubscribe') subscriptions[step.end]?.unsubscribe();
          else if (step.kind === 'close') closings.push(port.close());
          else if (step.kind === 'hurry') closings.push(port.close({ signal: AbortSignal.abort() }));
          else if (step.kind === 'fail') pair.fail(new Error('cut'));
          else if (step.kind === 'abort') aborts.pop()?.abort();
          else await settle();
        }
        for (const index of [0, 1] as const) {
          ports[index].resume();
          subscribe(index);
        }
        await settle();
        await Promise.all(closings);
        await Promise.all([ports[0].close(), ports[1].close()]);
        for (const index of [0, 1] as const) {
          expect(ports[index].isClosed).toBe(true);
          expect(ends[index]).toHaveLength(1);
          // Each send is there whole, or its sender knows how much of it is not; an aborted one may be there in part.
          let at = 0;
          for (const sent of sends.filter(({ from }) => from !== index)) {
            expect(sent.outcome).not.toBe('pending');
            const there = got[index].slice(at, at + sent.bytes.length);
            if (sent.outcome === 'sent') expect(there).toEqual([...sent.bytes]);
            let length = sent.bytes.length;
            if (typeof sent.outcome === 'object') length -= sent.outcome.unsent;
            if (sent.outcome === 'aborted') {
              length = 0;
              while (length < sent.bytes.length && got[index][at + length] === sent.bytes[length]) length++;
            }
            expect(got[index].slice(at, at + length)).toEqual([...sent.bytes.subarray(0, length)]);
            at += length;
          }
          expect(at).toBe(got[index].length);
        }
      }),
    );
  });

  test('what its sender was told of as not sent does not arrive, whenever the far end goes on', async () => {
    const { dte, dce } = memoryPair();
    let octets = 0;
    dce.received$.subscribe((chunk) => (octets += chunk.length));
    dce.pause();
    const sent = dte.send(latin1('A')).catch((error: { context?: { unsentBytes: number } }) => error.context);
    void dte.close();
    await settle();
    void dte.close({ signal: AbortSignal.abort() });
    dce.resume();
    const context = await sent;
    await settle();
    expect(octets).toBe(1 - (context?.unsentBytes ?? 0));
  });

  test('delivers in the same chunks, each the receiver’s own', async () => {
    const { dte, dce } = memoryPair();
    const chunks: Uint8Array[] = [];
    dce.received$.subscribe((chunk) => chunks.push(chunk));
    const sent = Buffer.from('AT\r');
    await dte.send(sent);
    await dte.send(latin1('ATI\r'));
    sent.fill(0);
    expect(chunks).toEqual([latin1('AT\r'), latin1('ATI\r')]);
    expect(Buffer.isBuffer(chunks[0])).toBe(false);
  });

  test('keeps senders waiting while nobody reads, and loses nothing of a chunk larger than the backlog', async () => {
    const { dte, dce } = memoryPair({ backlogLimitBytes: 100 });
    let sent = false;
    void dte.send(new Uint8Array(1000).fill(1)).then(() => (sent = true));
    await settle();
    expect(sent).toBe(false);
    let octets = 0;
    dce.received$.subscribe((chunk) => (octets += chunk.length));
    await settle();
    expect({ sent, octets }).toEqual({ sent: true, octets: 1000 });
  });

  test('close waits for a paused far end until its signal fires, and then tells the sender', async () => {
    const { dte, dce } = memoryPair();
    dce.pause();
    const sending = dte.send(new Uint8Array(5));
    const hurry = new AbortController();
    let closed = false;
    const closing = dte.close({ signal: hurry.signal }).then(() => (closed = true));
    expect(dte.isClosed).toBe(true);
    await settle();
    expect(closed).toBe(false);
    hurry.abort();
    await expect(sending).rejects.toMatchObject({ code: 'ERR_PORT_CLOSED', context: { unsentBytes: 5 } });
    await closing;
    expect(dce.isClosed).toBe(true);
  });

  test('a broken cable ends both streams with its error and tells senders why', async () => {
    const { dte, dce, fail } = memoryPair();
    dce.pause();
    const sending = dte.send(new Uint8Array(5));
    const ends: unknown[] = [];
    for (const port of [dte, dce]) port.received$.subscribe({ error: (error: unknown) => ends.push(error) });
    const error = new Error('cut');
    fail(error);
    expect(ends).toEqual([error, error]);
    await expect(sending).rejects.toMatchObject({ code: 'ERR_PORT_CLOSED', cause: error });
    await expect(dte.send(new Uint8Array(1))).rejects.toMatchObject({ code: 'ERR_PORT_CLOSED' });
    await dte.close();
  });

  test('both ends see one set of circuits, each drives its own, and each state is told once', async () => {
    const { dte, dce } = memoryPair();
    const seen: boolean[] = [];
    let ended = false;
    dce.circuits$.subscribe({ next: ({ dtr }) => seen.push(dtr), complete: () => (ended = true) });
    await dte.setCircuits({ dtr: true });
    await dte.setCircuits({ dtr: false });
    await dce.setCircuits({ dcd: true });
    expect(seen).toEqual([true, false, false]);
    expect(dte.circuits).toMatchObject({ dtr: false, dcd: true });
    await expect(dte.setCircuits({ dcd: true })).rejects.toMatchObject({ code: 'ERR_PORT_CIRCUIT_NOT_OURS' });
    await dce.close();
    expect(ended).toBe(true);
    await expect(dte.setCircuits({ dtr: true })).rejects.toMatchObject({ code: 'ERR_PORT_CLOSED' });
    expect(dte.circuits.dcd).toBe(true);
  });

  test('two ends that answer each other at once do not recurse', async () => {
    const { dte, dce } = memoryPair();
    let rounds = 0;
    dce.received$.subscribe((chunk) => void dce.send(chunk));
    const done = new Promise<void>((resolve) =>
      dte.received$.subscribe((chunk) => {
        if (++rounds === 20_000) resolve();
        else void dte.send(chunk);
      }),
    );
    await dte.send(new Uint8Array(1));
    await done;
    expect(rounds).toBe(20_000);
  });
});
