import { concatBytes, latin1 } from '@cellmux/port';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReplyReader, REPLY_LINE_BYTES, REPLY_LINES } from './reply-reader.ts';

const text = fc.string({ unit: fc.constantFrom(...'abc 012-'), maxLength: 20 });
const code = fc.integer({ min: 100, max: 599 });
/** A reply as RFC 959 §4.2 lets a server write it, and what is to be read of it. */
const reply = fc.tuple(code, fc.array(text, { maxLength: 4 }), text).map(([number, between, last]) => {
  // A line between that begins with the code and a blank would be the last one.
  const inner = between.map((line) => ` ${line}`);
  const lines = between.length === 0 ? [`${number} ${last}`] : [`${number}-first`, ...inner, `${number} ${last}`];
  return { code: number, lines };
});

function chunked(bytes: Uint8Array, size: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let offset = 0; offset < bytes.length; offset += size) chunks.push(bytes.subarray(offset, offset + size));
  return chunks;
}

describe('ReplyReader', () => {
  it('reads what servers write, in any chunks', () => {
    fc.assert(
      fc.property(fc.array(reply, { maxLength: 8 }), fc.integer({ min: 1, max: 40 }), (replies, size) => {
        const bytes = concatBytes(replies.map(({ lines }) => latin1(`${lines.join('\r\n')}\r\n`)));
        const reader = new ReplyReader();
        expect(chunked(bytes, size).flatMap((chunk) => reader.push(chunk))).toEqual(replies);
      }),
    );
  });

  it('keeps no more than it says of an endless line or an endless reply', () => {
    const reader = new ReplyReader();
    for (let index = 0; index < 100; index++) expect(reader.push(latin1(`220-${'x'.repeat(5000)}`))).toEqual([]);
    reader.push(latin1('\n'));
    for (let index = 0; index < 1000; index++) reader.push(latin1('220-more\n'));
    const [read] = reader.push(latin1('220 end\n'));
    expect(read?.lines).toHaveLength(REPLY_LINES);
    expect(read?.lines[0]).toHaveLength(REPLY_LINE_BYTES);
  });

  it('never fails on noise, and hears a reply behind it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
        const reader = new ReplyReader();
        const before = reader.push(noise);
        const after = reader.push(latin1('\n221 bye\n'));
        const open = [...before, ...after].length === before.length;
        // Noise that begins a reply of several lines swallows the rest until its own end.
        if (!open) expect(after.at(-1)?.code).toBe(221);
      }),
    );
  });
});
