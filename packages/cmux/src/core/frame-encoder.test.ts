import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fcsRegister, FCS_START } from './fcs.ts';
import { AdvancedEncoder, advancedFrameLimit, encodeAdvanced } from './frame-encoder.ts';

/** Octet by octet, as §5.2.7 says it. */
function plainly(octets: readonly number[], softwareFlow: boolean): number[] {
  const escaped = [0x7e, 0x7d, ...(softwareFlow ? [0x11, 0x13, 0x91, 0x93] : [])];
  return [0x7e, ...octets.flatMap((octet) => (escaped.includes(octet) ? [0x7d, octet ^ 0x20] : [octet])), 0x7e];
}

const special = fc.constantFrom(0x7c, 0x7d, 0x7e, 0x7f, 0x11, 0x13, 0x91, 0x93, 0x10, 0x12, 0xfe, 0xfd);
const information = fc
  .integer({ min: 0, max: 20 })
  .chain((weight) =>
    fc.array(fc.oneof({ weight: 20, arbitrary: fc.integer({ min: 0, max: 255 }) }, { weight, arbitrary: special }), {
      maxLength: 200,
      size: 'max',
    }),
  )
  .map((octets) => Uint8Array.from(octets));

describe('the encoder of the advanced option', () => {
  it.each([false, true])('escapes what must be, wherever it stands; software flow %s', (softwareFlow) => {
    const encoder = new AdvancedEncoder(softwareFlow);
    const out = new Uint8Array(advancedFrameLimit(200) + 20);
    fc.assert(
      fc.property(
        information,
        fc.nat(10),
        fc.nat(10),
        fc.constantFrom(0x07, 0x7d, 0x13, 0xf7),
        fc.constantFrom(0xef, 0xff, 0x03, 0x13),
        (info, cut, offset, address, control) => {
          const start = Math.min(cut, info.length);
          const covered = (control & ~0x10) === 0xef ? [address, control] : [address, control, ...info.subarray(start)];
          const fcs = fcsRegister(FCS_START, Uint8Array.from(covered), 0, covered.length) ^ 0xff;
          const expected = plainly([address, control, ...info.subarray(start), fcs], softwareFlow);
          out.fill(0xaa);
          const end = encoder.encode(out, offset, address, control, info, start, info.length);
          expect([...out.subarray(offset, end)]).toEqual(expected);
          expect(out.subarray(end).every((octet) => octet === 0xaa)).toBe(true);
          const other = new Uint8Array(advancedFrameLimit(info.length));
          const otherEnd = encodeAdvanced(other, 0, address, control, info, start, info.length, softwareFlow);
          expect([...other.subarray(0, otherEnd)]).toEqual(expected);
        },
      ),
    );
  });
});
