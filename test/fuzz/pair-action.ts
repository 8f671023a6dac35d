import { DEFAULT_PORT_SETTINGS, type DlcOptions } from '@cellmux/cmux';
import type { LineFaults } from '@cellmux/port';
import fc from 'fast-check';
import type { EndName, Pair } from './pair.ts';

/** Something that happens to a pair. */
export type PairAction = { readonly end: EndName; readonly dlci: number } & (
  | { readonly type: 'open'; readonly options: DlcOptions; readonly abortMs: number | undefined }
  | { readonly type: 'send'; readonly records: number; readonly isAborted: boolean }
  | {
      readonly type:
        'pause' | 'resume' | 'closeDlc' | 'test' | 'sleep' | 'stopPeer' | 'releasePeer' | 'rpn' | 'snc' | 'rls';
    }
  | { readonly type: 'circuits'; readonly dtr: boolean; readonly isBreak: boolean }
  | { readonly type: 'time'; readonly ms: number }
  | { readonly type: 'faults'; readonly faults: Partial<LineFaults> }
  | { readonly type: 'cut'; readonly ms: number }
  | { readonly type: 'heal' }
  | { readonly type: 'noise'; readonly octets: number }
  | { readonly type: 'close' }
);

const end = fc.constantFrom<EndName>('host', 'module');
const dlci = fc.integer({ min: 1, max: 3 });
const rate = (most: number): fc.Arbitrary<number> => fc.double({ min: 0, max: most, noNaN: true });

const options: fc.Arbitrary<DlcOptions> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  {
    weight: 2,
    arbitrary: fc.record(
      {
        frameType: fc.constantFrom('UIH' as const, 'UI' as const, 'I' as const, 'I' as const),
        convergence: fc.constantFrom<(1 | 2)[]>(1, 1, 2),
        n1: fc.integer({ min: 3, max: 200 }),
        k: fc.integer({ min: 1, max: 7 }),
        priority: fc.nat(63),
      },
      { requiredKeys: [] },
    ),
  },
);

const faults: fc.Arbitrary<Partial<LineFaults>> = fc.record(
  {
    dropRate: rate(0.01),
    flipRate: rate(0.01),
    insertRate: rate(0.01),
    duplicateRate: rate(0.01),
    dropSliceRate: rate(0.1),
    duplicateSliceRate: rate(0.1),
    delayMs: fc.integer({ min: 0, max: 80 }),
  },
  { requiredKeys: [] },
);

const plain = (type: PairAction['type']): fc.Arbitrary<PairAction> =>
  fc.record({ type: fc.constant(type), end, dlci }) as fc.Arbitrary<PairAction>;
const withMore = (type: PairAction['type'], more: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<PairAction> =>
  fc.record({ type: fc.constant(type), end, dlci, ...more }) as fc.Arbitrary<PairAction>;

/** What may happen, without faults of the line. */
export const orderlyActions: readonly fc.Arbitrary<PairAction>[] = [
  withMore('open', { options, abortMs: fc.oneof(fc.constant(undefined), fc.integer({ min: 0, max: 300 })) }),
  withMore('open', { options: fc.constant({}), abortMs: fc.constant(undefined) }),
  withMore('send', { records: fc.integer({ min: 1, max: 400 }), isAborted: fc.constant(false) }),
  withMore('send', { records: fc.integer({ min: 1, max: 30 }), isAborted: fc.constant(false) }),
  ...(['pause', 'resume', 'closeDlc', 'test', 'sleep', 'stopPeer', 'releasePeer', 'rpn', 'snc', 'rls'] as const).map(
    plain,
  ),
  withMore('circuits', { dtr: fc.boolean(), isBreak: fc.boolean() }),
  withMore('time', { ms: fc.constantFrom(0, 1, 5, 30, 100, 400, 1300, 5000) }),
  withMore('time', { ms: fc.constantFrom(1, 5, 30, 100) }),
];

/** What may happen besides where the line is not to be trusted. */
export const disorderlyActions: readonly fc.Arbitrary<PairAction>[] = [
  withMore('faults', { faults }),
  withMore('cut', { ms: fc.constantFrom(10, 200, 1000, 3000) }),
  plain('heal'),
  plain('close'),
];

/** Does it; what cannot be done now is not done. */
export async function act(pair: Pair, action: PairAction): Promise<void> {
  const own = pair.ends[action.end];
  const { multiplexer } = own;
  const session = own.open(action.dlci);
  const what = `${action.end} ${action.type} ${action.dlci}`;
  switch (action.type) {
    case 'open': {
      const abort = new AbortController();
      if (action.abortMs !== undefined) pair.clock.after(action.abortMs, () => abort.abort(new Error('aborted')));
      const opening = multiplexer.open(action.dlci, { ...action.options, signal: abort.signal });
      pair.ask(
        what,
        opening.then((port) => own.took(port)),
      );
      break;
    }
    case 'send':
      if (session !== undefined) pair.ask(what, session.port.send(session.records(action.records)));
      break;
    case 'pause':
      session?.port.pause();
      break;
    case 'resume':
      session?.port.resume();
      break;
    case 'closeDlc':
      if (session !== undefined) pair.ask(what, session.port.close());
      break;
    case 'test':
      pair.ask(what, multiplexer.test());
      break;
    case 'sleep':
      pair.ask(what, multiplexer.sleep());
      break;
    case 'stopPeer':
      pair.ask(what, multiplexer.stopPeer());
      break;
    case 'releasePeer':
      pair.ask(what, multiplexer.releasePeer());
      break;
    case 'rpn':
      pair.ask(what, multiplexer.setPortSettings(action.dlci, { ...DEFAULT_PORT_SETTINGS, baudRate: 115_200 }));
      break;
    case 'snc':
      pair.ask(what, multiplexer.negotiateServices(action.dlci, { data: true, voice: true, codecs: 5 }));
      break;
    case 'rls':
      pair.ask(
        what,
        multiplexer.reportLineStatus({
          dlci: action.dlci,
          isError: true,
          overrun: true,
          parity: false,
          framing: false,
        }),
      );
      break;
    case 'circuits':
      if (session === undefined) break;
      pair.ask(
        what,
        session.port.setCircuits(
          action.end === 'host' ? { dtr: action.dtr, break: action.isBreak } : { dsr: action.dtr, dcd: action.isBreak },
        ),
      );
      break;
    case 'time':
      await pair.clock.advance(action.ms);
      break;
    case 'faults':
      pair.setFaults(action.faults);
      break;
    case 'cut':
      pair.cut();
      await pair.clock.advance(action.ms);
      pair.line.restore();
      break;
    case 'heal':
      pair.heal();
      break;
    case 'close':
      pair.ask(what, multiplexer.close());
      break;
    default:
      break;
  }
  await pair.clock.advance(0);
}
