import { concatBytes, fromLatin1, latin1 } from '@cellmux/port';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Base64Decoder, Base64Encoder, MIME_LINE_CHARACTERS } from './base64.ts';
import { PayloadCodec } from './payload-codec.ts';

const chunks = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 });

function encoded(input: readonly Uint8Array[], lines: boolean): string {
  const encoder = new Base64Encoder(lines);
  const parts = input.map((chunk) => encoder.push(chunk).slice());
  return fromLatin1(concatBytes([...parts, encoder.finish()]));
}

describe('Base64', () => {
  it('is what everybody else makes of the same bytes', () => {
    fc.assert(
      fc.property(chunks, (input) => {
        expect(encoded(input, false)).toBe(Buffer.from(concatBytes(input)).toString('base64'));
      }),
    );
  });

  it('breaks lines as MIME does, and is read again in any chunks', () => {
    fc.assert(
      fc.property(chunks, fc.integer({ min: 1, max: 50 }), (input, size) => {
        const text = encoded(input, true);
        for (const line of text.split('\r\n')) expect(line.length).toBeLessThanOrEqual(MIME_LINE_CHARACTERS);
        const decoder = new Base64Decoder();
        const bytes = latin1(text);
        const parts: Uint8Array[] = [];
        for (let offset = 0; offset < bytes.length; offset += size)
          parts.push(decoder.push(bytes.subarray(offset, offset + size)).slice());
        expect(concatBytes(parts)).toEqual(concatBytes(input));
      }),
    );
  });

  it('reads two texts one behind the other', () => {
    const decoder = new Base64Decoder();
    expect(fromLatin1(decoder.push(latin1('YQ==YmM=')))).toBe('abc');
  });

  it('never fails on other bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (noise) => {
        expect(new Base64Decoder().push(noise).length).toBeLessThanOrEqual(noise.length);
      }),
    );
  });

  it('makes each message of #SSEND complete in itself', () => {
    const codec = new PayloadCodec();
    expect(fromLatin1(codec.encodeWhole(latin1('a')))).toBe('a');
    codec.set(2, 0);
    expect(fromLatin1(codec.encodeWhole(latin1('a')))).toBe('YQ==');
    expect(fromLatin1(codec.encodeWhole(latin1('abc')))).toBe('YWJj');
    expect(codec.finish().length).toBe(0);
  });
});
