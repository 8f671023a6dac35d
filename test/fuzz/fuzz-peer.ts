import {
  AdvancedDeframer,
  BasicDeframer,
  DEFAULT_PORT_SETTINGS,
  frameTypeOf,
  Multiplexer,
  type ConvergenceLayer,
  type DlcPort,
  type FrameSink,
  type MultiplexerOptions,
} from '@cellmux/cmux';
import { VirtualClock } from '@cellmux/port/testing';
import { countingLine, type CountingLine } from './counting-line.ts';
import { FuzzFailure, OCTETS_OF_A_FRAME, type FuzzOptions, type FuzzPart, type FuzzResult } from './fuzz-part.ts';
import { FuzzRandom, seedOf } from './fuzz-random.ts';
import { HostileFrames } from './hostile-frames.ts';

/** What may be handed to a line of unknown speed before it has taken any of it, and one frame that was begun below that. */
const WAITING_LIMIT_OCTETS = 32 * 1024 + 2 * 2048 + 64;
/** Bytes that nobody reads are kept for one DLC, at most. */
const BACKLOG_LIMIT_BYTES = 4096;

/**
 * One multiplexer, of either role and option, whose peer says anything and whose owner does anything: nothing is thrown,
 * what it sends is whole frames with the C/R bits of its role, no bound is passed, and in the end everything that was asked
 * for has been told how it ended, and no timer is left.
 */
export const fuzzPeer: FuzzPart = {
  name: 'peer',
  title: 'one multiplexer against a hostile peer, with an owner who does anything',
  share: 0.038,
  run: async ({ seed, frames, onProgress }: FuzzOptions): Promise<FuzzResult> => {
    const done = { frames: 0, octets: 0, cases: 0 };
    for (; done.frames < frames; done.cases++) {
      const life = new Life(new FuzzRandom(seedOf(seed, done.cases)), { seed, case: done.cases });
      await life.run();
      done.frames += life.frames;
      done.octets += life.octets;
      if (done.cases % 64 === 0) onProgress?.(done);
    }
    return done;
  },
};

/** Checks what the multiplexer sends. */
class SentFrames implements FrameSink {
  frames = 0;
  wrong: string | undefined;
  readonly #commandBit: number;

  constructor(role: 'initiator' | 'responder') {
    this.#commandBit = role === 'initiator' ? 1 : 0;
  }

  frame(_bytes: Uint8Array, address: number, control: number): void {
    this.frames++;
    const type = frameTypeOf(control);
    const bit = (address >> 1) & 1;
    // Supervisory frames are commands or responses, as it comes.
    if (type === 'RR' || type === 'RNR' || type === 'REJ') return;
    const isResponse = type === 'UA' || type === 'DM';
    if ((bit === this.#commandBit) === isResponse) this.wrong = `${String(type)} with C/R = ${bit}`;
    if (address >> 2 > 61) this.wrong = `${String(type)} on DLCI ${address >> 2}`;
  }

  noise(bytes: Uint8Array, start: number, end: number): void {
    this.wrong = `octets that are no frame: ${[...bytes.subarray(start, end)].slice(0, 40).join(' ')}`;
  }
}

class Life {
  frames = 0;
  octets = 0;
  readonly #random: FuzzRandom;
  readonly #where: Readonly<Record<string, number>>;
  /** The latest things that were done, to be told with a failure. */
  /** Aborts some of what the owner wishes, at some time. */
  readonly #abort = new AbortController();
  readonly #script: string[] = [];
  #options: MultiplexerOptions = {};
  readonly #pending = new Map<string, Promise<unknown>>();
  readonly #clock = new VirtualClock();
  #line!: CountingLine;
  #host!: Multiplexer;
  #said!: HostileFrames;

  constructor(random: FuzzRandom, where: Readonly<Record<string, number>>) {
    this.#random = random;
    this.#where = where;
  }

  async run(): Promise<void> {
    try {
      await this.#live();
    } catch (error) {
      if (error instanceof FuzzFailure) throw error;
      this.#fail('it threw', error);
    }
  }

  async #live(): Promise<void> {
    const random = this.#random;
    const clock = this.#clock;
    const role = random.oneOf(['initiator', 'responder'] as const);
    const option = random.oneOf(['basic', 'advanced'] as const);
    const n1 = random.oneOf([1, 10, 31, 64, 127, 512]);
    this.#options = {
      role,
      option,
      n1,
      softwareFlow: option === 'advanced' && random.chance(0.3),
      headerOnlyUi: random.chance(0.2),
      keepAliveMs: random.chance(0.5) ? 0 : random.between(100, 5000),
      dlciCount: random.oneOf([0, 3, 61, 61]),
      n2: random.oneOf([0, 1, 3]),
      t3Ms: random.oneOf([1000, 10_000]),
      backlogLimitBytes: BACKLOG_LIMIT_BYTES,
    };
    const line = (this.#line = countingLine(clock));
    const host = (this.#host = new Multiplexer(line.port, { ...this.#options, clock }));
    host.events$.subscribe((event) => this.#note(`event: ${JSON.stringify(event)}`));
    host.state$.subscribe((state) => this.#note(`state: ${state}`));
    this.#said = new HostileFrames(random, option, role === 'responder');
    const sent = new SentFrames(role);
    const deframer =
      option === 'basic' ? new BasicDeframer(sent, { n1: 4096 }) : new AdvancedDeframer(sent, { n1: 4096 });
    let isOver = false;
    void host.ended.then(() => (isOver = true));
    line.onTaken = (octets) => {
      // Behind the end the line belongs to somebody else.
      if (!isOver) deframer.receive(octets);
    };
    if (random.chance(0.8)) host.incoming$.subscribe((port) => this.#listen(port));
    this.#track('start', host.start());
    await clock.advance(0);
    if (random.chance(0.9)) this.#say(this.#said.unnumbered(role === 'initiator' ? 'UA' : 'SABM', 0));
    const steps = random.between(5, 60);
    for (let step = 0; step < steps && !isOver; step++) {
      await this.#step();
      this.#check(sent);
    }
    await this.#end(sent);
  }

  async #step(): Promise<void> {
    const random = this.#random;
    const what = random.below(24);
    if (what < 10) {
      const count = random.chance(0.1) ? random.between(100, 2000) : random.between(1, 60);
      this.#note(`peer: ${count} frames`);
      for (let frame = 0; frame < count; frame++) this.#say(this.#damaged(this.#said.any()));
    } else if (what < 12) {
      this.#note('peer: octets');
      const octets = random.octets(random.between(1, 300)).slice();
      this.octets += octets.length;
      this.frames += Math.ceil(octets.length / OCTETS_OF_A_FRAME);
      this.#line.say(octets);
    } else if (what < 16) {
      const ms = random.oneOf([0, 1, 10, 60, 100, 350, 1300, 12_000]);
      this.#note(`${ms} ms`);
      await this.#clock.advance(ms);
    } else if (what < 18) {
      const isHeld = random.chance(0.5);
      this.#note(isHeld ? 'line held' : 'line free');
      this.#line.hold(isHeld);
    } else {
      this.#ownersWish();
    }
    if (random.chance(0.5)) await this.#clock.advance(0);
  }

  #ownersWish(): void {
    const random = this.#random;
    const host = this.#host;
    const dlci = random.chance(0.95) ? random.between(1, 4) : random.between(1, 61);
    const port = random.oneOf([...host.ports.values(), undefined]);
    const wishes: readonly (() => readonly [string, Promise<unknown>] | undefined)[] = [
      () => ['open', host.open(dlci).then((opened) => this.#listen(opened))],
      () => [
        'open with parameters',
        host
          .open(dlci, {
            convergence: random.oneOf([1, 2, 3, 4] as ConvergenceLayer[]),
            frameType: random.oneOf(['UIH', 'UI', 'I'] as const),
            n1: random.between(3, 512),
            ...(random.chance(0.3) ? { signal: this.#abort.signal } : {}),
          })
          .then((opened) => this.#listen(opened)),
      ],
      () => port && ['send', port.send(random.octets(random.between(0, 2000)).slice())],
      () => port && ['send', port.send(random.octets(random.between(0, 60)).slice(), { signal: this.#abort.signal })],
      () => port && ['setCircuits', port.setCircuits({ break: random.chance(0.5) })],
      () => port && ['close DLC', port.close()],
      () => {
        if (random.chance(0.5)) port?.pause();
        else port?.resume();
        return undefined;
      },
      () => ['test', host.test()],
      () => ['sleep', host.sleep()],
      () => ['stopPeer', host.stopPeer()],
      () => ['releasePeer', host.releasePeer()],
      () => ['portSettings', host.portSettings(dlci)],
      () => ['setPortSettings', host.setPortSettings(dlci, DEFAULT_PORT_SETTINGS)],
      () => ['negotiateServices', host.negotiateServices(dlci, { data: true, voice: false, codecs: 3 })],
      () => (random.chance(0.1) ? ['close', host.close()] : undefined),
      () => {
        if (random.chance(0.3)) this.#abort.abort('aborted');
        else if (random.chance(0.1)) this.#line.end(random.chance(0.5) ? new Error('unplugged') : undefined);
        return undefined;
      },
    ];
    const wish = random.oneOf(wishes)();
    if (wish !== undefined) this.#track(...wish);
  }

  #listen(port: DlcPort): void {
    if (this.#random.chance(0.3)) return;
    port.received$.subscribe({ error: () => undefined });
  }

  #track(what: string, promise: Promise<unknown>): void {
    const name = `${what} #${this.#pending.size}`;
    this.#note(`owner: ${name}`);
    this.#pending.set(
      name,
      promise.catch(() => undefined),
    );
  }

  #say(frame: Uint8Array): void {
    this.frames++;
    this.octets += frame.length;
    this.#line.say(frame);
  }

  #damaged(frame: Uint8Array): Uint8Array {
    const random = this.#random;
    if (!random.chance(0.05)) return frame;
    const at = random.below(frame.length);
    switch (random.below(3)) {
      case 0:
        frame[at] = random.below(256);
        return frame;
      case 1:
        return frame.slice(0, at);
      default:
        return Uint8Array.of(...frame.subarray(0, at), random.below(256), ...frame.subarray(at));
    }
  }

  #check(sent: SentFrames): void {
    if (sent.wrong !== undefined) this.#fail(`it sent what it must not: ${sent.wrong}`);
    const waiting = this.#line.waitingOctets();
    if (waiting > WAITING_LIMIT_OCTETS) this.#fail(`${waiting} octets wait for a line that takes nothing`);
    if (this.#host.ports.size > 61) this.#fail(`${this.#host.ports.size} ports`);
    const { dlcs, ...counters } = this.#host.counters;
    const all = [counters, ...dlcs.values()].flatMap((one) => Object.entries(one));
    const bad = all.find(([, value]) => !Number.isSafeInteger(value) || value < 0);
    if (bad !== undefined) this.#fail(`the counter ${bad[0]} is ${bad[1]}`);
  }

  async #end(sent: SentFrames): Promise<void> {
    const host = this.#host;
    if (this.#random.chance(0.5)) this.#line.hold(false);
    const closing = host.close();
    // N2 = 255 tries of T1 = 2.55 s each is what PN may ask for.
    await this.#within(closing, 3_600_000, 'close() does not end');
    this.#check(sent);
    if (host.state !== 'closed') this.#fail(`closed, and its state is ${host.state}`);
    for (const [name, promise] of this.#pending)
      await this.#within(promise, 60_000, `${name} is never told how it ended`);
    this.#line.hold(false);
    await this.#clock.advance(0);
    if (host.ports.size > 0) this.#fail('a port is left');
    // Of the ports that nobody asked for, one may still wait for the end of a break.
    await this.#clock.advance(3000);
    if (this.#clock.pendingTimers > 0) this.#fail(`${this.#clock.pendingTimers} timers are left`);
  }

  async #within(promise: Promise<unknown>, limitMs: number, what: string): Promise<void> {
    try {
      await this.#clock.run(promise, limitMs);
    } catch (error) {
      this.#fail(what, error);
    }
  }

  #note(what: string): void {
    this.#script.push(what);
  }

  #fail(what: string, cause?: unknown): never {
    const { clock: _clock, ...options } = this.#options;
    const details = { ...this.#where, options, lately: this.#script.slice(-40) };
    throw new FuzzFailure(what, details, cause);
  }
}
