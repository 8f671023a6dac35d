import { CONTROL, KIND, KIND_OF_CONTROL_RECOVERY, POLL_FINAL } from './control-field.ts';
import { FCS_GOOD, FCS_START, FCS_TABLE, fcsRegister } from './fcs.ts';
import { noFrames, type Deframer, type FrameSink } from './frame-sink.ts';
import { ESCAPE, FLAG_ADVANCED } from './limits.ts';
import { UIH_REGISTERS } from './uih-registers.ts';

/** Options of {@link AdvancedDeframer}. */
export interface AdvancedDeframerOptions {
  /** The longest information field taken, in octets, 1 to 32768. */
  readonly n1: number;
  /** The line uses XON/XOFF: these octets, unescaped, are the line's own and no part of a frame (§5.2.7.2). */
  readonly softwareFlow?: boolean | undefined;
  /** Called with each XON (0x11 or 0x91) and XOFF (0x13 or 0x93) that the line let through. */
  readonly onFlowOctet?: ((octet: number) => void) | undefined;
  /** As in the basic option: takes UI frames whose FCS covers the header alone. Default false. */
  readonly headerOnlyUi?: boolean | undefined;
}

const NOTHING = new Uint8Array(0);

/** Octets beyond the longest frame that may be written before its length is looked at: two words. */
const SLACK = 8;

/** Chunks of fewer octets are taken octet by octet: making a view of words costs as much as that (measured on Node 20). */
const WORDS_FROM_OCTETS = 32;
const NO_WORDS: DataView = new DataView(NOTHING.buffer);

/**
 * Finds the frames of the advanced option in a stream of octets (3GPP TS 27.010 §5.2.7): what stands between two flags,
 * with the transparency undone. What it hands on lies in memory of its own. Linear; never holds more than N1 + 3 octets.
 */
export class AdvancedDeframer implements Deframer {
  readonly counters = noFrames();
  readonly #sink: FrameSink;
  readonly #headerOnlyUi: boolean;
  readonly #onFlowOctet: (octet: number) => void;
  readonly #softwareFlow: boolean;
  #n1: number;
  /** The octets of the frame so far, transparency undone. */
  #held: Uint8Array = NOTHING;
  #heldView = NO_WORDS;
  #length = 0;
  #inFrame = false;
  #escaped = false;
  #stopped = false;
  #rest: Uint8Array = NOTHING;

  constructor(sink: FrameSink, options: AdvancedDeframerOptions) {
    this.#sink = sink;
    this.#n1 = options.n1;
    this.#headerOnlyUi = options.headerOnlyUi ?? false;
    this.#onFlowOctet = options.onFlowOctet ?? (() => undefined);
    this.#softwareFlow = options.softwareFlow ?? false;
  }

  get n1(): number {
    return this.#n1;
  }

  set n1(octets: number) {
    this.#n1 = octets;
    if (this.#held.length > 0) this.#makeRoom();
  }

  get isPending(): boolean {
    return this.#inFrame && this.#length > 0;
  }

  get pendingOctets(): number {
    return this.#length;
  }

  receive(chunk: Uint8Array): void {
    const end = chunk.length;
    const view = end < WORDS_FROM_OCTETS ? NO_WORDS : new DataView(chunk.buffer, chunk.byteOffset, end);
    let at = 0;
    while (at < end) {
      if (this.#stopped) {
        this.#keepRest(chunk, at);
        return;
      }
      if (!this.#inFrame) {
        at = this.#hunt(chunk, at);
      } else if (this.#escaped) {
        at = this.#takeEscaped(chunk, at);
      } else {
        at = this.#takeOctets(chunk, view, at);
      }
    }
  }

  idle(): void {
    // A frame that cannot become one any more is given up; another may still go on, and hides no other frame.
    if (this.#length < 2) return;
    const address = this.#held[0] as number;
    if (isAddress(address) && KIND_OF_CONTROL_RECOVERY[this.#held[1] as number] !== KIND.unknown) return;
    this.#refuse('badHeader', this.#held, 0, this.#length);
    this.#abandon();
  }

  stop(): void {
    this.#stopped = true;
  }

  takeRest(): Uint8Array {
    const rest = this.#rest;
    this.#rest = NOTHING;
    return rest;
  }

  /** Skips to the octet behind the next flag. */
  #hunt(chunk: Uint8Array, at: number): number {
    const flag = chunk.indexOf(FLAG_ADVANCED, at);
    const end = flag < 0 ? chunk.length : flag;
    if (this.#softwareFlow) {
      for (let index = at; index < end; index++) {
        if (isFlowOctet(chunk[index] as number)) this.#onFlowOctet(chunk[index] as number);
      }
    }
    this.#noise(chunk, at, end);
    if (flag < 0) return end;
    this.#inFrame = true;
    return flag + 1;
  }

  #takeEscaped(chunk: Uint8Array, at: number): number {
    const octet = chunk[at] as number;
    if (this.#softwareFlow && isFlowOctet(octet)) {
      this.#onFlowOctet(octet);
      return at + 1;
    }
    this.#escaped = false;
    if (octet === FLAG_ADVANCED) {
      this.counters.aborted++;
      this.#length = 0;
      return at + 1;
    }
    if (this.#length >= this.#n1 + 3) this.#tooLong(this.#length);
    else this.#held[this.#length++] = octet ^ 0x20;
    return at + 1;
  }

  /** Takes octets of frames: to the end of the chunk, or to where one of the other methods must go on. */
  #takeOctets(chunk: Uint8Array, view: DataView, start: number): number {
    if (this.#held.length === 0) this.#makeRoom();
    // Imports are loaded anew in each turn of a loop, locals are not (measured on Node 20).
    const flag = FLAG_ADVANCED;
    const escape = ESCAPE;
    const softwareFlow = this.#softwareFlow;
    const end = chunk.length;
    const lastWords = view.byteLength - 8;
    const isByWords = view !== NO_WORDS;
    const stretch = isByWords ? 8 : end;
    const longest = this.#n1 + 3;
    const held = this.#held;
    const heldView = this.#heldView;
    const uih = CONTROL.UIH as number;
    const headers = UIH_REGISTERS;
    const table = FCS_TABLE;
    const good = FCS_GOOD;
    const sink = this.#sink;
    let length = this.#length;
    let at = start;
    for (;;) {
      // Eight octets at a time: a word has an octet that is nought exactly where (word - 01010101) & ~word & 80808080 is
      // not nought. Octets 7C to 7F, flag and escape among them, become nought by `& FC ^ 7C`; 11, 13, 91 and 93, which
      // are XON and XOFF, by `& 7D ^ 11`. All in signed numbers: unsigned words do not fit V8's integers, which halves
      // the speed.
      while (at <= lastWords && length <= longest) {
        const first = view.getInt32(at, true);
        const second = view.getInt32(at + 4, true);
        const one = (first & -0x03030304) ^ 0x7c7c7c7c;
        const other = (second & -0x03030304) ^ 0x7c7c7c7c;
        if (((((one - 0x01010101) & ~one) | ((other - 0x01010101) & ~other)) & -0x7f7f7f80) !== 0) {
          if (hasSpecial(first) || hasSpecial(second)) break;
        }
        if (softwareFlow) {
          const flow = (first & 0x7d7d7d7d) ^ 0x11111111;
          const more = (second & 0x7d7d7d7d) ^ 0x11111111;
          if (((((flow - 0x01010101) & ~flow) | ((more - 0x01010101) & ~more)) & -0x7f7f7f80) !== 0) break;
        }
        heldView.setInt32(length, first, true);
        heldView.setInt32(length + 4, second, true);
        length += 8;
        at += 8;
      }
      for (const upTo = Math.min(end, at + stretch); at < upTo;) {
        let octet = chunk[at++] as number;
        if (octet === flag) {
          if (length > 0) {
            const address = held[0] as number;
            const fcs = held[length - 1] as number;
            const isLike = held[1] === uih && length >= 3 && length <= longest && (address & 1) === 1 && address < 0xf8;
            this.#length = 0;
            if (isLike && table[(headers[address] as number) ^ fcs] === good) {
              this.counters.frames++;
              sink.frame(held, address, uih, 2, length - 1);
            } else {
              this.#judge(held, length);
            }
            length = 0;
            // A message in it may have raised N1, and so made the room another; or the sink has stopped this.
            if (this.#stopped || held !== this.#held) return at;
          }
          if (isByWords) break;
          continue;
        }
        if (octet === escape) {
          const next = at < end ? (chunk[at] as number) : flag;
          if (next === flag || (softwareFlow && isFlowOctet(next))) {
            this.#escaped = true;
            this.#length = length;
            if (length > longest) this.#tooLong(length);
            return at;
          }
          octet = next ^ 0x20;
          at++;
        } else if (softwareFlow && isFlowOctet(octet)) {
          this.#onFlowOctet(octet);
          continue;
        }
        if (length >= longest) {
          this.#tooLong(length);
          return at;
        }
        held[length++] = octet;
        if (isByWords && octet !== chunk[at - 1]) break;
      }
      if (at >= end) {
        this.#length = length;
        // Words are written before the length is looked at.
        if (length > longest) this.#tooLong(length);
        return end;
      }
    }
  }

  #judge(bytes: Uint8Array, length: number): void {
    if (length < 3) {
      this.#refuse('badHeader', bytes, 0, length);
      return;
    }
    const address = bytes[0] as number;
    const control = bytes[1] as number;
    const kind = KIND_OF_CONTROL_RECOVERY[control] as number;
    const infoLength = length - 3;
    if (!isAddress(address) || kind === KIND.unknown || (infoLength > 0 && !mayCarryInformation(kind))) {
      this.#refuse('badHeader', bytes, 0, length);
      return;
    }
    if (infoLength > this.#n1) {
      this.#refuse('tooLong', bytes, 0, length);
      return;
    }
    const header = FCS_TABLE[(FCS_TABLE[FCS_START ^ address] as number) ^ control] as number;
    const fcs = bytes[length - 1] as number;
    const headerOnly = FCS_TABLE[header ^ fcs] === FCS_GOOD;
    let good = headerOnly;
    if ((control & ~POLL_FINAL) !== CONTROL.UIH) {
      good = fcsRegister(header, bytes, 2, length) === FCS_GOOD;
      if (!good && headerOnly && kind === KIND.UI && this.#headerOnlyUi) good = true;
    }
    if (!good) {
      this.#refuse('badFcs', bytes, 0, length);
      return;
    }
    this.counters.frames++;
    this.#sink.frame(bytes, address, control, 2, length - 1);
  }

  #tooLong(length: number): void {
    this.counters.tooLong++;
    this.#noise(this.#held, 0, length);
    this.#abandon();
  }

  /** Room for the longest frame, and for the last word that is written before its length is looked at. */
  #makeRoom(): void {
    const larger = new Uint8Array(this.#n1 + 3 + SLACK);
    larger.set(this.#held.subarray(0, this.#length));
    this.#held = larger;
    this.#heldView = new DataView(larger.buffer);
  }

  #abandon(): void {
    this.#length = 0;
    this.#escaped = false;
    this.#inFrame = false;
  }

  #refuse(cause: 'badHeader' | 'tooLong' | 'badFcs', bytes: Uint8Array, start: number, end: number): void {
    this.counters[cause]++;
    this.#noise(bytes, start, end);
  }

  #noise(bytes: Uint8Array, start: number, end: number): void {
    if (end <= start) return;
    this.counters.noiseOctets += end - start;
    this.#sink.noise(bytes, start, end);
  }

  #keepRest(chunk: Uint8Array, start: number): void {
    const rest = new Uint8Array(this.#rest.length + chunk.length - start);
    rest.set(this.#rest);
    rest.set(chunk.subarray(start), this.#rest.length);
    this.#rest = rest;
  }
}

/** True where one of the four octets is a flag or an escape; for few words only, since it costs twice as much. */
function hasSpecial(word: number): boolean {
  const flag = word ^ 0x7e7e7e7e;
  const escape = word ^ 0x7d7d7d7d;
  return ((((flag - 0x01010101) & ~flag) | ((escape - 0x01010101) & ~escape)) & -0x7f7f7f80) !== 0;
}

function isAddress(address: number): boolean {
  return (address & 1) === 1 && address < 0xf8;
}

function isFlowOctet(octet: number): boolean {
  return (octet & 0x7d) === 0x11;
}

function mayCarryInformation(kind: number): boolean {
  return kind === KIND.UIH || kind === KIND.UI || kind === KIND.I;
}
