import { CONTROL, KIND, KIND_OF_CONTROL_RECOVERY, POLL_FINAL } from './control-field.ts';
import { FCS_GOOD, FCS_START, FCS_TABLE, fcsRegister } from './fcs.ts';
import { noFrames, type Deframer, type FrameSink } from './frame-sink.ts';
import { ESCAPE, FLAG_ADVANCED } from './limits.ts';

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

/** What each octet means within a frame. */
const PLAIN = 0;
const END = 1;
const ESCAPES = 2;
const FLOW = 3;

const NOTHING = new Uint8Array(0);

/**
 * Finds the frames of the advanced option in a stream of octets (3GPP TS 27.010 §5.2.7): what stands between two flags,
 * with the transparency undone. A frame without an escaped octet that lies within one chunk is handed on where it lies.
 * Linear; never holds more than N1 + 3 octets.
 */
export class AdvancedDeframer implements Deframer {
  readonly counters = noFrames();
  readonly #sink: FrameSink;
  readonly #headerOnlyUi: boolean;
  readonly #onFlowOctet: (octet: number) => void;
  readonly #meaning = new Uint8Array(256);
  #n1: number;
  /** The octets so far of a frame that is not whole in one chunk or has escapes. */
  #held: Uint8Array = NOTHING;
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
    this.#meaning[FLAG_ADVANCED] = END;
    this.#meaning[ESCAPE] = ESCAPES;
    if (options.softwareFlow === true) for (const octet of [0x11, 0x13, 0x91, 0x93]) this.#meaning[octet] = FLOW;
  }

  get n1(): number {
    return this.#n1;
  }

  set n1(octets: number) {
    this.#n1 = octets;
  }

  get isPending(): boolean {
    return this.#inFrame && this.#length > 0;
  }

  get pendingOctets(): number {
    return this.#length;
  }

  receive(chunk: Uint8Array): void {
    const end = chunk.length;
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
        at = this.#takeRun(chunk, at);
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
    this.#noise(chunk, at, end);
    if (flag < 0) return end;
    this.#inFrame = true;
    return flag + 1;
  }

  #takeEscaped(chunk: Uint8Array, at: number): number {
    const octet = chunk[at] as number;
    if (this.#meaning[octet] === FLOW) {
      this.#onFlowOctet(octet);
      return at + 1;
    }
    this.#escaped = false;
    if (octet === FLAG_ADVANCED) {
      this.counters.aborted++;
      this.#length = 0;
      return at + 1;
    }
    if (this.#makeRoom(1)) this.#held[this.#length++] = octet ^ 0x20;
    return at + 1;
  }

  /** Takes plain octets up to one with a meaning, and acts on that. */
  #takeRun(chunk: Uint8Array, start: number): number {
    const meaning = this.#meaning;
    const end = chunk.length;
    let at = start;
    while (at < end && meaning[chunk[at] as number] === PLAIN) at++;
    if (at < end && chunk[at] === FLAG_ADVANCED) {
      if (this.#length === 0) {
        this.#judge(chunk, start, at);
      } else if (this.#append(chunk, start, at)) {
        const length = this.#length;
        this.#length = 0;
        this.#judge(this.#held, 0, length);
      } else {
        // It grew too long: this flag may open the next one.
        this.#inFrame = true;
      }
      return at + 1;
    }
    if (!this.#append(chunk, start, at)) return at;
    if (at === end) return at;
    const octet = chunk[at] as number;
    if (octet === ESCAPE) this.#escaped = true;
    else this.#onFlowOctet(octet);
    return at + 1;
  }

  #judge(bytes: Uint8Array, start: number, end: number): void {
    if (end === start) return;
    if (end - start < 3) {
      this.#refuse('badHeader', bytes, start, end);
      return;
    }
    const address = bytes[start] as number;
    const control = bytes[start + 1] as number;
    const kind = KIND_OF_CONTROL_RECOVERY[control] as number;
    const infoLength = end - start - 3;
    if (!isAddress(address) || kind === KIND.unknown || (infoLength > 0 && !mayCarryInformation(kind))) {
      this.#refuse('badHeader', bytes, start, end);
      return;
    }
    if (infoLength > this.#n1) {
      this.#refuse('tooLong', bytes, start, end);
      return;
    }
    const header = FCS_TABLE[(FCS_TABLE[FCS_START ^ address] as number) ^ control] as number;
    const fcs = bytes[end - 1] as number;
    const headerOnly = FCS_TABLE[header ^ fcs] === FCS_GOOD;
    let good = headerOnly;
    if ((control & ~POLL_FINAL) !== CONTROL.UIH) {
      good = fcsRegister(header, bytes, start + 2, end) === FCS_GOOD;
      if (!good && headerOnly && kind === KIND.UI && this.#headerOnlyUi) good = true;
    }
    if (!good) {
      this.#refuse('badFcs', bytes, start, end);
      return;
    }
    this.counters.frames++;
    this.#sink.frame(bytes, address, control, start + 2, end - 1);
  }

  /** Keeps octets of the frame that has begun; false when it has grown too long, and was given up. */
  #append(chunk: Uint8Array, start: number, end: number): boolean {
    if (end === start) return this.#inFrame;
    if (!this.#makeRoom(end - start)) {
      this.#noise(chunk, start, end);
      return false;
    }
    const held = this.#held;
    if (end - start > 48) {
      held.set(chunk.subarray(start, end), this.#length);
    } else {
      for (let index = start, at = this.#length; index < end; index++, at++) held[at] = chunk[index] as number;
    }
    this.#length += end - start;
    return true;
  }

  #makeRoom(octets: number): boolean {
    const longest = this.#n1 + 3;
    if (this.#length + octets > longest) {
      this.counters.tooLong++;
      this.#noise(this.#held, 0, this.#length);
      this.#abandon();
      return false;
    }
    if (this.#length + octets > this.#held.length) {
      const larger = new Uint8Array(Math.min(longest, Math.max(2 * this.#held.length, this.#length + octets, 256)));
      larger.set(this.#held.subarray(0, this.#length));
      this.#held = larger;
    }
    return true;
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

function isAddress(address: number): boolean {
  return (address & 1) === 1 && address < 0xf8;
}

function mayCarryInformation(kind: number): boolean {
  return kind === KIND.UIH || kind === KIND.UI || kind === KIND.I;
}
