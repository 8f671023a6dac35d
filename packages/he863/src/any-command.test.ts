import { fromLatin1, memoryPair } from '@cellmux/port';
import { settle, VirtualClock } from '@cellmux/port/testing';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { VirtualHe863 } from './index.ts';
import { LineHost } from './testing/line-host.ts';

const NAMES = [
  ...['+CGDCONT', '+CGACT', '+CGATT', '+CGPADDR', '+CGQMIN', '+CGQREQ', '+CGEQMIN', '+CGEQREQ', '+CGEREP'],
  ...['+CREG', '+CGREG', '+CSQ', '+CPIN', '+COPS', '+CMEE', '+IFC', '+IPR', '+ICF', '+FCLASS', '+CGMI', '+GCAP'],
  ...['#SKIPESC', '#E2ESC', '#SELINT', '#SGACT', '#SCFG', '#SCFGEXT', '#SS', '#SI', '#SH', '#SO', '#SA', '#SRECV'],
  ...['#FRWL', '#TCPMAXDAT', '#PADFWD', '#PADCMD', '#BASE64', '#CGPADDR', '#SGACTCFG', '#SGACTAUTH', '#NOTHING'],
  ...[
    '#SSEND',
    '#SSENDEXT',
    '#ST',
    '#SLASTCLOSURE',
    '#FTPTO',
    '#FTPCLOSE',
    '#FTPTYPE',
    '#FTPMSG',
    '#FTPPUT',
    '#FTPAPP',
  ],
  ...['#FTPGET', '#FTPGETPKT', '#FTPRECV', '#FTPREST', '#FTPLIST', '#FTPCWD', '#FTPPWD', '#FTPDELE', '#FTPFSIZE'],
  ...['#ESMTP', '#EADDR', '#EUSER', '#EPASSW', '#EMAILD', '#SEMAIL', '#EMAILACT', '#EMAILMSG', '#ESAV', '#ERST'],
  ...['#GPRS', '#USERID', '#PASSW', '#PKTSZ', '#DSTO', '#SKTTO', '#SKTCT', '#SKTSET', '#SKTSAV', '#SKTRST', '+CLAC'],
];
const BASIC = [
  'E',
  'V',
  'Q',
  'X',
  'Z',
  '&F',
  '&W',
  '&P',
  '&C',
  '&D',
  '&K',
  '&V',
  'I',
  'H',
  'O',
  'A',
  'L',
  'M',
  'S0',
  'S2',
];

const argument = fc.oneof(
  fc.integer({ min: -1, max: 12 }).map(String),
  fc.constantFrom('', '"IP"', '"0.0.0.0"', '"255.255.0.0"', '"', 'x', '65535', '99999999999', '"0E0"', '0x1'),
  fc.string({ maxLength: 6 }),
);
const tail = fc.oneof(
  fc.constantFrom('', '?', '=?', '='),
  fc.array(argument, { minLength: 1, maxLength: 8 }).map((all) => `=${all.join(',')}`),
);
const command = fc.oneof(
  fc.tuple(fc.constantFrom(...NAMES), tail).map((parts) => parts.join('')),
  fc
    .tuple(fc.constantFrom(...BASIC), fc.constantFrom('', '0', '1', '2', '9', '?', '=1', '=300'))
    .map((parts) => parts.join('')),
);
const FINAL = /(?:^|[^])(?:OK|ERROR|NO CARRIER|\+CME ERROR: [^\r]+)\r\n$/;

function served(seed = 1) {
  const clock = new VirtualClock();
  const module = new VirtualHe863({ clock, seed, machineNames: false });
  const failures: unknown[] = [];
  module.events$.subscribe((event) => {
    if (event.type === 'handlerFailed') failures.push(event.error);
  });
  const { dte, dce } = memoryPair();
  module.serve(dce);
  return { clock, module, failures, host: new LineHost(dte) };
}

describe('any command', () => {
  test('in any form, with any parameters, gets one final result, and no handler fails', async () => {
    const { clock, module, failures, host } = served();
    onTestFinished(() => module.close());
    await fc.assert(
      // Not those that change how results look.
      fc.asyncProperty(
        fc.array(
          command.filter((text) => !/^[VQZ]/.test(text)),
          { minLength: 1, maxLength: 3 },
        ),
        async (commands) => {
          // From a known state: whatever was set before, also by the profile.
          await host.ask('AT\x20&F0E0\r');
          await host.heard();
          const line = `AT${commands.join(';')}`.replace(/[\r\n]/g, ' ');
          await host.say(`${line}\r`);
          await clock.advance(200);
          let said = await host.heard();
          while (said.endsWith('\r\n> ')) {
            await host.say('\x1b');
            await clock.advance(200);
            said += await host.heard();
          }
          expect(said).toMatch(FINAL);
          expect(failures).toEqual([]);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('whatever octets come, in whatever chunks, the answers are the same', async () => {
    const input = fc.array(
      fc.oneof(
        command.map((text) => `AT${text}\r`),
        fc.uint8Array({ maxLength: 20 }).map(fromLatin1),
      ),
      { maxLength: 6 },
    );
    await fc.assert(
      fc.asyncProperty(input, fc.array(fc.integer({ min: 1, max: 11 }), { minLength: 1 }), async (parts, sizes) => {
        const text = parts.join('');
        const answers: string[] = [];
        for (const split of [false, true]) {
          const { module, host, failures } = served();
          for (let offset = 0, turn = 0; offset < text.length; turn++) {
            const size = split ? (sizes[turn % sizes.length] as number) : text.length;
            await host.say(text.slice(offset, offset + size));
            offset += size;
          }
          for (let turn = 0; turn < 10; turn++) await settle();
          answers.push(await host.heard());
          expect(failures).toEqual([]);
          await module.close();
        }
        expect(answers[1]).toBe(answers[0]);
      }),
      { numRuns: 80 },
    );
  });
});
