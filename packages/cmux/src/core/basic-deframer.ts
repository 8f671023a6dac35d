import { CONTROL, KIND, KIND_OF_CONTROL } from './control-field.ts';
import { FCS_GOOD, FCS_START, FCS_TABLE } from './fcs.ts';
import { noFrames, type Deframer, type FrameSink } from './frame-sink.ts';
import { FLAG_BASIC, LENGTH_MAX } from './limits.ts';
import { RangeFcs } from './range-fcs.ts';
import { UIH_REGISTERS } from './uih-registers.ts';

/** Octets of a frame besides its information field, with both flags and two octets of length. */
const AROUND = 7;

/** Options of {@link BasicDeframer}. */
export interface BasicDeframerOptions {
  /** The longest information field taken, in octets, 1 to 32768. */
  readonly n1: number;
  /**
   * Takes UI frames whose FCS covers the header alone, too: some stacks send them so, and their check then says nothing
   * about the information. Default false.
   */
  readonly headerOnlyUi?: boolean | undefined;
}

const NOTHING = new Uint8Array(0);
const FLAG = Uint8Array.of(FLAG_BASIC);
/** More octets are needed to judge it. */
const UNDECIDED = -2;
/** It is no frame. */
const FAILED = -3;
/**
 * Finds the frames of the basic option in a stream of octets (3GPP TS 27.010 §5.2.6), at the level of offsets: no object
 * is made for a frame.
 *
 * A frame counts only when its header is sane, its length is at most N1, its FCS is right and a flag stands where the
 * length says it must. On any failure the search goes on at the octet after the opening flag, within what is already
 * here; so a damaged length costs no more than the frame it belongs to. Work is linear in the octets received, whatever
 * they are and however they are chunked, and never more than N1 + 8 octets are held.
 */
export class BasicDeframer implements Deframer {
  readonly counters = noFrames();
  #n1: number;
  /** A sink has stopped this or changed N1 from within a frame: the short way is left. */
  #isInterrupted = false;
  readonly #sink: FrameSink;
  readonly #headerOnlyUi: boolean;
  /** Octets of a frame that has begun and not ended: `#held[#from]` is its opening flag. */
  #held: Uint8Array = NOTHING;
  #from = 0;
  #to = 0;
  /** True when nothing is held and the last octet was a flag: it may open the next frame. */
  #opened = false;
  /** Offset in the stream of index 0 of the array that is being scanned. */
  #base = 0;
  #received = 0;
  #rangeFcs: RangeFcs | undefined;
  #rangeFcsN1 = 0;
  #stopped = false;
  #rest: Uint8Array = NOTHING;

  constructor(sink: FrameSink, options: BasicDeframerOptions) {
    this.#sink = sink;
    this.#n1 = options.n1;
    this.#headerOnlyUi = options.headerOnlyUi ?? false;
  }

  get n1(): number {
    return this.#n1;
  }

  set n1(octets: number) {
    this.#n1 = octets;
    this.#isInterrupted = true;
  }

  get isPending(): boolean {
    return this.#to > this.#from;
  }

  get pendingOctets(): number {
    return this.#to - this.#from;
  }

  receive(chunk: Uint8Array): void {
    let start = this.#opened ? -1 : 0;
    if (this.#stopped) {
      this.#keepRest(chunk, 0, chunk.length);
      return;
    }
    if (chunk.length === 0) return;
    if (this.#to > this.#from) {
      start = this.#finishHeld(chunk);
      if (start === UNDECIDED) return;
    }
    this.#opened = false;
    this.#base = this.#received;
    const pending = this.#scan(chunk, start, chunk.length, chunk.length);
    if (this.#stopped) {
      this.#keepRest(chunk, pending, chunk.length);
      return;
    }
    this.#received += chunk.length;
    if (pending === chunk.length) return;
    if (pending === chunk.length - 1) {
      this.#opened = true;
      return;
    }
    if (pending < 0) {
      this.#hold(FLAG, 0, 1);
      this.#hold(chunk, 0, chunk.length);
    } else {
      this.#hold(chunk, pending, chunk.length);
    }
  }

  idle(): void {
    if (this.#to === this.#from || this.#stopped) return;
    const held = this.#held;
    const end = this.#to;
    this.#base = this.#received - end;
    let from = this.#from;
    // A pause alone proves nothing: what is held is given up only for a whole frame that is found inside it.
    for (let at = held.indexOf(FLAG_BASIC, from + 1); at >= 0 && at < end; at = held.indexOf(FLAG_BASIC, at + 1)) {
      const { frames, badHeader, tooLong, noClosingFlag, badFcs } = this.counters;
      const next = this.#candidate(held, at, end);
      if (this.counters.frames === frames) {
        // A flag in the information of a frame that is only slow: no cause to count anything.
        Object.assign(this.counters, { badHeader, tooLong, noClosingFlag, badFcs });
        continue;
      }
      this.counters.foundLate++;
      this.#noise(held, from + 1, at);
      if (this.#stopped) {
        this.#keepRest(held, next + 1, end);
        this.#from = this.#to = 0;
        return;
      }
      from = next;
      at = next - 1;
    }
    if (from === this.#from) return;
    const pending = this.#scan(held, from, end, end);
    if (this.#stopped) {
      this.#keepRest(held, pending, end);
      this.#from = this.#to = 0;
      return;
    }
    this.#opened = pending === end - 1;
    if (pending >= end - 1) this.#from = this.#to = 0;
    else this.#from = pending;
  }

  stop(): void {
    this.#stopped = true;
    this.#isInterrupted = true;
  }

  takeRest(): Uint8Array {
    const rest = this.#rest;
    this.#rest = NOTHING;
    return rest;
  }

  /**
   * Judges the frames that began in what is held, with as much of the chunk as that takes. Gives where in the chunk to go
   * on, or UNDECIDED when the whole chunk is taken care of.
   */
  #finishHeld(chunk: Uint8Array): number {
    let oldTo = this.#to;
    let taken = 0;
    for (let turn = 0; ; turn++) {
      // First no more than the frame seems to need: what is not copied here is judged where it lies. Where that does not
      // settle it, its length was a damaged one; it ends within N1 + 8 octets, so with so many more its fate is decided.
      const wanted = turn < 2 ? this.#missing() : this.#n1 + AROUND + 1;
      const upTo = Math.min(chunk.length, taken + wanted);
      oldTo -= this.#hold(chunk, taken, upTo);
      taken = upTo;
      this.#base = this.#received - oldTo;
      const pending = this.#scan(this.#held, this.#from, this.#to, oldTo);
      if (this.#stopped) {
        if (pending < oldTo) this.#keepRest(this.#held, pending, oldTo);
        this.#keepRest(chunk, Math.max(0, pending - oldTo), chunk.length);
        this.#from = this.#to = 0;
        return UNDECIDED;
      }
      if (pending >= oldTo) {
        this.#from = this.#to = 0;
        return pending - oldTo;
      }
      this.#from = pending;
      if (taken === chunk.length) {
        this.#received += chunk.length;
        return UNDECIDED;
      }
    }
  }

  /** How many octets the frame that is held lacks, by its own account. */
  #missing(): number {
    const has = this.#to - this.#from;
    if (has < 5) return 6 - has;
    const first = this.#held[this.#from + 3] as number;
    const isLong = (first & 1) === 0;
    const length = (first >> 1) | (isLong ? (this.#held[this.#from + 4] as number) << 7 : 0);
    return Math.max(1, Math.min(length, this.#n1) + (isLong ? AROUND : AROUND - 1) - has);
  }

  /**
   * Looks for frames in `bytes[from]` to `bytes[end - 1]`; `from` is a flag or unknown ground, -1 stands for a flag just
   * before the array. Candidates that begin at or behind `limit` are left alone. Gives the index of the flag of the first
   * candidate that is left or still undecided, or `end` where there is none; once stopped, the index behind the last frame.
   */
  #scan(bytes: Uint8Array, from: number, end: number, limit: number): number {
    let at = from;
    for (;;) {
      if (at >= 0) {
        if (at >= limit) return at;
        if (bytes[at] !== FLAG_BASIC) {
          const flag = nextFlag(bytes, at, limit);
          this.#noise(bytes, at, flag);
          if (flag >= limit) return limit;
          at = flag;
        }
      }
      at = this.#scanData(bytes, at, end, limit);
      if (this.#stopped) return at + 1;
      // Any number of flags may stand between two frames; the last one opens.
      while (at + 1 < limit && bytes[at + 1] === FLAG_BASIC) at++;
      const next = this.#candidate(bytes, at, end);
      if (next === UNDECIDED) return at;
      if (next === FAILED) at++;
      else at = next;
      if (this.#stopped) return at + 1;
    }
  }

  /**
   * The short way for nearly all frames: UIH behind the flag at `from`, whole, right, with at most 127 octets. Takes as
   * many of these as follow each other and gives the index of the flag where something else begins.
   */
  #scanData(bytes: Uint8Array, from: number, end: number, limit: number): number {
    // Imports and constants of the module are loaded anew in each turn of a loop, locals are not: a factor of four here
    // (measured on Node 20).
    const flag = FLAG_BASIC;
    const uih = CONTROL.UIH as number;
    const table = FCS_TABLE;
    const headers = UIH_REGISTERS;
    const sink = this.#sink;
    const longest = Math.min(this.#n1, 127);
    let frames = 0;
    let at = from;
    this.#isInterrupted = false;
    // The header of the next frame is here as a whole; its flag is the closing one of the frame before, or a further one.
    const last = Math.min(limit, end - 6);
    while (at < last) {
      const address = bytes[at + 1] as number;
      const control = bytes[at + 2] as number;
      const lengthOctet = bytes[at + 3] as number;
      if (address === flag) {
        at++;
        continue;
      }
      if (control !== uih || (lengthOctet & 1) === 0 || lengthOctet >> 1 > longest) break;
      const fcsAt = at + 4 + (lengthOctet >> 1);
      if (fcsAt + 1 >= end || bytes[fcsAt + 1] !== flag) break;
      if (((table[(headers[address] as number) ^ lengthOctet] as number) ^ 0xff) !== bytes[fcsAt]) break;
      if ((address & 1) === 0 || address >= 0xf8) break;
      frames++;
      sink.frame(bytes, address, uih, at + 4, fcsAt);
      at = fcsAt + 1;
      if (this.#isInterrupted) break;
    }
    this.counters.frames += frames;
    return at;
  }

  /** Judges the frame that the flag at `at` may open: gives the index of its closing flag, or what else it is. */
  #candidate(bytes: Uint8Array, at: number, end: number): number {
    if (at + 1 >= end) return UNDECIDED;
    const address = bytes[at + 1] as number;
    if ((address & 1) === 0 || address >= 0xf8) return this.#badHeader();
    if (at + 2 >= end) return UNDECIDED;
    const control = bytes[at + 2] as number;
    const kind = KIND_OF_CONTROL[control] as number;
    if (kind === KIND.unknown) return this.#badHeader();
    if (at + 3 >= end) return UNDECIDED;
    const lengthOctet = bytes[at + 3] as number;
    let length = lengthOctet >> 1;
    let start = at + 4;
    let register = FCS_TABLE[FCS_START ^ address] as number;
    register = FCS_TABLE[register ^ control] as number;
    register = FCS_TABLE[register ^ lengthOctet] as number;
    if ((lengthOctet & 1) === 0) {
      if (start >= end) return UNDECIDED;
      const second = bytes[start] as number;
      length |= second << 7;
      register = FCS_TABLE[register ^ second] as number;
      start++;
    }
    if (length > this.#n1) {
      this.counters.tooLong++;
      return FAILED;
    }
    if (length > 0 && kind < KIND.UIH) return this.#badHeader();
    const close = start + length + 1;
    if (close >= end) return UNDECIDED;
    if (bytes[close] !== FLAG_BASIC) {
      this.counters.noClosingFlag++;
      return FAILED;
    }
    if (kind !== KIND.UI || length === 0) {
      if (FCS_TABLE[register ^ (bytes[close - 1] as number)] !== FCS_GOOD) return this.#badFcs();
    } else if (this.#fullRegister(bytes, at + 1, close) !== FCS_GOOD) {
      const headerOnly = FCS_TABLE[register ^ (bytes[close - 1] as number)] === FCS_GOOD;
      if (!headerOnly || !this.#headerOnlyUi) return this.#badFcs();
    }
    this.counters.frames++;
    this.#sink.frame(bytes, address, control, start, close - 1);
    return close;
  }

  #fullRegister(bytes: Uint8Array, start: number, end: number): number {
    if (this.#rangeFcs === undefined || this.#rangeFcsN1 < this.#n1) {
      this.#rangeFcs = new RangeFcs(Math.min(this.#n1, LENGTH_MAX) + AROUND);
      this.#rangeFcsN1 = this.#n1;
    }
    return this.#rangeFcs.register(bytes, this.#base, start, end);
  }

  #badHeader(): number {
    this.counters.badHeader++;
    return FAILED;
  }

  #badFcs(): number {
    this.counters.badFcs++;
    return FAILED;
  }

  #noise(bytes: Uint8Array, start: number, end: number): void {
    if (end <= start) return;
    this.counters.noiseOctets += end - start;
    this.#sink.noise(bytes, start, end);
  }

  /** Puts octets behind those held. Gives by how much what was held moved to the front. */
  #hold(chunk: Uint8Array, start: number, end: number): number {
    const count = end - start;
    let shift = 0;
    if (this.#to + count > this.#held.length) {
      const length = this.#to - this.#from;
      // Twice the room of one frame: what is held then moves at most once per N1 octets received.
      const room = 4 * (this.#n1 + AROUND + 1);
      if (this.#held.length < room) {
        const larger = new Uint8Array(room);
        larger.set(this.#held.subarray(this.#from, this.#to));
        this.#held = larger;
      } else {
        this.#held.copyWithin(0, this.#from, this.#to);
      }
      shift = this.#from;
      this.#from = 0;
      this.#to = length;
    }
    const held = this.#held;
    if (count > 48) {
      held.set(chunk.subarray(start, end), this.#to);
    } else {
      for (let index = start, at = this.#to; index < end; index++, at++) held[at] = chunk[index] as number;
    }
    this.#to += count;
    return shift;
  }

  #keepRest(bytes: Uint8Array, start: number, end: number): void {
    if (end <= start) return;
    const rest = new Uint8Array(this.#rest.length + end - start);
    rest.set(this.#rest);
    rest.set(bytes.subarray(start, end), this.#rest.length);
    this.#rest = rest;
  }
}

/** The index of the next flag at or behind `start`, or `end`. */
function nextFlag(bytes: Uint8Array, start: number, end: number): number {
  const near = Math.min(end, start + 32);
  for (let index = start; index < near; index++) if (bytes[index] === FLAG_BASIC) return index;
  if (near === end) return end;
  const found = bytes.indexOf(FLAG_BASIC, near);
  return found < 0 || found > end ? end : found;
}
