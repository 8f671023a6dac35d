import { concatBytes, fromLatin1, hasCode, latin1 } from '@cellmux/port';
import { describe, expect, test } from 'vitest';
import { bench } from '../../test/scripted-module.ts';

describe('commands', () => {
  test('resolves with the information lines and leaves the gap before the next command', async () => {
    const { client, module, clock } = bench();
    module.answers.set('AT+CSQ', '\r\n+CSQ: 17,0\r\n\r\nOK\r\n');
    const first = client.command('AT+CSQ');
    const second = client.command('AT+CGMM');
    await clock.advance(0);
    expect(await first).toEqual({ lines: ['+CSQ: 17,0'], result: 'OK' });
    await clock.advance(19);
    expect(module.lines).toEqual(['AT+CSQ']);
    await clock.advance(1);
    expect(module.lines).toEqual(['AT+CSQ', 'AT+CGMM']);
    await second;
  });

  test('gives unsolicited lines between and behind the lines of a response', async () => {
    const { client, module, clock, urcs } = bench();
    module.answers.set('AT#SS', '\r\n#SS: 1,0\r\n\r\nSRING: 2\r\n#SS: 2,3\r\n\r\nOK\r\n\r\nNO CARRIER\r\n');
    const response = await clock.run(client.command('AT#SS'));
    expect(response.lines).toEqual(['#SS: 1,0', '#SS: 2,3']);
    expect(urcs.map(({ text }) => text)).toEqual(['SRING: 2', 'NO CARRIER']);
  });

  test('rejects with the number of a +CME ERROR, numeric and verbose in both spellings', async () => {
    const { client, module, clock } = bench();
    for (const detail of ['558', 'cannot resolve DN', 'can not resolve DN']) {
      module.answers.set('AT#SD=1,0,80,"x",0,0,1', `\r\n+CME ERROR: ${detail}\r\n`);
      await expect(clock.run(client.command('AT#SD=1,0,80,"x",0,0,1'))).rejects.toMatchObject({
        code: 'ERR_AT_CME',
        context: { cme: 558, text: 'cannot resolve DN' },
      });
    }
  });

  test('answers a prompt and reads counted payload that holds result codes', async () => {
    const { client, module, clock } = bench();
    module.answers.set(
      'AT#SSEND=1',
      module.prompt('ctrlZ', (text) => (text === 'hello\x1a' ? '\r\nOK\r\n' : '\r\nERROR\r\n')),
    );
    module.answers.set('AT#SRECV=1,20', '\r\n#SRECV: 1,12\r\n\r\nOK\r\nERROR\r\r\nOK\r\n');
    await clock.run(client.command('AT#SSEND=1', { prompt: { bytes: latin1('hello'), end: 'ctrlZ' } }));
    const received = client.command('AT#SRECV=1,20', {
      countedPayload: (line) => Number(/^#SRECV: 1,(\d+)$/.exec(line)?.[1]),
    });
    const { lines, payload } = await clock.run(received);
    expect(lines).toEqual(['#SRECV: 1,12']);
    expect(fromLatin1(payload!)).toBe('\r\nOK\r\nERROR\r');
  });

  test('takes a late answer for none of the next command', async () => {
    const { client, module, clock } = bench();
    module.answers.set('AT+COPS=?', undefined);
    module.answers.set('AT+CSQ', '\r\n+CSQ: 1,0\r\n\r\nOK\r\n');
    await expect(clock.run(client.command('AT+COPS=?', { timeoutMs: 1000 }))).rejects.toSatisfy((error: unknown) =>
      hasCode(error, 'ERR_AT_TIMEOUT'),
    );
    const next = client.command('AT+CSQ');
    module.say('\r\n+COPS: (2,"x")\r\n\r\nERROR\r\n');
    expect(await clock.run(next)).toEqual({ lines: ['+CSQ: 1,0'], result: 'OK' });
  });
});

describe('calls', () => {
  test('hands over the bytes right behind CONNECT and takes commands again behind NO CARRIER', async () => {
    const { client, module, clock, urcs } = bench();
    module.answers.set('ATD*99***1#', '\r\nCONNECT 115200\r\n\x7e\xff\x03');
    const call = await clock.run(client.connect('ATD*99***1#'));
    expect(call.connectText).toBe('115200');
    const chunks: Uint8Array[] = [];
    call.received$.subscribe((chunk) => chunks.push(chunk));
    module.say('data\r\nNO CARRIER\r\nis not the end\r\nNO CARRIER\r\n\r\nSRING: 2\r\n');
    expect(await clock.run(call.ended)).toEqual({ reason: 'noCarrier', text: 'NO CARRIER' });
    expect(fromLatin1(concatBytes(chunks))).toBe('\x7e\xff\x03data\r\nNO CARRIER\r\nis not the end');
    expect(urcs.map(({ text }) => text)).toEqual(['SRING: 2']);
    module.answers.clear();
    await clock.run(client.command('AT'));
  });

  test('escapes after the guard time', async () => {
    const { client, module, clock } = bench();
    module.answers.set('AT#SO=1', (script) => {
      script.commandMode = false;
      return '\r\nCONNECT\r\n';
    });
    const call = await clock.run(client.connect('AT#SO=1'));
    await clock.run(call.send(latin1('abc')));
    const escaped = call.escape();
    await clock.advance(1099);
    expect(module.heard).toBe('AT#SO=1\rabc');
    await clock.advance(1);
    expect(module.heard).toBe('AT#SO=1\rabc+++');
    await clock.advance(1000);
    module.say('\r\nOK\r\n');
    expect(await clock.run(escaped)).toBe('OK');
    expect(await call.ended).toEqual({ reason: 'escaped', text: 'OK' });
  });
});
