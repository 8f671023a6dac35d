import { fromLatin1, latin1 } from '@cellmux/port';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cutAt, singly } from '../../test/chunks.ts';
import { commandLineFacts } from './command-line.ts';
import { ResponseParser, type ResponseEvent, type RunningCommand } from './response-parser.ts';
import { STANDARD_URCS, UrcTable } from './urc-table.ts';

/** Events in one line each, for people. */
function show(event: ResponseEvent): string {
  switch (event.kind) {
    case 'echo':
    case 'prompt':
      return event.kind;
    case 'information':
    case 'connect':
      return `${event.kind} ${event.text}`;
    case 'urc':
      return `urc ${event.text}${event.payload === undefined ? '' : `<${fromLatin1(event.payload)}>`}`;
    case 'payload':
      return `payload ${fromLatin1(event.bytes)}`;
    case 'final':
      return `final ${event.result.text}`;
    case 'discarded':
      return `discarded ${event.byteCount}`;
  }
}

function running(line: string, more: Partial<RunningCommand> = {}): RunningCommand {
  return { line, ...commandLineFacts(line), ...more };
}

/** Reads as the client does: behind its final result a command runs no more. */
function read(command: RunningCommand | undefined, chunks: readonly Uint8Array[], parser = new ResponseParser()) {
  if (command !== undefined) parser.begin(command);
  const events: string[] = [];
  for (const chunk of chunks) {
    parser.push(chunk);
    for (let event = parser.next(); event !== undefined; event = parser.next()) {
      events.push(show(event));
      if (event.kind === 'final') parser.end();
    }
  }
  return events;
}

const countSrecv = (line: string): number | undefined => {
  const count = /^#SRECV: \d,(\d+)$/.exec(line)?.[1];
  return count === undefined ? undefined : Number(count);
};

describe('ResponseParser', () => {
  test.each<[name: string, command: RunningCommand | undefined, bytes: string, events: string[]]>([
    ['OK alone', running('AT'), '\r\nOK\r\n', ['final OK']],
    [
      'echo on',
      running('AT+CSQ'),
      'AT+CSQ\r\r\n+CSQ: 1,0\r\n\r\nOK\r\n',
      ['echo', 'information +CSQ: 1,0', 'final OK'],
    ],
    ['echo behind what was left in the line buffer', running('AT+CSQ'), '+++AT+CSQ\r\r\nOK\r\n', ['echo', 'final OK']],
    ['numeric results', running('AT+CSQ'), 'AT+CSQ\r+CSQ: 1,0\r\n0\r', ['echo', 'information +CSQ: 1,0', 'final OK']],
    ['text that begins with AT', running('ATI'), '\r\nATMEL\r\n\r\nOK\r\n', ['information ATMEL', 'final OK']],
    ['a numeric result alone', running('AT'), '4\r', ['final ERROR']],
    [
      'a single digit of a verbose response is information',
      running('ATS0?'),
      '\r\n0\r\n\r\nOK\r\n',
      ['information 0', 'final OK'],
    ],
    [
      'a list in one block',
      running('AT#SS'),
      '\r\n#SS: 1,0\r\n#SS: 2,0\r\n\r\nOK\r\n',
      ['information #SS: 1,0', 'information #SS: 2,0', 'final OK'],
    ],
    [
      'unsolicited lines glued behind OK',
      running('AT#SA=2,1'),
      '\r\nOK\r\n\r\nSRING: 2,86\r\n\r\nNO CARRIER\r\n',
      ['final OK', 'urc SRING: 2,86', 'urc NO CARRIER'],
    ],
    [
      'unsolicited lines between the lines of a response',
      running('AT#SS'),
      '\r\n#SS: 1,0\r\n\r\nSRING: 3\r\n\r\n#SS: 2,0\r\n\r\nRING\r\n\r\nOK\r\n',
      ['information #SS: 1,0', 'urc SRING: 3', 'information #SS: 2,0', 'urc RING', 'final OK'],
    ],
    ['NO CARRIER of a socket', running('AT#SRECV=1,9'), '\r\nNO CARRIER\r\n\r\nOK\r\n', ['urc NO CARRIER', 'final OK']],
    [
      'NO CARRIER with connId and cause',
      running('AT#SO=1'),
      '\r\nNO CARRIER:2,1\r\n\r\nNO CARRIER\r\n',
      ['urc NO CARRIER:2,1', 'final NO CARRIER'],
    ],
    ['NO CARRIER to a dial', running('ATD*99***1#'), '\r\nNO CARRIER\r\n', ['final NO CARRIER']],
    ['NO DIAL TONE', running('ATD1'), '\r\nNO DIAL TONE\r\n', ['final NO DIAL TONE']],
    ['BUSY while something else runs', running('AT+CSQ'), '\r\nBUSY\r\n\r\nOK\r\n', ['information BUSY', 'final OK']],
    [
      'a line with its own prefix is the answer, in its unsolicited form it is not',
      running('AT+CREG?'),
      '\r\n+CREG: 5\r\n\r\n+CREG: 0,1\r\n\r\n+CREG: 1,"00A1","0B2C"\r\n\r\nOK\r\n',
      ['urc +CREG: 5', 'information +CREG: 0,1', 'urc +CREG: 1,"00A1","0B2C"', 'final OK'],
    ],
    [
      '#SGACT as the answer and by itself',
      running('AT#SGACT=1,1'),
      '\r\n#SGACT: 10.0.0.1\r\n\r\nOK\r\n\r\n#SGACT: 10.0.0.2\r\n',
      ['information #SGACT: 10.0.0.1', 'final OK', 'urc #SGACT: 10.0.0.2'],
    ],
    [
      'a named line of another command is unsolicited, known or not',
      running('AT+CSQ'),
      '\r\n+QIND: 1\r\n\r\n+CSQ: 1,0\r\n\r\nOK\r\n',
      ['urc +QIND: 1', 'information +CSQ: 1,0', 'final OK'],
    ],
    ['text without a name', running('AT+CGMM'), '\r\nHE863-EUG\r\n\r\nOK\r\n', ['information HE863-EUG', 'final OK']],
    [
      'chained commands',
      running('AT+CSQ;#SS=1;+CREG?'),
      '\r\n+CSQ: 1,0\r\n\r\n#SS: 1,0\r\n\r\n+CREG: 0,1\r\n\r\nOK\r\n',
      ['information +CSQ: 1,0', 'information #SS: 1,0', 'information +CREG: 0,1', 'final OK'],
    ],
    [
      '+CME ERROR and +CMS ERROR',
      running('AT+CPIN?'),
      '\r\n+CME ERROR: SIM busy\r\n\r\n+CMS ERROR: 500\r\n',
      ['final +CME ERROR: SIM busy', 'final +CMS ERROR: 500'],
    ],
    [
      'counted payload that holds results and a prompt',
      running('AT#SRECV=1,99', { countedPayload: countSrecv }),
      '\r\n#SRECV: 1,26\r\n\r\nOK\r\n\r\nNO CARRIER\r\n\r\n> \r\n\r\n\r\nOK\r\n',
      ['information #SRECV: 1,26', 'payload \r\nOK\r\n\r\nNO CARRIER\r\n\r\n> \r\n', 'final OK'],
    ],
    [
      'counted payload of a numeric response',
      running('AT#SRECV=1,99', { countedPayload: countSrecv }),
      '#SRECV: 1,3\r\n\n0\r\r\n0\r',
      ['information #SRECV: 1,3', 'payload \n0\r', 'final OK'],
    ],
    ['a prompt', running('AT#SSEND=1', { prompt: true }), '\r\n> \r\nOK\r\n', ['prompt', 'final OK']],
    ['CONNECT with a rate', running('ATD1'), '\r\nCONNECT 115200\r\n', ['connect 115200']],
    ['a final line of its own', running('AT+X', { finalLines: ['SEND OK'] }), '\r\nSEND OK\r\n', ['final SEND OK']],
    ['nothing runs', undefined, '\r\nSRING: 1\r\n\r\nhello\r\n\r\nOK\r\n', ['urc SRING: 1', 'urc hello', 'final OK']],
  ])('%s', (_, command, bytes, events) => {
    expect(read(command, [latin1(bytes)])).toEqual(events);
    expect(read(command, singly(bytes))).toEqual(events);
  });

  test('takes a line that had begun before the command for none of its own', () => {
    const parser = new ResponseParser();
    parser.push(latin1('\r\nO'));
    expect(parser.next()).toBeUndefined();
    expect(read(running('AT+CSQ'), [latin1('K\r\n\r\n+CSQ: 2,0\r\n\r\nOK\r\n')], parser)).toEqual([
      'discarded 2',
      'information +CSQ: 2,0',
      'final OK',
    ]);
    parser.push(latin1('\r\nSRING'));
    parser.next();
    expect(read(running('AT'), [latin1(': 1\r\n\r\nOK\r\n')], parser)).toEqual(['urc SRING: 1', 'final OK']);
  });

  test('drops the echo of what was typed at the prompt, its Ctrl-Z included', () => {
    for (const result of ['0\r', '\r\nOK\r\n']) {
      const parser = new ResponseParser();
      const events = read(running('AT#SSEND=1', { prompt: true }), singly('AT#SSEND=1\r\r\n> '), parser);
      parser.promptAnswered(latin1('a\r\nOK\r\n'));
      for (const chunk of singly(`a\r\nOK\r\n\x1a${result}`)) {
        parser.push(chunk);
        for (let event = parser.next(); event !== undefined; event = parser.next()) events.push(show(event));
      }
      expect(events).toEqual(['echo', 'prompt', 'final OK']);
    }
  });

  test('reads unsolicited numeric results once the module was seen to answer in numbers', () => {
    const parser = new ResponseParser();
    expect(read(running('AT'), [latin1('0\r2\r3\r')], parser)).toEqual(['final OK', 'urc RING', 'urc NO CARRIER']);
    expect(read(running('ATV1'), [latin1('\r\nOK\r\n3\r')], parser)).toEqual(['final OK', 'urc 3']);
  });

  test('gives CONNECT its data, whether its line feed is there or not', () => {
    for (const [bytes, rest] of [
      ['\r\nCONNECT\r\n\n~', { bytes: latin1('\n~'), lineFeedPending: false }],
      ['\r\nCONNECT\r', { bytes: latin1(''), lineFeedPending: true }],
      ['1\r\n', { bytes: latin1('\n'), lineFeedPending: false }],
    ] as const) {
      const parser = new ResponseParser();
      parser.begin(running('ATD1'));
      parser.push(latin1(bytes));
      expect(parser.next()).toEqual({ kind: 'connect', text: '' });
      expect(parser.takeRest()).toEqual(rest);
    }
  });

  test('property: a response comes out as it was made, in any chunks, echo on or off, verbose or numeric', () => {
    const information = fc.constantFrom('+CSQ: 1,0', '#SS: 1,3,"a;b"', 'HE863', '#SRECV: 1', '031');
    const urc = fc.constantFrom('SRING: 1', 'SRING: 2,5', 'RING', 'NO CARRIER', 'NO CARRIER:3', '+CREG: 1', '#QSS: 1');
    const payload = fc
      .array(fc.constantFrom('\r\nOK\r\n', '\r\n', '\r', '\n', 'NO CARRIER', '> ', 'x', '\x00', '\xff'), {
        maxLength: 6,
      })
      .map((parts) => parts.join(''));
    const item = fc.oneof(
      information.map((text) => ({ text, event: [`information ${text}`], raw: '' })),
      urc.map((text) => ({ text, event: [`urc ${text}`], raw: '' })),
      payload.map((data) => ({
        text: `#SRECV: 1,${data.length}`,
        event: [`information #SRECV: 1,${data.length}`, `payload ${data}`],
        raw: `${data}\r\n`,
      })),
      payload.map((data) => ({
        text: `SRING: 1,${data.length},${data}`,
        event: [`urc SRING: 1,${data.length},<${data}>`],
        raw: '',
      })),
    );
    const result = fc.constantFrom(
      ['0', 'OK'],
      ['4', 'ERROR'],
      ['+CME ERROR: 555', '+CME ERROR: 555'],
      ['+CMS ERROR: SC busy', '+CMS ERROR: SC busy'],
    );
    const urcs = new UrcTable([
      {
        text: 'SRING:',
        countedUrc: (head) => {
          const count = /^SRING: \d,(\d+),$/.exec(head)?.[1];
          return count === undefined ? undefined : Number(count);
        },
      },
      ...STANDARD_URCS,
    ]);
    fc.assert(
      fc.property(
        fc.array(item, { maxLength: 6 }),
        result,
        fc.array(urc, { maxLength: 3 }),
        fc.record({ echo: fc.boolean(), verbose: fc.boolean(), block: fc.boolean() }),
        fc.array(fc.nat(400), { maxLength: 10 }),
        (items, [number, text], trailing, { echo, verbose, block }, cuts) => {
          const line = 'AT+CSQ;#SS;#SRECV=1,9';
          const header = verbose ? '\r\n' : '';
          const list = items.map((one, index) => `${block && index > 0 ? '' : header}${one.text}\r\n${one.raw}`);
          const bytes = [
            echo ? `${line}\r` : '',
            ...list,
            verbose ? `\r\n${text}\r\n` : `${number}\r`,
            ...trailing.map((one) => `\r\n${one}\r\n`),
          ].join('');
          const expected = [
            ...(echo ? ['echo'] : []),
            ...items.flatMap((one) => one.event),
            `final ${text}`,
            ...trailing.map((one) => `urc ${one}`),
          ];
          const command = running(line, { countedPayload: countSrecv });
          const places = cuts.map((cut) => Math.min(cut, bytes.length));
          expect(read(command, cutAt(bytes, places), new ResponseParser({ urcs }))).toEqual(expected);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('property: any octets are read to their end, and the next response is its own', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (noise, cut) => {
        const parser = new ResponseParser();
        read(undefined, [noise], parser);
        const tail = cut ? '\r' : '';
        read(undefined, [latin1(tail)], parser);
        const events = read(running('AT+CSQ'), [latin1('\r\n+CSQ: 9,0\r\n\r\nOK\r\n')], parser);
        expect(events.slice(-2)).toEqual(['information +CSQ: 9,0', 'final OK']);
      }),
    );
  });
});
