import fc from 'fast-check';
import { FuzzFailure, type FuzzOptions, type FuzzPart, type FuzzResult } from './fuzz-part.ts';
import { seedOf } from './fuzz-random.ts';
import { act, disorderlyActions, orderlyActions, type PairAction } from './pair-action.ts';
import { Pair, type EndName, type PairOptions } from './pair.ts';
import { RECORD_OCTETS, type Session } from './session.ts';

/** All that N2, T2, T3 and the rest of a PSC may take. */
const CALM_MS = 60_000;
const RUNS_AT_ONCE = 20;

/** What the model knows of a pair: nothing but whether its line has kept to what it was given. */
interface Model {
  isOrderly: boolean;
}

/** One action as a command of fast-check's model runner. */
class Step implements fc.AsyncCommand<Model, Pair> {
  readonly #action: PairAction;

  constructor(action: PairAction) {
    this.#action = action;
  }

  check(): boolean {
    return true;
  }

  async run(model: Model, pair: Pair): Promise<void> {
    if (this.#action.type === 'faults' || this.#action.type === 'cut') model.isOrderly = false;
    await act(pair, this.#action);
    if (model.isOrderly) checkStreams(pair);
  }

  toString(): string {
    return JSON.stringify(this.#action);
  }
}

const pairOptions: fc.Arbitrary<PairOptions> = fc.record({
  option: fc.constantFrom('basic', 'advanced'),
  n1: fc.constantFrom(10, 31, 64, 127),
  seed: fc.nat(),
  baudRate: fc.constantFrom(9600, 115_200, 921_600),
  keepAliveMs: fc.constantFrom(0, 0, 2000),
});

const scripts = (actions: readonly fc.Arbitrary<PairAction>[]): fc.Arbitrary<Iterable<fc.AsyncCommand<Model, Pair>>> =>
  fc.commands(
    actions.map((one) => one.map((action) => new Step(action))),
    { maxCommands: 60, size: 'max' },
  );

/**
 * Two multiplexers with a line between them that does all kinds of things, and owners who do anything in any order. While
 * the line keeps to what it is given, what arrives on a port is what was sent on the other, from its first octet on. Once
 * the line is well again, everything asked for is told how it ended, both ends agree which DLCs are open, all of these
 * work both ways, and both ends close and leave no timer.
 */
export const fuzzPairs: FuzzPart = {
  name: 'pairs',
  title: 'two multiplexers, a faulty line between them, events in any order',
  share: 0.012,
  run: async ({ seed, frames, onProgress }: FuzzOptions): Promise<FuzzResult> => {
    const done = { frames: 0, octets: 0, cases: 0 };
    for (let turn = 0; done.frames < frames; turn++) {
      const actions = turn % 2 === 0 ? orderlyActions : [...orderlyActions, ...disorderlyActions];
      const property = fc.asyncProperty(pairOptions, scripts(actions), async (options, script) => {
        const pair = new Pair(options);
        await pair.start();
        await fc.asyncModelRun(() => ({ model: { isOrderly: true }, real: pair }), script);
        await checkEnd(pair);
        done.frames += pair.frames;
        const { dteToDce, dceToDte } = pair.line.stats;
        done.octets += dteToDce.sent + dceToDte.sent;
        done.cases++;
      });
      const result = await fc.check(property, {
        seed: seedOf(seed, turn) | 0,
        numRuns: RUNS_AT_ONCE,
        endOnFailure: false,
      });
      if (result.failed) {
        const [options, script] = result.counterexample ?? [];
        throw new FuzzFailure(
          result.errorInstance instanceof Error ? result.errorInstance.message : 'a pair failed',
          { seed, turn, options, script: fc.stringify(script).replaceAll(',{', '\n,{') },
          result.errorInstance,
        );
      }
      onProgress?.(done);
    }
    return done;
  },
};

const ENDS: readonly (readonly [EndName, EndName])[] = [
  ['host', 'module'],
  ['module', 'host'],
];

/** On a line that loses nothing: each port heard one port of the far end, each record once, none missing. */
function checkStreams(pair: Pair): void {
  for (const [name, far] of ENDS) {
    for (const session of pair.ends[name].sessions) {
      if (session.isRestarted) continue;
      const records = session.heardRecords();
      const from = records[0]?.id;
      const sender = pair.ends[far].sessions.find(({ id }) => id === from);
      if (from === undefined || sender?.isRestarted === true) continue;
      const wrong = records.findIndex(({ id, number }, index) => id !== from || number !== index);
      if (sender?.port.dlci !== session.port.dlci || wrong >= 0)
        throw new Error(`${name}: DLCI ${session.port.dlci} heard what was not sent so (record ${wrong})`);
    }
  }
}

async function checkEnd(pair: Pair): Promise<void> {
  const { clock, ends } = pair;
  const { host, module } = ends;
  pair.heal();
  for (const { sessions } of [host, module]) for (const { port } of sessions) port.resume();
  await clock.advance(CALM_MS);
  if (host.multiplexer.state === 'up' && module.multiplexer.state === 'up') {
    for (const { multiplexer } of [host, module]) pair.ask('last releasePeer', multiplexer.releasePeer());
    await clock.advance(CALM_MS);
    for (const { sessions } of [host, module]) {
      for (const { port } of sessions) {
        // A change, so that the far end is told for certain: damage to both question and answer can hide the last one.
        port.pause();
        await clock.advance(20);
        port.resume();
      }
    }
    await clock.advance(CALM_MS);
    if (!pair.isDamaged) checkStreams(pair);
    await checkAlive(pair);
  }
  for (const { multiplexer } of [host, module]) await within(pair, multiplexer.close(), 'close() does not end');
  for (const { what, settled } of pair.pending) await within(pair, settled, `${what} is never told how it ended`);
  await clock.advance(CALM_MS);
  if (clock.pendingTimers > 0) throw new Error(`${clock.pendingTimers} timers are left`);
}

/**
 * Both ends agree which DLCs are open, and these carry data both ways. One disagreement a damaged line may leave: an end
 * that had stopped the other with FC, and whose DISC was lost each time, is not asked by data, since there is none.
 */
async function checkAlive(pair: Pair): Promise<void> {
  const { clock, ends } = pair;
  const stopped = new Set<Session>();
  const sendLast = (name: EndName, session: Session | undefined): void => {
    if (session === undefined) return;
    stopped.add(session);
    const sent = session.port.send(session.records(1)).finally(() => stopped.delete(session));
    pair.ask(`${name} last send ${session.port.dlci}`, sent);
  };
  for (const [name, far] of ENDS) {
    for (const dlci of [1, 2, 3]) {
      // Where the far end knows nothing of it any more, it says so in answer.
      sendLast(name, ends[name].open(dlci));
      sendLast(far, ends[far].open(dlci));
    }
  }
  await clock.advance(CALM_MS);
  if (ends.host.multiplexer.state !== 'up' || ends.module.multiplexer.state !== 'up') return;
  for (const dlci of [1, 2, 3]) {
    const sessions = [ends.host.open(dlci), ends.module.open(dlci)] as const;
    const [near, far] = sessions;
    const alone = near === undefined ? far : far === undefined ? near : undefined;
    if (alone !== undefined && !(pair.isDamaged && stopped.has(alone)))
      throw new Error(`DLCI ${dlci} is open at one end alone: ${near === undefined ? 'module' : 'host'}`);
    if (near === undefined || far === undefined) continue;
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const)
      await checkCarries(pair, from, to);
  }
}

async function checkCarries(pair: Pair, from: Session, to: Session): Promise<void> {
  const record = from.records(1);
  await within(pair, from.port.send(record), `DLCI ${from.port.dlci} takes nothing any more`);
  await pair.clock.advance(1000);
  if (Buffer.compare(to.heardLast(RECORD_OCTETS), record) !== 0)
    throw new Error(`DLCI ${from.port.dlci} carries nothing any more`);
}

async function within(pair: Pair, promise: Promise<unknown>, what: string): Promise<void> {
  try {
    await pair.clock.run(promise, 600_000);
  } catch (error) {
    throw new Error(what, { cause: error });
  }
}
