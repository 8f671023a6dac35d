import { concatBytes, toHex } from '@cellmux/port';
import { countOctets, fitExponent } from '@cellmux/port/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AdvancedDeframer } from './advanced-deframer.ts';
import { BasicDeframer } from './basic-deframer.ts';
import { fcsOf, FCS_START, fcsRegister } from './fcs.ts';
import { addressOf, advancedFrameLimit, encodeAdvanced, encodeBasicFrame } from './frame-encoder.ts';
import type { Deframer, FrameSink } from './frame-sink.ts';
import { RangeFcs } from './range-fcs.ts';

type Option = 'basic' | 'advanced';
const N1 = 64;

class Seen implements FrameSink {
  readonly frames: string[] = [];
  noiseOctets = 0;

  frame(bytes: Uint8Array, address: number, control: number, start: number, end: number): void {
    this.frames.push(`${address}.${control}.${toHex(bytes.subarray(start, end))}`);
  }

  noise(_bytes: Uint8Array, start: number, end: number): void {
    this.noiseOctets += end - start;
  }
}

interface Frame {
  readonly address: number;
  readonly control: number;
  readonly info: Uint8Array;
}

function make(option: Option, sink: FrameSink, n1 = N1): Deframer {
  return option === 'basic' ? new BasicDeframer(sink, { n1 }) : new AdvancedDeframer(sink, { n1 });
}

function encode(option: Option, { address, control, info }: Frame): Uint8Array {
  if (option === 'basic') return encodeBasicFrame(address, control, info);
  const out = new Uint8Array(advancedFrameLimit(info.length));
  return out.slice(0, encodeAdvanced(out, 0, address, control, info, 0, info.length));
}

const nameOf = ({ address, control, info }: Frame): string => `${address}.${control}.${toHex(info)}`;

// Flags, escapes and lengths that look like flags are what payloads must be full of to test anything.
const octet = fc.oneof(
  fc.integer({ min: 0, max: 255 }),
  fc.constantFrom(0xf9, 0x7e, 0x7d, 0x5e, 0x5d, 0x03, 0x07, 0xef),
);
const info = fc.array(octet, { maxLength: N1 }).map((octets) => Uint8Array.from(octets));
const address = fc
  .tuple(fc.integer({ min: 0, max: 61 }), fc.constantFrom<0 | 1>(0, 1))
  .map(([dlci, commandResponse]) => addressOf(dlci, commandResponse));
const dataFrame = fc.record({ address, control: fc.constantFrom(0xef, 0xff, 0x03, 0x13), info });
const controlFrame = fc.record({
  address,
  control: fc.constantFrom(0x2f, 0x3f, 0x63, 0x73, 0x0f, 0x1f, 0x43, 0x53),
  info: fc.constant(new Uint8Array(0)),
});
const frame: fc.Arbitrary<Frame> = fc.oneof(
  { weight: 4, arbitrary: dataFrame },
  { weight: 1, arbitrary: controlFrame },
);

function chunked(octets: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let at = 0;
  for (let turn = 0; at < octets.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    chunks.push(octets.slice(at, at + size));
    at += size;
  }
  return chunks;
}
const sizes = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 8 });

function decode(option: Option, chunks: readonly Uint8Array[], idle = false, n1 = N1): Seen {
  const seen = new Seen();
  const deframer = make(option, seen, n1);
  for (const chunk of chunks) {
    deframer.receive(chunk);
    // Nothing of a chunk is kept: what its owner does with it later changes nothing.
    chunk.fill(0xf9);
    expect(deframer.pendingOctets).toBeLessThanOrEqual(n1 + 8);
  }
  if (idle) deframer.idle();
  return seen;
}

describe.each(['basic', 'advanced'] as const)('%s option', (option) => {
  it('finds what was encoded, whatever the chunks, idle flags and shared flags', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(frame, fc.integer({ min: -1, max: 3 })), { maxLength: 20 }), sizes, (list, cut) => {
        const flag = option === 'basic' ? 0xf9 : 0x7e;
        const parts = list.flatMap(([one, flags], index) => {
          const octets = encode(option, one);
          // -1: the closing flag of the frame before is the opening flag of this one.
          if (flags < 0) return [index === 0 ? octets : octets.subarray(1)];
          return [new Uint8Array(flags).fill(flag), octets];
        });
        expect(decode(option, chunked(concatBytes(parts), cut)).frames).toEqual(list.map(([one]) => nameOf(one)));
      }),
      { numRuns: 300 },
    );
  });

  it('counts nothing as wrong on a line where nothing is', () => {
    const flag = option === 'basic' ? 0xf9 : 0x7e;
    const spaced = fc.array(fc.tuple(frame, fc.integer({ min: 0, max: 3 })), { maxLength: 20 });
    fc.assert(
      fc.property(spaced, sizes, fc.boolean(), (list, cut, pauses) => {
        const parts = list.flatMap(([one, flags]) => [new Uint8Array(flags).fill(flag), encode(option, one)]);
        const deframer = make(option, new Seen());
        for (const chunk of chunked(concatBytes(parts), cut)) {
          deframer.receive(chunk);
          // A frame that comes in pieces with long pauses between them.
          if (pauses) deframer.idle();
        }
        // By chance an information field may hold a whole frame.
        fc.pre(deframer.counters.foundLate === 0);
        const { frames, ...others } = deframer.counters;
        expect(frames).toBe(list.length);
        expect(Object.entries(others).filter(([, count]) => count !== 0)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('never throws, and finds the same in random octets whatever the chunks', () => {
    fc.assert(
      fc.property(fc.array(octet, { maxLength: 600 }), sizes, fc.constantFrom(1, 2, 5, N1), (octets, cut, n1) => {
        const all = Uint8Array.from(octets);
        const whole = decode(option, [all.slice()], false, n1);
        const parts = decode(option, chunked(all, cut), false, n1);
        expect(parts.frames).toEqual(whole.frames);
      }),
      { numRuns: 500 },
    );
  });

  it('loses no more than the touched frame and its neighbours to one damaged octet', () => {
    const kind = fc.constantFrom('flip', 'insert', 'delete');
    let compared = 0;
    fc.assert(
      fc.property(
        fc.array(frame, { minLength: 3, maxLength: 12 }),
        fc.nat(),
        kind,
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        sizes,
        (list, place, what, value, shared, cut) => {
          const encoded = list.map((one, index) => encode(option, one).subarray(shared && index > 0 ? 1 : 0));
          const stream = [...concatBytes(encoded)];
          const at = place % stream.length;
          if (what === 'flip') stream[at] = (stream[at] ?? 0) ^ value;
          else if (what === 'insert') stream.splice(at, 0, value);
          else stream.splice(at, 1);
          let touched = 0;
          for (let end = encoded[0]?.length ?? 0; end <= at; end += encoded[touched]?.length ?? 0) touched++;
          const got = decode(option, chunked(Uint8Array.from(stream), cut), true).frames;
          const names = list.map(nameOf);
          // An octet put in or left out can make a frame that is right in every respect (1 in 256): no one can tell.
          const foreign = got.filter((name) => !names.includes(name));
          if (foreign.length > 1 || (foreign.length === 1 && what !== 'flip')) return;
          compared++;
          const mustBeThere = names.filter((_, index) => Math.abs(index - touched) > 1);
          let from = 0;
          for (const name of mustBeThere) {
            const found = got.indexOf(name, from);
            expect(found).toBeGreaterThanOrEqual(0);
            from = found + 1;
          }
        },
      ),
      { numRuns: 2000 },
    );
    expect(compared).toBeGreaterThan(1500);
  });

  it('looks at no more octets for each one received of a long hostile stream than of a short one', () => {
    for (const [name, build] of Object.entries(hostileStreams(option))) {
      for (const chunk of [7, 65_536]) {
        const most: number[] = [];
        const exponent = fitExponent((length) => {
          const octets = build(length);
          const counted = countOctets(() => {
            const deframer = make(option, new Seen(), 32_767);
            const stream = new Uint8Array(octets);
            for (let at = 0; at < length; at += chunk) deframer.receive(stream.subarray(at, at + chunk));
            deframer.idle();
          });
          most.push(counted / length);
          return counted;
        });
        expect(exponent, `${name} in chunks of ${chunk}`).toBeLessThan(1.1);
        // In chunks of 7 the room for the longest frame alone, made once, is some 30 for each octet of the shortest.
        expect(Math.max(...most), `${name} in chunks of ${chunk}`).toBeLessThan(64);
      }
    }
  });
});

/** Streams that cost a search the most: `length` octets each. */
function hostileStreams(option: Option): Record<string, (length: number) => Uint8Array> {
  const flag = option === 'basic' ? 0xf9 : 0x7e;
  const repeat = (length: number, pattern: readonly number[]): Uint8Array =>
    Uint8Array.from({ length }, (_, index) => pattern[index % pattern.length] ?? 0);
  return {
    flags: (length) => repeat(length, [flag]),
    // Frames that begin inside each other, each as long as may be, all with the closing flag in place.
    nested: (length) => repeat(length, [0xf9, 0x07, 0x03, 0xf9]),
    nestedLong: (length) => {
      const octets = Math.floor(length / 20) * 5 - 1;
      return repeat(length, [flag, 0x07, 0x03, (octets & 0x7f) << 1, octets >> 7]);
    },
    short: (length) => repeat(length, [flag, 0x07, 0x03, 0x41]),
    escapes: (length) => repeat(length, [0x7d]),
    escaped: (length) => repeat(length, [0x7d, 0x5e]),
    aborted: (length) => repeat(length, [0x7e, 0x07, 0xef, 0x7d]),
    openForEver: (length) => {
      const octets = new Uint8Array(length).fill(0x55);
      octets.set(option === 'basic' ? [0xf9, 0x07, 0xef, 0xfe, 0xff] : [0x7e, 0x07, 0xef]);
      return octets;
    },
  };
}

it('fits exponents of octets counted: reading once is 1, the plain search about 2', () => {
  const once = fitExponent((length) =>
    countOctets(() => {
      fcsOf(new Uint8Array(length));
    }),
  );
  expect(once).toBeCloseTo(1, 2);
  const plain = fitExponent((length) => {
    const octets = hostileStreams('basic')['nestedLong']?.(length) ?? new Uint8Array(0);
    return countOctets(() => {
      naive(new Uint8Array(octets), 32_767);
    });
  }, 1000);
  expect(plain).toBeGreaterThan(1.8);
});

/** What the search means, said in the fewest words: every flag may open, and nothing is looked at twice on success. */
function naive(octets: Uint8Array, n1: number): string[] {
  const frames: string[] = [];
  let at = 0;
  while (at < octets.length) {
    if (octets[at] !== 0xf9 || octets[at + 1] === 0xf9) {
      at++;
      continue;
    }
    const [address = 0, control = 0, first = 0, second = 0] = octets.subarray(at + 1, at + 5);
    const long = (first & 1) === 0;
    const length = (first >> 1) | (long ? second << 7 : 0);
    const start = at + (long ? 5 : 4);
    const close = start + length + 1;
    const name = { 0x2f: 0, 0x63: 0, 0x0f: 0, 0x43: 0, 0xef: 1, 0x03: 2 }[control & 0xef];
    const isSane = (address & 1) === 1 && address >> 2 <= 61 && name !== undefined && (name > 0 || length === 0);
    if (isSane && at + 4 + (long ? 1 : 0) > octets.length) return frames;
    const covered = name === 2 ? octets.subarray(at + 1, close - 1) : octets.subarray(at + 1, start);
    if (isSane && length <= n1 && close >= octets.length) return frames;
    if (isSane && length <= n1 && octets[close] === 0xf9 && fcsOf(covered) === octets[close - 1]) {
      frames.push(`${address}.${control}.${toHex(octets.subarray(start, close - 1))}`);
      at = close;
    } else {
      at++;
    }
  }
  return frames;
}

it('does not cut a frame that is too long to one that is not, where a chunk of the advanced option ends in it', () => {
  for (let tail = 0; tail < 256; tail++) {
    const octets = Uint8Array.of(0x7e, 0x07, 0x03, 0x41, tail, 1, 2, 0x7e);
    for (let cut = 1; cut < octets.length; cut++) {
      const chunks = [octets.slice(0, cut), octets.slice(cut)];
      expect(decode('advanced', chunks, false, 1).frames).toEqual([]);
    }
  }
});

describe('the search for basic frames', () => {
  it('finds what the plain statement of it finds, in damaged streams', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.constantFrom('flip', 'insert', 'delete'), octet), { maxLength: 6 });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 12 }), damage, sizes, (list, faults, cut) => {
        const stream = [...concatBytes(list.map((one) => encode('basic', one)))];
        for (const [place, what, value] of faults) {
          const at = place % (stream.length + 1);
          if (what === 'flip') stream[at] = value;
          else if (what === 'insert') stream.splice(at, 0, value);
          else stream.splice(at, 1);
        }
        const octets = Uint8Array.from(stream);
        expect(decode('basic', chunked(octets, cut)).frames).toEqual(naive(octets, N1));
      }),
      { numRuns: 1000 },
    );
  });

  it('waits for no more than N1 + 7 octets after a damaged length', () => {
    const damaged = encodeBasicFrame(addressOf(1, 1), 0xef, new Uint8Array(10)).slice();
    damaged[3] = (N1 << 1) | 1;
    const good = encodeBasicFrame(addressOf(2, 1), 0xef, Uint8Array.of(1, 2, 3));
    const seen = new Seen();
    const deframer = new BasicDeframer(seen, { n1: N1 });
    deframer.receive(damaged);
    deframer.receive(good);
    expect(seen.frames).toEqual([]);
    deframer.receive(new Uint8Array(N1 + 7 - damaged.length - good.length + 1).fill(0xf9));
    expect(seen.frames).toEqual(['11.239.010203']);
  });

  it('finds a frame behind a damaged length when the line falls silent, and gives up none that is only slow', () => {
    const seen = new Seen();
    const deframer = new BasicDeframer(seen, { n1: N1 });
    const slow = encodeBasicFrame(addressOf(1, 1), 0xef, Uint8Array.of(7, 8, 9));
    deframer.receive(slow.subarray(0, 6));
    deframer.idle();
    deframer.receive(slow.subarray(6));
    expect(seen.frames).toEqual(['7.239.070809']);
    deframer.receive(Uint8Array.of(0xf9, 0x07, 0xef, 0x7f, 0x41, ...slow));
    deframer.idle();
    expect(seen.frames).toHaveLength(2);
    expect(deframer.isPending).toBe(false);
    expect(deframer.counters.foundLate).toBe(1);
  });

  it('keeps what follows the frame at which it was stopped', () => {
    const octets = concatBytes([
      encodeBasicFrame(addressOf(1, 1), 0xef, Uint8Array.of(1)),
      encodeBasicFrame(addressOf(0, 1), 0xef, Uint8Array.of(0xc3, 0x01)),
      Uint8Array.from('\r\nRING\r\n', (character) => character.charCodeAt(0)),
    ]);
    for (let size = 1; size <= octets.length; size++) {
      const sink: FrameSink = {
        frame: (_bytes, from) => {
          if (from === addressOf(0, 1)) deframer.stop();
        },
        noise: () => undefined,
      };
      const deframer = new BasicDeframer(sink, { n1: N1 });
      for (const chunk of chunked(octets, [size])) deframer.receive(chunk);
      expect(Buffer.from(deframer.takeRest()).toString()).toBe('\r\nRING\r\n');
    }
  });
});

it('computes the FCS of any range as octet by octet', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 400 }),
      fc.array(fc.nat(), { maxLength: 20 }),
      (octets, at) => {
        const range = new RangeFcs(300);
        let first = 0;
        for (const place of at) {
          first = Math.min(octets.length, first + (place % 40));
          const last = Math.min(octets.length, first + ((place >> 3) % 300));
          expect(range.register(octets, 1000, first, last)).toBe(fcsRegister(FCS_START, octets, first, last));
        }
      },
    ),
  );
});

describe('AdvancedDeframer', () => {
  it('gives up a frame that is too long, however its length lies to the words that it is taken in', () => {
    for (let n1 = 1; n1 <= 24; n1++) {
      for (let extra = 0; extra <= 24; extra++) {
        const frames: number[] = [];
        const sink = {
          frame: (_bytes: Uint8Array, _address: number, _control: number, start: number, end: number): void => {
            frames.push(end - start);
          },
          noise: (): void => undefined,
        };
        const deframer = new AdvancedDeframer(sink, { n1 });
        const good = encodeAdvancedFrame(n1);
        const long = encodeAdvancedFrame(n1 + extra);
        const stream = new Uint8Array([...new Uint8Array(40).fill(0x7e), ...long, ...good]);
        deframer.receive(stream);
        expect(frames).toEqual(extra === 0 ? [n1, n1] : [n1]);
        expect(deframer.counters.tooLong).toBe(extra === 0 ? 0 : 1);
      }
    }
  });
});

/** UIH with so many octets that need no escape. */
function encodeAdvancedFrame(octets: number): Uint8Array {
  const out = new Uint8Array(advancedFrameLimit(octets));
  return out.slice(0, encodeAdvanced(out, 0, 0x07, 0xef, new Uint8Array(octets).fill(0x41), 0, octets));
}
