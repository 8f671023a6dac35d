import { concatBytes, fromLatin1, latin1 } from '@cellmux/port';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chunked, singly } from '../../test/chunks.ts';
import { DataEndScanner } from './data-end-scanner.ts';
import { UrcTable } from './urc-table.ts';

const urcs = new UrcTable();

function scan(chunks: readonly Uint8Array[], prepare?: (scanner: DataEndScanner) => void) {
  const scanner = new DataEndScanner({ isUrc: (line) => urcs.match(line) !== undefined });
  prepare?.(scanner);
  const data = fromLatin1(concatBytes(chunks.map((chunk) => scanner.push(chunk).slice())));
  return { data, scanner, state: scanner.state };
}

describe('DataEndScanner', () => {
  test.each([
    ['plain data', 'data', 'data', 'nothing'],
    ['the beginning of an end', 'data\r\nNO CAR', 'data', 'part'],
    ['an end', 'data\r\nNO CARRIER\r\n', 'data', 'whole'],
    ['data that goes on', 'data\r\nNO CARRIER\r\nmore', 'data\r\nNO CARRIER\r\nmore', 'nothing'],
    ['nearly an end', '\r\nNO CARRIER!\r\n', '\r\nNO CARRIER!', 'part'],
    ['line ends of data before it', 'data\r\n\r\nNO CARRIER\r\n', 'data\r\n', 'whole'],
    ['a carriage return before it', '\r\r\nNO CARRIER\r\n', '\r', 'whole'],
    ['data that looks like one before it', '\r\nNO CARRIER\r\n\r\nNO CARRIER\r\n', '\r\nNO CARRIER\r\n', 'whole'],
    ['the same with its line end shared', '\r\nNO CARRIER\r\nNO CARRIER\r\n', '\r\nNO CARRIER', 'whole'],
    ['an unsolicited line behind it', 'x\r\nNO CARRIER\r\n\r\nSRING: 2\r\n', 'x', 'whole'],
    ['an unsolicited line begun behind it', 'x\r\nNO CARRIER\r\n\r\nSRING', 'x', 'part'],
    ['another line behind it', '\r\nNO CARRIER\r\n\r\nhello\r\n', '\r\nNO CARRIER\r\n\r\nhello', 'part'],
  ])('%s', (_, input, data, state) => {
    for (const chunks of [[latin1(input)], singly(input)]) {
      const result = scan(chunks);
      expect([result.data, result.state]).toEqual([data, state]);
    }
  });

  test('ends with the text and gives what came behind it', () => {
    const { scanner } = scan([latin1('x\r\nNO CARRIER\r\n\r\nSRING: 2\r\n')]);
    expect(scanner.end()).toEqual({ text: 'NO CARRIER', rest: latin1('\r\nSRING: 2\r\n') });
    expect(scanner.state).toBe('nothing');
    expect(scanner.end()).toBeUndefined();
  });

  test('looks for OK only when told to, also in what it holds, and passes an echoed escape over', () => {
    expect(scan([latin1('x\r\nOK\r\n')]).data).toBe('x\r\nOK');
    const escaping = scan([latin1('x\r\nOK\r\n\r\nSRING: 1\r\n')], (scanner) => {
      scanner.watch(['OK', 'NO CARRIER'], latin1('+++'));
    });
    expect(escaping.scanner.end()).toEqual({ text: 'OK', rest: latin1('\r\nSRING: 1\r\n') });
    const { scanner } = scan([latin1('x\r\nNO CARRIER\r\n')]);
    scanner.watch(['OK', 'NO CARRIER'], latin1('+++'));
    expect(scanner.push(latin1('+')).length).toBe(0);
    expect(scanner.state).toBe('part');
    expect(scanner.push(latin1('++')).length).toBe(0);
    expect(scanner.end()).toEqual({ text: 'NO CARRIER', rest: latin1('') });
  });

  test('takes NO CARRIER behind the OK of an escape for unsolicited, unless told that the OK came too soon', () => {
    const input = latin1('x\r\nOK\r\n\r\nNO CARRIER\r\n');
    const late = scan([input], (scanner) => {
      scanner.watch(['OK', 'NO CARRIER']);
    });
    expect(late.scanner.end()).toEqual({ text: 'OK', rest: latin1('\r\nNO CARRIER\r\n') });
    const early = scan([input], (scanner) => {
      scanner.watch(['OK', 'NO CARRIER']);
      scanner.resultMayFollow = false;
    });
    expect(early.data).toBe('x\r\nOK\r\n');
    expect(early.scanner.end()).toEqual({ text: 'NO CARRIER', rest: latin1('') });
    const other = scan([latin1('\r\nNO CARRIER\r\n\r\nOK\r\n')], (scanner) => {
      scanner.watch(['OK', 'NO CARRIER']);
    });
    expect([other.data, other.scanner.end()?.text]).toEqual(['\r\nNO CARRIER\r\n', 'OK']);
  });

  test('holds no more than its limit behind an end', () => {
    const flood = `\r\nNO CARRIER\r\n${'\r\nRING\r\n'.repeat(80)}`;
    const { scanner, data } = scan(singly(flood));
    expect(data.length + scanner.heldBytes).toBe(flood.length);
    expect(scanner.heldBytes).toBeLessThanOrEqual(512);
  });

  const parts = fc
    .array(
      fc.constantFrom(
        '\r',
        '\n',
        '\r\n',
        '\r\nNO CARRIER\r\n',
        'NO CARRIER',
        '\r\nSRING: 1\r\n',
        '\r\nRING\r\n',
        'ab',
        'N',
      ),
      { maxLength: 14 },
    )
    .map((texts) => texts.join(''));

  test('property: nothing is lost, and chunks change nothing', () => {
    fc.assert(
      fc.property(chunked(parts), ({ text, chunks }) => {
        const [whole, cut, single] = [[latin1(text)], chunks, singly(text)].map((input) => {
          const { data, scanner, state } = scan(input);
          return { data, state, held: fromLatin1(scanner.release()) };
        });
        expect(whole!.data + whole!.held).toBe(text);
        expect(cut).toEqual(whole);
        expect(single).toEqual(whole);
      }),
      { numRuns: 500 },
    );
  });

  test('property: an end is whole exactly where the text ends in one, and only that is held', () => {
    fc.assert(
      fc.property(parts, (text) => {
        // The same said once more, as a regular expression over all that arrived.
        const end = /\r\nNO CARRIER\r\n(?:\r\n(?:RING|SRING: 1)\r\n)*$/.exec(text)?.[0];
        const { scanner, state } = scan([latin1(text)]);
        expect(state === 'whole').toBe(end !== undefined);
        if (end !== undefined) expect(fromLatin1(scanner.release())).toBe(end);
      }),
      { numRuns: 500 },
    );
  });
});
