import { fromLatin1, latin1 } from '@cellmux/port';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chunked, singly } from '../../test/chunks.ts';
import { LineReader, type LineReaderOptions, type ReaderEvent } from './line-reader.ts';

type Step = (reader: LineReader, event: ReaderEvent) => void;

function readAll(reader: LineReader, chunks: readonly Uint8Array[], step?: Step): ReaderEvent[] {
  const events: ReaderEvent[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let event = reader.next(); event !== undefined; event = reader.next()) {
      events.push(event);
      step?.(reader, event);
    }
  }
  return events;
}

function lines(text: string, options?: LineReaderOptions): ReaderEvent[] {
  return readAll(new LineReader(options), [latin1(text)]);
}

/** Octets of which lines, prompts and counts are made, and some others. */
const wire = fc
  .array(
    fc.oneof(
      fc.constantFrom('\r', '\n', '\r\n', '\r\nOK\r\n', '> ', '\r\n> ', ',', 'SRING: 1,', 'SRING: 1,3,', '5,', 'ab'),
      fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(''));

const countedLines = [
  {
    prefix: 'SRING:',
    count: (head: string) => {
      const count = /^SRING: \d,(\d+),$/.exec(head)?.[1];
      return count === undefined ? undefined : Number(count);
    },
  },
];

describe('LineReader', () => {
  test('tells lines with an empty line before them from those without', () => {
    expect(lines('AT\r\r\nOK\r\n+A: 1\r\n0\r')).toEqual([
      { kind: 'line', text: 'AT', headed: false },
      { kind: 'line', text: 'OK', headed: true },
      { kind: 'line', text: '+A: 1', headed: false },
      { kind: 'line', text: '0', headed: false },
    ]);
  });

  test('ends a line at its S3 without waiting for S4, and with other characters set', () => {
    expect(lines('\r\nOK\r')).toHaveLength(1);
    expect(lines('!?OK!?', { s3: 0x21, s4: 0x3f })).toEqual([{ kind: 'line', text: 'OK', headed: true }]);
  });

  test('gives the prompt only where it is expected and begins a line', () => {
    const reader = new LineReader();
    expect(readAll(reader, [latin1('\r\n> ')])).toEqual([]);
    const expecting = new LineReader();
    expecting.expectPrompt(true);
    expect(readAll(expecting, singly('x> \r\n> y\r\n> z\r'))).toEqual([
      { kind: 'line', text: 'x> ', headed: false },
      { kind: 'prompt' },
      { kind: 'line', text: 'y', headed: false },
      { kind: 'line', text: '> z', headed: false },
    ]);
  });

  test('reads counted octets behind the end of their line', () => {
    const step: Step = (reader, event) => {
      if (event.kind === 'line' && event.text.startsWith('#')) reader.expectRaw(Number(event.text.slice(1)));
    };
    for (const chunks of [singly('#4\r\n\r\nOK\r\n#0\r\nend\r'), [latin1('#4\r\n\r\nOK\r\n#0\r\nend\r')]]) {
      const events = readAll(new LineReader(), chunks, step);
      expect(events.map((event) => ('bytes' in event ? fromLatin1(event.bytes) : event))).toEqual([
        { kind: 'line', text: '#4', headed: false },
        '\r\nOK',
        { kind: 'line', text: '#0', headed: true },
        '',
        { kind: 'line', text: 'end', headed: false },
      ]);
    }
  });

  test('passes over counted octets beyond the limit without keeping them', () => {
    const reader = new LineReader();
    reader.expectRaw(100_000);
    const events = readAll(reader, [new Uint8Array(99_999), latin1('xOK\r')]);
    expect(events).toEqual([
      { kind: 'discarded', byteCount: 100_000 },
      { kind: 'line', text: 'OK', headed: false },
    ]);
  });

  test('reads a counted line whose data holds line ends', () => {
    const events = readAll(new LineReader({ countedLines }), [
      latin1('\r\nSRING: 1,7,a\r\nOK\r\n\r\n\r\nSRING: 2,3\r\n'),
    ]);
    expect(events).toEqual([
      { kind: 'line', text: 'SRING: 1,7,', headed: true, payload: latin1('a\r\nOK\r\n') },
      { kind: 'line', text: 'SRING: 2,3', headed: true },
    ]);
  });

  test('keeps more data than the count of such a line promised', () => {
    expect(lines('SRING: 1,2,abcd\r', { countedLines })).toEqual([
      { kind: 'line', text: 'SRING: 1,2,', headed: false, payload: latin1('abcd') },
    ]);
  });

  test('drops a line that is too long, whole, and reads the next one', () => {
    expect(lines(`${'x'.repeat(21)}\rOK\r`, { lineLimitBytes: 20 })).toEqual([
      { kind: 'discarded', byteCount: 21 },
      { kind: 'line', text: 'OK', headed: false },
    ]);
    expect(lines(`${'x'.repeat(20)}\r`, { lineLimitBytes: 20 })).toHaveLength(1);
  });

  test('drops an echo, and takes octets that differ from it as they are', () => {
    const reader = new LineReader();
    reader.expectEcho(latin1('a\r\nb'));
    expect(readAll(reader, singly('a\r\nb\r\nOK\r'))).toEqual([{ kind: 'line', text: 'OK', headed: true }]);
    reader.expectEcho(latin1('\r\nOK!'));
    expect(readAll(reader, singly('\n\r\nOK\r'))).toEqual([{ kind: 'line', text: 'OK', headed: true }]);
  });

  test('gives back what was not read, without the line feed of the line before', () => {
    const reader = new LineReader();
    reader.push(latin1('CONNECT\r\n\ndata'));
    reader.next();
    expect(reader.takeRest()).toEqual({ bytes: latin1('\ndata'), lineFeedPending: false });
    reader.push(latin1('CONNECT\r'));
    reader.next();
    expect(reader.takeRest()).toEqual({ bytes: latin1(''), lineFeedPending: true });
    reader.push(latin1('1\r\n'));
    reader.next();
    expect(reader.takeRest({ lineFeed: false })).toEqual({ bytes: latin1('\n'), lineFeedPending: false });
    reader.push(latin1('OK\r\nhalf'));
    reader.next();
    reader.next();
    expect(reader.takeRest().bytes).toEqual(latin1('half'));
  });

  test('property: chunks change nothing', () => {
    const step: Step = (reader, event) => {
      if (event.kind === 'line' && event.text.length % 5 === 4) reader.expectRaw(event.text.length);
      if (event.kind === 'line') reader.expectPrompt(event.headed);
    };
    fc.assert(
      fc.property(chunked(wire), ({ text, chunks }) => {
        const options = { countedLines, lineLimitBytes: 24 };
        const [whole, cut, single] = [[latin1(text)], chunks, singly(text)].map((input) => {
          const reader = new LineReader(options);
          return { events: readAll(reader, input, step), rest: reader.takeRest() };
        });
        expect(cut).toEqual(whole);
        expect(single).toEqual(whole);
      }),
      { numRuns: 400 },
    );
  });

  test('property: an echo is dropped or changes nothing, whatever the chunks', () => {
    fc.assert(
      fc.property(chunked(wire), wire, fc.boolean(), ({ text, chunks }, echo, echoed) => {
        const reader = new LineReader();
        reader.expectEcho(latin1(echo), 0x1a);
        const input = echoed ? [latin1(`${echo}${echo === '' ? '' : '\x1a'}`), ...chunks] : chunks;
        if (!echoed && (text.startsWith(echo) || echo.startsWith(text))) return;
        expect(readAll(reader, input)).toEqual(lines(text));
      }),
    );
  });
});
