import {
  addressOf,
  AdvancedDeframer,
  BasicDeframer,
  encodeAdvanced,
  encodeBasic,
  type Deframer,
  type FrameSink,
} from '@cellmux/cmux';
import { FuzzFailure, OCTETS_OF_A_FRAME, type FuzzOptions, type FuzzPart, type FuzzResult } from './fuzz-part.ts';
import { FuzzRandom, seedOf } from './fuzz-random.ts';

const N1S = [1, 5, 10, 31, 31, 64, 64, 127, 127, 512, 1500, 32_767];
const STREAM_OCTETS = 64 * 1024;
const CONTROLS_WITH_DATA = [0xef, 0xef, 0xef, 0xef, 0xff, 0x03, 0x13];
const CONTROLS = [0x2f, 0x3f, 0x63, 0x73, 0x0f, 0x1f, 0x43, 0x53];

/** What a deframer found, as a number that hardly any other finding has. */
class Digest implements FrameSink {
  frames = 0;
  sum = 0x811c9dc5;

  frame(bytes: Uint8Array, address: number, control: number, start: number, end: number): void {
    this.frames++;
    this.#add(address);
    this.#add(control);
    this.#add(end - start);
    // Long ones by some of their octets: the first, the last, and one in seven.
    for (let at = start; at < end; at += 7) this.#add(bytes[at] as number);
    if (end > start) this.#add(bytes[end - 1] as number);
  }

  noise(): void {
    return;
  }

  #add(value: number): void {
    this.sum = Math.imul(this.sum ^ value, 0x01000193);
  }
}

interface Setting {
  readonly option: 'basic' | 'advanced';
  readonly n1: number;
  readonly softwareFlow: boolean;
  readonly headerOnlyUi: boolean;
}

function deframerOf({ option, ...rest }: Setting, sink: FrameSink): Deframer {
  return option === 'basic' ? new BasicDeframer(sink, rest) : new AdvancedDeframer(sink, rest);
}

/** Frames one behind the other, some with shared and some with repeated flags. */
class StreamWriter {
  readonly stream = new Uint8Array(STREAM_OCTETS + 128 * 1024);
  readonly written = new Digest();
  length = 0;
  readonly #random: FuzzRandom;
  readonly #setting: Setting;

  constructor(random: FuzzRandom, setting: Setting) {
    this.#random = random;
    this.#setting = setting;
  }

  frames(): void {
    while (this.length < STREAM_OCTETS && (this.length === 0 || !this.#random.chance(0.002))) this.#frame();
  }

  #frame(): void {
    const random = this.#random;
    const { option, n1, softwareFlow } = this.#setting;
    const hasData = random.chance(0.9);
    const address = addressOf(random.below(62), random.chance(0.5) ? 1 : 0);
    const control = random.oneOf(hasData ? CONTROLS_WITH_DATA : CONTROLS);
    const longest = random.chance(0.02) ? Math.min(n1, 4000) : Math.min(n1, 60);
    const info = random.octets(hasData ? random.between(0, longest) : 0);
    const flag = option === 'basic' ? 0xf9 : 0x7e;
    const how = random.below(8);
    // The closing flag of the frame before may be the opening flag of this one; or there are several between them.
    if (how === 0 && this.length > 0) this.length--;
    else if (how === 1) this.length += this.stream.fill(flag, this.length, this.length + 3) ? 3 : 0;
    this.length =
      option === 'basic'
        ? encodeBasic(this.stream, this.length, address, control, info, 0, info.length)
        : encodeAdvanced(this.stream, this.length, address, control, info, 0, info.length, softwareFlow);
    this.written.frame(info, address, control, 0, info.length);
  }

  /** Damages what was written in so many places; gives how many octets of noise were put in. */
  damage(places: number): number {
    const random = this.#random;
    const { stream } = this;
    let noise = 0;
    for (let count = 0; count < places && this.length > 0; count++) {
      const at = random.below(this.length);
      const run = random.chance(0.7) ? 1 : random.between(1, random.chance(0.1) ? 3000 : 40);
      switch (random.below(5)) {
        case 0:
          stream[at] = (stream[at] as number) ^ random.between(1, 255);
          break;
        case 1: {
          const gone = Math.min(run, this.length - at);
          stream.copyWithin(at, at + gone, this.length);
          this.length -= gone;
          break;
        }
        case 2:
          noise += this.#put(at, random.octets(run));
          break;
        case 3:
          this.#put(at, stream.slice(at, Math.min(this.length, at + run)));
          break;
        default:
          noise += Math.min(run, this.length - at);
          stream.set(random.octets(Math.min(run, this.length - at)), at);
      }
    }
    return noise;
  }

  /** Nothing but random octets. */
  fill(octets: number): void {
    this.length = 0;
    while (this.length < octets) this.length += this.#put(this.length, this.#random.octets(4096));
  }

  #put(at: number, octets: Uint8Array): number {
    const room = this.stream.length - this.length;
    if (octets.length > room) return 0;
    this.stream.copyWithin(at + octets.length, at, this.length);
    this.stream.set(octets, at);
    this.length += octets.length;
    return octets.length;
  }
}

/**
 * Frames of both options, damaged in all ways, and random octets: nothing is thrown, no more is held than N1 + 8 octets,
 * what is found does not depend on the chunks, and of an undamaged stream it is what was written.
 */
export const fuzzOctets: FuzzPart = {
  name: 'octets',
  title: 'deframers on damaged streams and random octets, whole and in chunks',
  share: 0.95,
  run: (options) => Promise.resolve().then(() => runOctets(options)),
};

async function runOctets({ seed, frames, onProgress }: FuzzOptions): Promise<FuzzResult> {
  const done = { frames: 0, octets: 0, cases: 0 };
  for (; done.frames < frames; done.cases++) {
    const random = new FuzzRandom(seedOf(seed, done.cases));
    const { frames: more, octets } = oneStream(random, { seed, case: done.cases });
    done.frames += more;
    done.octets += octets;
    if (done.cases % 128 !== 0) continue;
    onProgress?.(done);
    // A person at a terminal may want to break off.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return done;
}

function oneStream(random: FuzzRandom, where: Record<string, number>): { frames: number; octets: number } {
  const setting: Setting = {
    option: random.oneOf(['basic', 'advanced']),
    n1: random.oneOf(N1S),
    softwareFlow: random.chance(0.3),
    headerOnlyUi: random.chance(0.3),
  };
  const writer = new StreamWriter(random, setting);
  let isWhole = false;
  let noise = 0;
  if (random.chance(0.1)) {
    writer.fill(random.between(1, STREAM_OCTETS));
    noise = writer.length;
  } else {
    writer.frames();
    const places = random.oneOf([0, 1, 3, 30, 300]);
    isWhole = places === 0;
    noise = writer.damage(places);
  }
  const stream = writer.stream.subarray(0, writer.length);
  const details = { ...where, setting, octets: stream.length };
  const [whole, cut] = [new Digest(), new Digest()];
  try {
    const one = deframerOf(setting, whole);
    one.receive(stream);
    one.idle();
    checkHeld(one, setting, details);
    const other = deframerOf(setting, cut);
    const most = random.oneOf([4, 40, 400, 4000]);
    for (let at = 0; at < stream.length;) {
      const size = random.between(1, most);
      other.receive(stream.subarray(at, at + size));
      checkHeld(other, setting, details);
      at += size;
    }
    other.idle();
    // A line that falls silent again and again: here only the bounds can be told.
    const silent = deframerOf(setting, new Digest());
    for (let at = 0; at < Math.min(stream.length, 4000);) {
      const size = random.between(1, 64);
      silent.receive(stream.subarray(at, at + size));
      silent.idle();
      checkHeld(silent, setting, details);
      at += size;
    }
  } catch (error) {
    if (error instanceof FuzzFailure) throw error;
    throw new FuzzFailure('a deframer threw', details, error);
  }
  if (whole.sum !== cut.sum || whole.frames !== cut.frames)
    throw new FuzzFailure('what is found depends on the chunks', { ...details, whole: whole.frames, cut: cut.frames });
  if (isWhole && (whole.sum !== writer.written.sum || whole.frames !== writer.written.frames)) {
    throw new FuzzFailure('what was written was not found', {
      ...details,
      written: writer.written.frames,
      found: whole.frames,
    });
  }
  return { frames: writer.written.frames + Math.round(noise / OCTETS_OF_A_FRAME), octets: stream.length };
}

function checkHeld(deframer: Deframer, { n1 }: Setting, details: Record<string, unknown>): void {
  if (deframer.pendingOctets <= n1 + 8) return;
  throw new FuzzFailure('more is held than N1 + 8 octets', { ...details, held: deframer.pendingOctets });
}
