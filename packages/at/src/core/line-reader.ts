import { latin1Octets, latin1Text } from './latin1.ts';
import { LINE_LIMIT_BYTES, PAYLOAD_LIMIT_BYTES } from './limits.ts';

/**
 * A line that carries raw data behind a count, as `SRING: 1,5,hello` does: told apart by how it begins, measured at each
 * comma. The data may hold any octet, line ends included.
 */
export interface CountedLine {
  /** The line begins with this. */
  readonly prefix: string;
  /**
   * Asked at each comma with the line up to and including it. Gives the number of octets that follow whatever they are,
   * or undefined while the line is a plain one. Behind them the line goes on to its end as usual.
   */
  readonly count: (head: string) => number | undefined;
}

/** What {@link LineReader.next} gives. */
export type ReaderEvent =
  /** One line without its end. `headed`: an empty line stood before it, as before every verbose line of V.250 §5.7.1. */
  | { readonly kind: 'line'; readonly text: string; readonly headed: boolean; readonly payload?: Uint8Array }
  /** The prompt `> ` at the beginning of a line, while it is expected. */
  | { readonly kind: 'prompt' }
  /** All bytes of {@link LineReader.expectRaw}. */
  | { readonly kind: 'raw'; readonly bytes: Uint8Array }
  /** A line longer than the limit, dropped. */
  | { readonly kind: 'discarded'; readonly byteCount: number };

/** Options of {@link LineReader}. */
export interface LineReaderOptions {
  /** Line termination character, default 13 (V.250 §6.2.1). */
  readonly s3?: number;
  /** Response formatting character, default 10 (V.250 §6.2.2). */
  readonly s4?: number;
  /** The longest line kept; default {@link LINE_LIMIT_BYTES}. */
  readonly lineLimitBytes?: number;
  readonly countedLines?: readonly CountedLine[];
}

const COMMA = 0x2c;
const GREATER = 0x3e;
const SPACE = 0x20;

/**
 * Cuts what a module sends into lines, prompts and counted raw data. Pulled: between two events the owner may say what
 * comes next ({@link expectRaw}, {@link expectPrompt}, {@link expectEcho}), or take what has not been read.
 */
export class LineReader {
  readonly #s3: number;
  readonly #s4: number;
  readonly #limit: number;
  #counted: readonly CountedLine[];
  #chunks: Uint8Array[] = [];
  #offset = 0;
  #line = new Uint8Array(128);
  #length = 0;
  /** Bytes dropped of a line that is too long; 0 while none is. */
  #dropped = 0;
  #headed = false;
  /** The last octet ended a line, so that S4 may still follow it. */
  #behindS3 = false;
  #promptExpected = false;
  #raw: Uint8Array | undefined;
  #rawFilled = 0;
  /** Of raw data beyond the limit: how many octets are still to be passed over, and how many there are. */
  #passOver = 0;
  /** Of a counted line: what stood before its data. */
  #head: string | undefined;
  #headPayload: Uint8Array | undefined;
  #echo: Uint8Array | undefined;
  #echoMatched = 0;
  /** May follow the echo. */
  #echoEnd: number | undefined;

  constructor(options: LineReaderOptions = {}) {
    this.#s3 = options.s3 ?? 13;
    this.#s4 = options.s4 ?? 10;
    this.#limit = options.lineLimitBytes ?? LINE_LIMIT_BYTES;
    this.#counted = options.countedLines ?? [];
  }

  /** Takes a chunk; it is kept until it has been read, and must not change. */
  push(chunk: Uint8Array): void {
    if (chunk.length > 0) this.#chunks.push(chunk);
  }

  /** Which lines carry raw data from now on; one that has begun is read to its end as it began. */
  setCountedLines(countedLines: readonly CountedLine[]): void {
    this.#counted = countedLines;
  }

  /** Counted octets are being waited for. */
  get isInRaw(): boolean {
    return this.#raw !== undefined;
  }

  /** Nothing of a line, a payload or an echo is held: the next octet begins a line. */
  get isAtLineStart(): boolean {
    return this.#length === 0 && this.#dropped === 0 && this.#raw === undefined && this.#head === undefined;
  }

  /**
   * The next `count` octets, behind the end of the line just read, are raw. More than {@link PAYLOAD_LIMIT_BYTES} are
   * passed over without being kept, and come out as `discarded`.
   */
  expectRaw(count: number): void {
    this.#rawFilled = 0;
    this.#passOver = count > PAYLOAD_LIMIT_BYTES ? count : 0;
    this.#raw = new Uint8Array(count > PAYLOAD_LIMIT_BYTES ? 0 : count);
  }

  /** Whether `> ` at the beginning of a line is a prompt. */
  expectPrompt(expected: boolean): void {
    this.#promptExpected = expected;
  }

  /**
   * The next octets are these, echoed, and are dropped, as is one octet `end` behind them if it is there; where they
   * differ, all is read as usual.
   */
  expectEcho(bytes: Uint8Array, end?: number): void {
    this.#echo = bytes.length === 0 ? undefined : bytes;
    this.#echoMatched = 0;
    this.#echoEnd = end;
  }

  /**
   * What has been pushed and not read, a begun line included, without the S4 of the line just read; the reader is empty
   * afterwards. `lineFeedPending`: that S4 has not arrived yet, so that one at the very beginning of what follows is it.
   * With `lineFeed: false` no S4 belongs to the line, as behind a numeric result.
   */
  takeRest({ lineFeed = true }: { readonly lineFeed?: boolean } = {}): {
    readonly bytes: Uint8Array;
    readonly lineFeedPending: boolean;
  } {
    const parts: Uint8Array[] = [];
    if (this.#echo !== undefined) parts.push(this.#echo.slice(0, this.#echoMatched));
    if (this.#head !== undefined) parts.push(latin1Octets(this.#head));
    if (this.#headPayload !== undefined) parts.push(this.#headPayload);
    if (this.#length > 0) parts.push(this.#line.slice(0, this.#length));
    if (this.#raw !== undefined && this.#passOver === 0) parts.push(this.#raw.slice(0, this.#rawFilled));
    this.#chunks.forEach((chunk, index) => parts.push(index === 0 ? chunk.subarray(this.#offset) : chunk));
    const bytes = joined(parts);
    const follows = lineFeed && this.#behindS3;
    const skip = follows && bytes[0] === this.#s4 ? 1 : 0;
    const lineFeedPending = follows && bytes.length === 0;
    this.#reset();
    return { bytes: bytes.subarray(skip), lineFeedPending };
  }

  /** No counted data, prompt or echo is waited for any more; a begun line goes on. */
  expectLines(): void {
    this.#raw = undefined;
    this.#passOver = 0;
    this.#head = undefined;
    this.#headPayload = undefined;
    this.#echo = undefined;
    this.#echoEnd = undefined;
    this.#promptExpected = false;
  }

  /** The next event, or undefined until more bytes are pushed. */
  next(): ReaderEvent | undefined {
    if (this.#echo !== undefined) this.#dropEcho();
    if (this.#raw !== undefined && this.#echo === undefined) {
      const passOver = this.#passOver;
      const raw = this.#readRaw();
      if (raw === undefined) return undefined;
      this.#passOver = 0;
      if (passOver > 0) return { kind: 'discarded', byteCount: passOver };
      if (this.#head === undefined) return { kind: 'raw', bytes: raw };
      this.#headPayload = raw;
    }
    return this.#readLine();
  }

  #reset(): void {
    this.expectLines();
    this.#length = 0;
    this.#dropped = 0;
    this.#headed = false;
    this.#chunks = [];
    this.#offset = 0;
    this.#behindS3 = false;
  }

  #readLine(): ReaderEvent | undefined {
    for (;;) {
      const chunk = this.#chunks[0];
      if (chunk === undefined || this.#echo !== undefined) return undefined;
      let at = this.#offset;
      if (this.#echoEnd !== undefined) {
        if (chunk[at] === this.#echoEnd) at++;
        this.#echoEnd = undefined;
      }
      while (at < chunk.length) {
        const octet = chunk[at]!;
        if (octet === this.#s3 || octet === this.#s4) {
          at++;
          const event = this.#endLine(octet);
          if (event === undefined) continue;
          this.#advance(at);
          return event;
        }
        this.#behindS3 = false;
        if (this.#isWatched(octet)) {
          at++;
          this.#append(chunk, at - 1, at);
          if (octet === COMMA && this.#beginsCounted()) {
            this.#advance(at);
            const raw = this.#readRaw();
            if (raw === undefined) return undefined;
            this.#headPayload = raw;
            return this.#readLine();
          }
          if (octet === SPACE && this.#promptExpected && this.#length === 2 && this.#line[0] === GREATER) {
            this.#length = 0;
            this.#headed = false;
            this.#promptExpected = false;
            this.#advance(at);
            return { kind: 'prompt' };
          }
          continue;
        }
        const end = this.#endOfRun(chunk, at);
        if (end < chunk.length && this.isAtLineStart && end - at <= this.#limit) {
          // A whole line within one chunk, which is what nearly all are: no copy.
          const text = latin1Text(chunk, at, end);
          const headed = this.#headed;
          this.#headed = false;
          this.#behindS3 = chunk[end] === this.#s3;
          this.#advance(end + 1);
          return { kind: 'line', text, headed };
        }
        this.#append(chunk, at, end);
        at = end;
      }
      this.#advance(at);
    }
  }

  /** Whether the octet has to be looked at by itself: a prompt or a counted line may come of it. */
  #isWatched(octet: number): boolean {
    if (this.#dropped > 0) return false;
    if (this.#promptExpected && this.#length < 2) return true;
    if (this.#counted.length === 0 || this.#head !== undefined) return false;
    const first = this.#length === 0 ? octet : this.#line[0];
    for (const { prefix } of this.#counted) {
      if (prefix.charCodeAt(0) === first) return true;
    }
    return false;
  }

  #endOfRun(chunk: Uint8Array, from: number): number {
    const s3 = this.#s3;
    const s4 = this.#s4;
    let at = from;
    while (at < chunk.length && chunk[at] !== s3 && chunk[at] !== s4) at++;
    return at;
  }

  /** Takes a part of a line, or only counts it once the line is too long. */
  #append(chunk: Uint8Array, from: number, to: number): void {
    const count = to - from;
    if (this.#dropped > 0 || this.#length + count > this.#limit) {
      this.#dropped += this.#length + count;
      this.#length = 0;
      return;
    }
    this.#reserve(this.#length + count);
    if (count === 1) this.#line[this.#length] = chunk[from]!;
    else this.#line.set(chunk.subarray(from, to), this.#length);
    this.#length += count;
  }

  #endLine(octet: number): ReaderEvent | undefined {
    if (this.#dropped > 0) {
      const byteCount = this.#dropped;
      this.#dropped = 0;
      this.#headed = false;
      this.#head = undefined;
      this.#headPayload = undefined;
      this.#behindS3 = octet === this.#s3;
      return { kind: 'discarded', byteCount };
    }
    if (this.#length === 0 && this.#head === undefined) {
      if (octet === this.#s3) this.#headed = true;
      this.#behindS3 = octet === this.#s3;
      return undefined;
    }
    const headed = this.#headed;
    this.#headed = false;
    this.#behindS3 = octet === this.#s3;
    const text = latin1Text(this.#line, 0, this.#length);
    if (this.#head === undefined) {
      this.#length = 0;
      return { kind: 'line', text, headed };
    }
    // More data than the count promised is data too.
    const extra = this.#line.slice(0, this.#length);
    const payload = extra.length === 0 ? this.#headPayload! : joined([this.#headPayload!, extra]);
    const head = this.#head;
    this.#length = 0;
    this.#head = undefined;
    this.#headPayload = undefined;
    return { kind: 'line', text: head, headed, payload };
  }

  #beginsCounted(): boolean {
    for (const counted of this.#counted) {
      if (this.#length < counted.prefix.length || !this.#startsWith(counted.prefix)) continue;
      const head = latin1Text(this.#line, 0, this.#length);
      const count = counted.count(head);
      if (count === undefined || count < 0 || count > PAYLOAD_LIMIT_BYTES) continue;
      this.#head = head;
      this.#length = 0;
      this.#behindS3 = false;
      this.expectRaw(count);
      return true;
    }
    return false;
  }

  #startsWith(prefix: string): boolean {
    for (let index = 0; index < prefix.length; index++) {
      if (this.#line[index] !== prefix.charCodeAt(index)) return false;
    }
    return true;
  }

  #readRaw(): Uint8Array | undefined {
    const raw = this.#raw!;
    for (;;) {
      const wanted = this.#passOver > 0 ? this.#passOver : raw.length;
      if (this.#rawFilled === wanted) {
        this.#raw = undefined;
        return raw;
      }
      const chunk = this.#chunks[0];
      if (chunk === undefined) return undefined;
      if (this.#behindS3) {
        this.#behindS3 = false;
        if (chunk[this.#offset] === this.#s4) {
          this.#advance(this.#offset + 1);
          continue;
        }
      }
      const count = Math.min(chunk.length - this.#offset, wanted - this.#rawFilled);
      if (this.#passOver === 0) raw.set(chunk.subarray(this.#offset, this.#offset + count), this.#rawFilled);
      this.#rawFilled += count;
      this.#advance(this.#offset + count);
    }
  }

  #dropEcho(): void {
    const echo = this.#echo!;
    for (;;) {
      const chunk = this.#chunks[0];
      if (chunk === undefined) return;
      while (this.#offset < chunk.length && this.#echoMatched < echo.length) {
        if (chunk[this.#offset] !== echo[this.#echoMatched]) {
          this.#chunks[0] = chunk.subarray(this.#offset);
          this.#offset = 0;
          if (this.#echoMatched > 0) this.#chunks.unshift(echo.slice(0, this.#echoMatched));
          this.#echo = undefined;
          this.#echoEnd = undefined;
          return;
        }
        this.#offset++;
        this.#echoMatched++;
      }
      this.#advance(this.#offset);
      if (this.#echoMatched === echo.length) {
        this.#echo = undefined;
        this.#behindS3 = false;
        return;
      }
    }
  }

  #advance(to: number): void {
    if (to < this.#chunks[0]!.length) {
      this.#offset = to;
      return;
    }
    this.#chunks.shift();
    this.#offset = 0;
  }

  #reserve(length: number): void {
    if (length <= this.#line.length) return;
    const larger = new Uint8Array(Math.min(this.#limit, Math.max(length, this.#line.length * 4)));
    larger.set(this.#line);
    this.#line = larger;
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
