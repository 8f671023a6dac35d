import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fcs16, FCS16_INITIAL } from './fcs16.ts';
import { unescape } from './unescape.ts';
import { WordView } from './word-view.ts';

/** Octet by octet, as RFC 1662 §4.2 says it. */
function plainly(raw: Uint8Array): Uint8Array {
  const octets: number[] = [];
  for (let index = 0; index < raw.length; index++) {
    const octet = raw[index] as number;
    octets.push(octet === 0x7d ? (raw[++index] as number) ^ 0x20 : octet);
  }
  return Uint8Array.from(octets);
}

/** Escapes seldom, often, and behind each other. */
const rawFrame = fc
  .integer({ min: 0, max: 40 })
  .chain((weight) =>
    fc.array(
      fc.oneof({ weight: 40, arbitrary: fc.integer({ min: 0, max: 255 }) }, { weight, arbitrary: fc.constant(0x7d) }),
      { maxLength: 300, size: 'max' },
    ),
  )
  .map((octets) => (octets.at(-1) === 0x7d ? [...octets, 0x5e] : octets))
  .map((octets) => Uint8Array.from(octets));

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

describe('taking escapes out', () => {
  it.each(['by words', 'octet by octet'])('%s gives what the RFC says, and touches nothing else', (way) => {
    fc.assert(
      fc.property(rawFrame, fc.nat(9), fc.nat(9), (frame, before, offset) => {
        fc.pre(frame.at(-1) !== 0x7d);
        const raw = new Uint8Array(before + frame.length + 9).fill(0x7d);
        raw.set(frame, before);
        const target = new Uint8Array(offset + frame.length + 9).fill(0xaa);
        const end = before + frame.length;
        const words = way === 'by words' ? view(raw) : undefined;
        const to = unescape(raw, before, end, target, offset, words, view(target));
        expect(target.subarray(offset, to)).toEqual(plainly(frame));
        expect(target.subarray(0, offset).every((octet) => octet === 0xaa)).toBe(true);
        expect(target.subarray(offset + frame.length).every((octet) => octet === 0xaa)).toBe(true);
      }),
    );
  });
});

describe('the FCS by words', () => {
  it('is that by octets, wherever the octets lie', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(20), fc.nat(0xffff), (bytes, cut, register) => {
        const start = Math.min(cut, bytes.length);
        const words = view(bytes);
        expect(fcs16(register, bytes, start, bytes.length, words)).toBe(fcs16(register, bytes, start));
        expect(fcs16(register, bytes, 0, start, words)).toBe(fcs16(register, bytes, 0, start));
      }),
    );
  });

  it('is that of the standard', () => {
    const bytes = new TextEncoder().encode('123456789');
    expect(~fcs16(FCS16_INITIAL, bytes, 0, 9, view(bytes)) & 0xffff).toBe(0x906e);
  });
});

describe('a view that is kept', () => {
  it('is that of the array asked for, until it is forgotten', () => {
    const words = new WordView();
    const [one, other] = [Uint8Array.of(1, 2, 3, 4, 5).subarray(1), Uint8Array.of(9, 9, 9, 9)];
    expect(words.of(one).getUint32(0)).toBe(0x02030405);
    expect(words.of(one)).toBe(words.of(one));
    expect(words.of(other).getUint32(0)).toBe(0x09090909);
    words.forget();
    expect(words.of(one).byteLength).toBe(4);
  });
});
