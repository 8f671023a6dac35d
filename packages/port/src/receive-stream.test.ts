import fc from 'fast-check';
import { Subscriber, take, type Subscription } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { concatBytes } from './core/bytes.ts';
import { ReceiveStream } from './receive-stream.ts';

const bytesOf = (...octets: number[]): Uint8Array => new Uint8Array(octets);

/** Every octet pushed, in order, as one subscriber after the other saw them. */
function collect(stream: ReceiveStream): { readonly chunks: Uint8Array[]; end: unknown; subscription: Subscription } {
  const seen: { chunks: Uint8Array[]; end: unknown; subscription: Subscription } = {
    chunks: [],
    end: undefined,
    subscription: new Subscriber(),
  };
  seen.subscription = stream.bytes$.subscribe({
    next: (chunk) => seen.chunks.push(chunk),
    complete: () => (seen.end = 'complete'),
    error: (error: unknown) => (seen.end = error),
  });
  return seen;
}

type Step =
  | { readonly kind: 'push'; readonly octets: number }
  | { readonly kind: 'unshift' }
  | { readonly kind: 'subscribe'; readonly takes: number }
  | { readonly kind: 'unsubscribe' };

const steps = fc.array(
  fc.oneof<fc.Arbitrary<Step>[]>(
    fc.record({ kind: fc.constant('push' as const), octets: fc.integer({ min: 0, max: 700 }) }),
    fc.record({ kind: fc.constant('unshift' as const) }),
    fc.record({ kind: fc.constant('subscribe' as const), takes: fc.integer({ min: 1, max: 5 }) }),
    fc.record({ kind: fc.constant('unsubscribe' as const) }),
  ),
  { maxLength: 60, size: 'max' },
);

describe('ReceiveStream', () => {
  test('joins small chunks that wait, or keeps each as it came', () => {
    for (const keepsChunks of [false, true]) {
      const stream = new ReceiveStream({ name: 's', keepsChunks });
      for (const octet of [1, 2, 3]) stream.push(bytesOf(octet));
      const { chunks } = collect(stream);
      expect(chunks).toEqual(keepsChunks ? [bytesOf(1), bytesOf(2), bytesOf(3)] : [bytesOf(1, 2, 3)]);
    }
  });

  test('any order of push, subscribe, leave and put back loses nothing and keeps the order', () => {
    fc.assert(
      fc.property(steps, fc.constantFrom('complete', 'fail'), (script, end) => {
        const stream = new ReceiveStream({ name: 's', backlogLimitBytes: 1 << 20 });
        const pushed: number[] = [];
        const seen: number[] = [];
        let subscription: Subscription | undefined;
        for (const step of script) {
          if (step.kind === 'push') {
            const chunk = new Uint8Array(step.octets).map(() => pushed.push(pushed.length & 0xff) - 1);
            stream.push(chunk);
          } else if (step.kind === 'subscribe' && (subscription === undefined || subscription.closed)) {
            subscription = stream.bytes$.pipe(take(step.takes)).subscribe((chunk) => seen.push(...chunk));
          } else if (step.kind === 'unsubscribe') {
            subscription?.unsubscribe();
          } else if (step.kind === 'unshift' && (subscription === undefined || subscription.closed)) {
            stream.unshift(new Uint8Array(seen.splice(Math.max(0, seen.length - 3))));
          }
          expect(stream.backlogBytes).toBe(pushed.length - seen.length);
        }
        subscription?.unsubscribe();
        const failure = new Error('line');
        if (end === 'complete') stream.complete();
        else stream.fail(failure);
        stream.push(bytesOf(1, 2, 3));
        const last = collect(stream);
        for (const chunk of last.chunks) seen.push(...chunk);
        expect(seen).toEqual(pushed);
        expect(last.end).toBe(end === 'complete' ? 'complete' : failure);
        expect(collect(stream)).toMatchObject({ chunks: [], end: last.end });
      }),
    );
  });

  test('delivers in order to all when a subscriber pushes, ends and subscribes from within', () => {
    const stream = new ReceiveStream({ name: 's' });
    const orders: string[][] = [[], [], []];
    const log = (index: number) => ({
      next: (chunk: Uint8Array) => orders[index]?.push(...[...chunk].map(String)),
      complete: () => orders[index]?.push('end'),
    });
    stream.bytes$.subscribe((chunk) => {
      if (chunk[0] !== 1) return;
      stream.push(bytesOf(2));
      stream.bytes$.subscribe(log(2));
      stream.push(bytesOf(3));
      stream.complete();
    });
    stream.bytes$.subscribe(log(0));
    stream.bytes$.subscribe(log(1));
    stream.push(bytesOf(1));
    expect(orders).toEqual([
      ['1', '2', '3', 'end'],
      ['1', '2', '3', 'end'],
      ['2', '3', 'end'],
    ]);
  });

  test('each of several subscribers owns its chunk, a Buffer too', () => {
    const stream = new ReceiveStream({ name: 's' });
    const [one, two] = [collect(stream), collect(stream)];
    stream.push(Buffer.from([1, 2, 3]));
    one.chunks[0]?.fill(9);
    expect([...(two.chunks[0] ?? [])]).toEqual([1, 2, 3]);
  });

  test('asks the far side to stop past half the bound, to go on when it is read, and fails past the bound', () => {
    const pressure: boolean[] = [];
    let overflow: unknown;
    const stream = new ReceiveStream({
      name: 'line',
      backlogLimitBytes: 10,
      onBackpressure: (wanted) => pressure.push(wanted),
      onOverflow: (error) => (overflow = error),
    });
    stream.push(new Uint8Array(5));
    expect(pressure).toEqual([]);
    stream.push(new Uint8Array(1));
    expect(pressure).toEqual([true]);
    expect(stream.roomBytes).toBe(4);
    collect(stream).subscription.unsubscribe();
    expect(pressure).toEqual([true, false]);
    stream.push(new Uint8Array(10).fill(7));
    stream.push(new Uint8Array(1));
    expect(overflow).toMatchObject({ code: 'ERR_PORT_OVERFLOW', context: { limitBytes: 10, lostBytes: 1 } });
    const after = collect(stream);
    expect(concatBytes(after.chunks)).toEqual(new Uint8Array(10).fill(7));
    expect(after.end).toBe(overflow);
  });

  test('many small chunks are kept in few blocks', () => {
    const stream = new ReceiveStream({ name: 's' });
    for (let index = 0; index < 60_000; index++) stream.push(bytesOf(index & 0xff));
    const { chunks } = collect(stream);
    expect(chunks.length).toBeLessThan(60_000 / 500);
    expect(concatBytes(chunks)).toEqual(new Uint8Array(60_000).map((_, index) => index & 0xff));
  });

  test('refuses a bound out of range', () => {
    expect(() => new ReceiveStream({ name: 's', backlogLimitBytes: 0 })).toThrow(/ERR_OPTION_RANGE/);
  });
});
