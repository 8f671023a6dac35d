import { filter, firstValueFrom, take } from 'rxjs';
import { DRIVEN_CIRCUITS, type Circuits } from '../circuits.ts';
import { concatBytes } from '../core/bytes.ts';
import { hasCode } from '../core/cellmux-error.ts';
import type { Port } from '../port.ts';

/** Two ports at the two ends of one line, for {@link portCompliance}. */
export interface PortPair {
  /** The terminal's end. */
  readonly dte: Port;
  /** The module's end. */
  readonly dce: Port;
  /** Waits for a promise; a pair in virtual time moves its clock meanwhile. Default: just waits. */
  readonly run?: <T>(promise: Promise<T>) => Promise<T>;
  /** Lets some time pass in which what could happen would happen. Default: 50 ms. */
  readonly pass?: () => Promise<void>;
  /** Ends what the pair was made with, after both ports were closed. */
  readonly end?: () => Promise<void>;
}

/** What a kind of port cannot do, or does otherwise. */
export interface PortComplianceOptions {
  /** False where the far end does not see circuits (TCP, pty). Default true. */
  readonly hasCircuits?: boolean;
  /** How the stream of an end ends whose far end closes: `fails` for a device that is unplugged. Default `completes`. */
  readonly farEnd?: Readonly<Record<'dte' | 'dce', 'completes' | 'fails' | 'stays'>>;
  /** More octets than the line and all buffers under it hold. Default 1 MiB. */
  readonly holdsLessThanOctets?: number;
}

/** One rule of the contract, as a test. */
export interface ComplianceCase {
  readonly name: string;
  readonly run: () => Promise<void>;
}

type Ends = readonly ['dte', 'dce'] | readonly ['dce', 'dte'];

const BOTH_WAYS: readonly Ends[] = [
  ['dte', 'dce'],
  ['dce', 'dte'],
];

function check(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`the port breaks the contract: ${what}`);
}

function same(one: Uint8Array, other: Uint8Array, what: string): void {
  let at = 0;
  while (at < one.length && one[at] === other[at]) at++;
  check(
    one.length === other.length && at === one.length,
    `${what}: ${one.length} octets of ${other.length}, wrong from ${at}`,
  );
}

function pattern(length: number, seed: number): Uint8Array {
  const octets = new Uint8Array(length);
  for (let index = 0; index < length; index++) octets[index] = index * 31 + (index >> 8) * 7 + seed;
  return octets;
}

interface Collected {
  readonly octets: () => Uint8Array;
  readonly has: (length: number) => Promise<void>;
  readonly ended: Promise<'completes' | 'fails'>;
  readonly leave: () => void;
}

function collect(port: Port): Collected {
  const chunks: Uint8Array[] = [];
  let length = 0;
  let wake = (): void => undefined;
  let subscription: { unsubscribe(): void } | undefined;
  const ended = new Promise<'completes' | 'fails'>((resolve) => {
    subscription = port.received$.subscribe({
      next: (chunk) => {
        chunks.push(chunk);
        length += chunk.length;
        wake();
      },
      complete: () => {
        resolve('completes');
      },
      error: () => {
        resolve('fails');
      },
    });
  });
  return {
    octets: () => concatBytes(chunks),
    has: (wanted) =>
      new Promise((resolve) => {
        wake = () => {
          if (length >= wanted) resolve();
        };
        wake();
      }),
    ended,
    leave: () => subscription?.unsubscribe(),
  };
}

/**
 * The contract of {@link Port} as tests that any pair of ports must pass, for any test runner.
 *
 * @example
 * for (const { name, run } of portCompliance(async () => memoryPair())) test(name, run);
 */
export function portCompliance(
  makePair: () => Promise<PortPair>,
  {
    hasCircuits = true,
    farEnd = { dte: 'completes', dce: 'completes' },
    holdsLessThanOctets = 1024 * 1024,
  }: PortComplianceOptions = {},
): readonly ComplianceCase[] {
  type Tools = Required<Pick<PortPair, 'dte' | 'dce' | 'run' | 'pass'>>;
  const onPair = (name: string, rule: (tools: Tools) => Promise<void>): ComplianceCase => ({
    name,
    run: async () => {
      const pair = await makePair();
      const run = pair.run ?? (<T>(promise: Promise<T>) => promise);
      const pass = pair.pass ?? (() => new Promise<void>((resolve) => setTimeout(resolve, 50)));
      const { dte, dce } = pair;
      try {
        await rule({ dte, dce, run, pass });
      } finally {
        const atOnce = { signal: AbortSignal.abort() };
        await run(Promise.all([dte.close(atOnce), dce.close(atOnce)]));
        await pair.end?.();
      }
    },
  });
  return [
    onPair('carries every octet both ways at once, in order', async ({ dte, dce, run }) => {
      const [up, down] = [pattern(100_000, 1), pattern(100_000, 77)];
      const [atDce, atDte] = [collect(dce), collect(dte)];
      await run(Promise.all([dte.send(up), dce.send(down), atDce.has(up.length), atDte.has(down.length)]));
      same(atDce.octets(), up, 'from DTE to DCE');
      same(atDte.octets(), down, 'from DCE to DTE');
    }),
    onPair('keeps the order of sends that overlap, of any length, none included', async ({ dte, dce, run }) => {
      const lengths = [5, 0, 1, 3000, 0, 17, 9000, 2];
      const sent = lengths.map((length, index) => pattern(length, index));
      const got = collect(dce);
      const whole = concatBytes(sent);
      await run(Promise.all([...sent.map((bytes) => dte.send(bytes)), got.has(whole.length)]));
      same(got.octets(), whole, 'sends that overlap');
    }),
    onPair('keeps what arrives between two subscribers', async ({ dte, dce, run, pass }) => {
      for (const [from, to] of [
        [dte, dce],
        [dce, dte],
      ] as const) {
        await run(from.send(pattern(3000, 1)));
        await pass();
        const first = firstValueFrom(to.received$);
        const head = await run(first);
        const rest = collect(to);
        await run(Promise.all([from.send(pattern(500, 2)), rest.has(3500 - head.length)]));
        rest.leave();
        same(concatBytes([head, rest.octets()]), concatBytes([pattern(3000, 1), pattern(500, 2)]), 'the hand-over');
      }
    }),
    onPair('gives chunks that are the subscriber’s own', async ({ dte, dce, run }) => {
      const [one, two] = [collect(dce), collect(dce)];
      dce.received$.subscribe((chunk) => chunk.fill(0xaa));
      const sent = pattern(2000, 3);
      await run(Promise.all([dte.send(sent), one.has(2000), two.has(2000)]));
      sent.fill(0);
      same(one.octets(), pattern(2000, 3), 'a chunk that another subscriber wrote to');
      same(two.octets(), pattern(2000, 3), 'a chunk that its sender wrote to after it was sent');
    }),
    onPair('holds the sender back while the receiver pauses, or nobody subscribes', async ({ dte, dce, run, pass }) => {
      for (const [from, to] of [
        [dte, dce],
        [dce, dte],
      ] as const) {
        for (const isPaused of [true, false]) {
          if (isPaused) to.pause();
          let isTaken = false;
          const bytes = pattern(holdsLessThanOctets, 9);
          const sending = from.send(bytes).then(() => (isTaken = true));
          await pass();
          check(!isTaken, isPaused ? 'pause() does not hold the sender' : 'nobody reads, and send takes all');
          const got = collect(to);
          to.resume();
          await run(Promise.all([sending, got.has(bytes.length)]));
          got.leave();
          same(got.octets(), bytes, 'after the wait');
        }
      }
    }),
    onPair('gives up a send on its signal', async ({ dte, dce, run, pass }) => {
      const reason = new Error('enough');
      const refused = await run(
        dte.send(pattern(9, 0), { signal: AbortSignal.abort(reason) }).catch((e: unknown) => e),
      );
      check(refused === reason, 'a signal that has fired does not reject with its reason');
      dce.pause();
      const abort = new AbortController();
      const sending = dte.send(pattern(holdsLessThanOctets, 0), { signal: abort.signal }).catch((e: unknown) => e);
      await pass();
      abort.abort(reason);
      check((await run(sending)) === reason, 'a signal that fires does not reject with its reason');
    }),
    ...BOTH_WAYS.map(([closer, other]) =>
      onPair(`delivers all that was sent before the ${closer.toUpperCase()} closes`, async (tools) => {
        const { [closer]: near, [other]: far, run } = tools;
        const got = collect(far);
        const sending = [near.send(pattern(20_000, 5)), near.send(pattern(10, 6))];
        const closing = near.close();
        check(near.isClosed, 'isClosed is false after close()');
        check(closing === near.close() || (await run(near.close())) === undefined, 'close() twice');
        await run(Promise.all([...sending, closing, got.has(20_010)]));
        same(got.octets(), concatBytes([pattern(20_000, 5), pattern(10, 6)]), 'before the close');
        if (farEnd[other] === 'stays') return;
        check((await run(got.ended)) === farEnd[other], `the far stream does not end: ${farEnd[other]}`);
        check(far.isClosed, 'the far end is not closed');
      }),
    ),
    onPair('is of no more use when closed, and says how much was not sent', async ({ dte, dce, run, pass }) => {
      dce.pause();
      const bytes = pattern(holdsLessThanOctets, 0);
      const sending = dte.send(bytes).catch((error: unknown) => error);
      await pass();
      await run(dte.close({ signal: AbortSignal.abort() }));
      for (const [error, most] of [
        [await run(sending), bytes.length],
        [await run(dte.send(pattern(7, 0)).catch((e: unknown) => e)), 7],
      ] as const) {
        check(hasCode(error, 'ERR_PORT_CLOSED'), 'send on a closed port does not reject with ERR_PORT_CLOSED');
        const { unsentBytes } = error.context;
        check(typeof unsentBytes === 'number' && unsentBytes > 0 && unsentBytes <= most, 'unsentBytes is wrong');
      }
      const circuits = await run(dte.setCircuits({ dtr: false }).catch((error: unknown) => error));
      check(hasCode(circuits, 'ERR_PORT_CLOSED'), 'setCircuits on a closed port does not reject');
      check((await run(collect(dte).ended)) === 'completes', 'received$ does not complete on close()');
      await run(Promise.resolve(dte[Symbol.asyncDispose]()));
    }),
    onPair('gives a subscriber that comes after the end what had arrived', async ({ dte, dce, run, pass }) => {
      await run(dte.send(pattern(100, 8)));
      await pass();
      await run(dce.close());
      const got = collect(dce);
      check((await run(got.ended)) === 'completes', 'received$ does not complete after close()');
      same(got.octets(), pattern(100, 8), 'after the end');
    }),
    onPair('drives its own circuits, and no others', async ({ dte, dce, run }) => {
      for (const [from, to] of [
        [dte, dce],
        [dce, dte],
      ] as const) {
        const own = DRIVEN_CIRCUITS[from.role][0];
        const foreign = DRIVEN_CIRCUITS[to.role][0];
        const refused = await run(from.setCircuits({ [foreign]: true }).catch((error: unknown) => error));
        check(hasCode(refused, 'ERR_PORT_CIRCUIT_NOT_OURS'), `${foreign} of the ${from.role} is not refused`);
        const value = !from.circuits[own];
        const is = (circuits: Circuits): boolean => circuits[own] === value;
        const seen = hasCircuits ? firstValueFrom(to.circuits$.pipe(filter(is), take(1))) : undefined;
        await run(Promise.all([from.setCircuits({ [own]: value }), seen]));
        check(is(from.circuits), `${own} is not what was set`);
      }
    }),
  ];
}
