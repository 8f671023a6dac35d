import { GENERIC_AT_PROFILE } from './at-profile.ts';
import { getEventListeners } from 'node:events';
import { concatBytes, fromLatin1, latin1, type CellmuxError } from '@cellmux/port';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cutAt } from '../../test/chunks.ts';
import { bench, type Bench } from '../../test/scripted-module.ts';
import type { AtClientOptions } from './at-client.ts';
import type { ConnectOptions } from './command-options.ts';
import type { DataCall } from './data-call.ts';

interface CallBench extends Bench {
  readonly call: DataCall;
  /** All that the call has received. */
  readonly received: () => string;
}

/** A call that is up; with `dcd` on a line whose DCD follows the carrier. */
async function inCall({
  dcd = false,
  line = 'ATD*99***1#',
  connect = {},
  options = {},
}: { dcd?: boolean; line?: string; connect?: ConnectOptions; options?: AtClientOptions } = {}): Promise<CallBench> {
  const all = bench(options);
  all.module.answers.set(line, (module) => {
    module.commandMode = false;
    if (dcd) void module.port.setCircuits({ dcd: true });
    return '\r\nCONNECT\r\n';
  });
  const call = await all.clock.run(all.client.connect(line, connect));
  all.module.heard = '';
  const chunks: Uint8Array[] = [];
  call.received$.subscribe({ next: (chunk) => chunks.push(chunk), error: () => undefined });
  return { ...all, call, received: () => fromLatin1(concatBytes(chunks)) };
}

describe('CONNECT', () => {
  test('hands over the bytes right behind it, kept until somebody subscribes', async () => {
    const { client, module, clock } = bench();
    const modes: string[] = [];
    client.mode$.subscribe((mode) => modes.push(mode));
    module.answers.set('ATD*99***1#', '\r\nCONNECT 115200\r\n\n\x7e\xff');
    const call = await clock.run(client.connect('ATD*99***1#'));
    module.say('\x03');
    await clock.advance(0);
    expect(call.connectText).toBe('115200');
    let text = '';
    call.received$.subscribe((chunk) => (text += fromLatin1(chunk)));
    expect(text).toBe('\n\x7e\xff\x03');
    expect(modes).toEqual(['command', 'data']);
  });

  test('property: nothing is lost or added at the hand-over, in any chunks', async () => {
    const data = fc
      .array(
        fc.constantFrom('\r', '\n', '\r\n', '\r\nOK\r\n', '\r\nNO CARRIER\r\n', '\r\nCONNECT\r\n', '> ', '\x7e', 'x'),
        {
          minLength: 1,
          maxLength: 8,
        },
      )
      .map((parts) => `${parts.join('')}!`);
    await fc.assert(
      fc.asyncProperty(data, fc.array(fc.nat(60), { maxLength: 6 }), fc.boolean(), async (text, cuts, numeric) => {
        const { client, module, clock } = bench();
        const bytes = `${numeric ? '1\r' : '\r\nCONNECT 9600\r\n'}${text}`;
        module.answers.set('ATD1', (script) => {
          script.commandMode = false;
          for (const chunk of cutAt(
            bytes,
            cuts.map((cut) => Math.min(cut, bytes.length)),
          ))
            script.say(chunk);
          return undefined;
        });
        const call = await clock.run(client.connect('ATD1'));
        let received = '';
        call.received$.subscribe((chunk) => (received += fromLatin1(chunk)));
        // What looks like an end with an unsolicited line begun behind it is held for a while.
        await clock.advance(250);
        expect(received).toBe(text);
      }),
      { numRuns: 100 },
    );
  });

  test('refuses commands meanwhile, and those that were waiting', async () => {
    const { client, module, clock } = bench();
    module.answers.set('ATD1', '\r\nCONNECT\r\n');
    const dialled = client.connect('ATD1');
    const waiting = client.command('AT').catch((error: unknown) => error);
    await clock.run(dialled);
    expect(await waiting).toMatchObject({ code: 'ERR_AT_IN_DATA_MODE' });
    await expect(client.command('AT')).rejects.toMatchObject({ code: 'ERR_AT_IN_DATA_MODE' });
  });

  test('behind a command that was not to make a call: it is left again', async () => {
    const { client, module, clock } = bench();
    module.answers.set('ATD1', (script) => {
      script.commandMode = false;
      clock.after(1100, () => {
        script.commandMode = true;
        script.say('\r\nOK\r\n');
      });
      return '\r\nCONNECT\r\n';
    });
    const error: unknown = await clock.run(client.command('ATD1').catch((reason: unknown) => reason));
    expect(error).toMatchObject({ code: 'ERR_AT_UNEXPECTED_CONNECT' });
    await clock.advance(1500);
    expect(module.heard).toBe('ATD1\r+++ATH\r');
    await clock.run(client.command('AT'));
  });

  test.each(['timeout', 'abort'])('that comes after a %s is hung up, and the next command works', async (how) => {
    const { client, module, clock } = bench();
    const abort = new AbortController();
    module.answers.set('ATD1', undefined);
    const dialled = client.connect('ATD1', { timeoutMs: 1000, signal: abort.signal }).catch((error: unknown) => error);
    await clock.advance(500);
    if (how === 'abort') abort.abort(new Error('enough'));
    await clock.advance(500);
    expect(await dialled).toMatchObject(how === 'abort' ? { message: 'enough' } : { code: 'ERR_AT_TIMEOUT' });
    expect(module.heard).toBe('ATD1\r\r');
    module.commandMode = false;
    module.say('\r\nCONNECT\r\ndata');
    await clock.advance(1200);
    expect(module.heard).toBe('ATD1\r\r+++');
    module.commandMode = true;
    module.say('\r\nOK\r\n');
    await clock.advance(1000);
    expect(module.lines).toEqual(['ATD1', 'ATH']);
    await clock.run(client.command('AT'));
  });

  test('NO CARRIER of a dial that was given up keeps step', async () => {
    const { client, module, clock, urcs } = bench();
    module.answers.set('ATD1', undefined);
    await clock.run(client.connect('ATD1', { timeoutMs: 1000 }).catch(() => undefined));
    module.say('\r\nNO CARRIER\r\n');
    await clock.advance(0);
    await clock.run(client.command('AT'));
    expect(module.lines).toEqual(['ATD1', 'AT']);
    expect(urcs).toEqual([]);
  });

  test('by itself is an unsolicited line, or a call where somebody waits for one', async () => {
    const { client, module, clock, urcs } = bench();
    module.say('\r\nCONNECT\r\n');
    await clock.advance(0);
    expect(urcs).toEqual([{ text: 'CONNECT' }]);
    const calls: DataCall[] = [];
    client.incomingCalls$.subscribe((call) => calls.push(call));
    module.say('\r\nCONNECT\r\nping');
    await clock.advance(0);
    let text = '';
    calls[0]!.received$.subscribe((chunk) => (text += fromLatin1(chunk)));
    expect([client.mode, text]).toEqual(['data', 'ping']);
  });
});

describe('the end by NO CARRIER', () => {
  test('on a line whose DCD says nothing: when nothing follows', async () => {
    const { call, module, clock, urcs, received, client } = await inCall();
    module.say('data\r\nNO CARRIER\r\nis not the end\r\nNO CARRIER\r\n');
    await clock.advance(150);
    module.say('nor this\r\nNO CARRIER\r\n\r\nSRING: 2\r\n');
    await clock.advance(199);
    expect(client.mode).toBe('data');
    await clock.advance(1);
    expect(await call.ended).toEqual({ reason: 'noCarrier', text: 'NO CARRIER' });
    expect(received()).toBe('data\r\nNO CARRIER\r\nis not the end\r\nNO CARRIER\r\nnor this');
    expect(urcs).toEqual([{ text: 'SRING: 2' }]);
    module.commandMode = true;
    await clock.run(client.command('AT'));
  });

  test('on a line whose DCD follows the carrier: only once DCD is off', async () => {
    const { call, module, clock, received, client } = await inCall({ dcd: true });
    module.say('data\r\nNO CARRIER\r\n');
    await clock.advance(10_000);
    expect([client.mode, received()]).toEqual(['data', 'data\r\nNO CARRIER\r\n']);
    module.say('more\r\nNO CARRIER\r\n');
    await clock.advance(0);
    await module.port.setCircuits({ dcd: false });
    expect(await clock.run(call.ended)).toEqual({ reason: 'noCarrier', text: 'NO CARRIER' });
    expect(received()).toBe('data\r\nNO CARRIER\r\nmore');
  });

  test.each(['', 'more'])('with DCD off that overtakes the last data, itself a NO CARRIER, then %j', async (more) => {
    const { call, module, clock, received, urcs } = await inCall({ dcd: true });
    module.say('data\r\nNO CARRIER\r\n');
    await clock.advance(0);
    await module.port.setCircuits({ dcd: false });
    await clock.advance(GENERIC_AT_PROFILE.dataBehindCarrierMs - 1);
    module.say(`${more}\r\nNO CARRIER\r\n`);
    expect(await clock.run(call.ended)).toEqual({ reason: 'noCarrier', text: 'NO CARRIER' });
    expect(received()).toBe(`data\r\nNO CARRIER\r\n${more}`);
    expect(urcs).toEqual([]);
  });

  test('holds back what is sent once DCD is off: its sender is told, or it leaves when DCD is on again', async () => {
    for (const comesBack of [false, true]) {
      const { call, module, clock } = await inCall({ dcd: true });
      await call.send(latin1('before'));
      await module.port.setCircuits({ dcd: false });
      const sent = call.send(latin1('behind')).catch((error: unknown) => error);
      await clock.advance(100);
      expect(module.heard).toBe('before');
      if (comesBack) await module.port.setCircuits({ dcd: true });
      await clock.advance(1000);
      if (comesBack) expect(await sent).toBeUndefined();
      else expect(await sent).toMatchObject({ code: 'ERR_PORT_CLOSED', context: { unsentBytes: 6 } });
      expect(module.heard).toBe(comesBack ? 'beforebehind' : 'before');
    }
  });

  test('with DCD off before the text, and without a text', async () => {
    for (const text of ['\r\nNO CARRIER\r\n', '']) {
      const { call, module, clock, received } = await inCall({ dcd: true });
      module.say('data\r');
      await clock.advance(0);
      await module.port.setCircuits({ dcd: false });
      await clock.advance(100);
      module.say(`\r\nmore${text}`);
      await clock.advance(199);
      if (text === '') expect(call.isClosed).toBe(false);
      await clock.advance(1);
      expect(await call.ended).toEqual({ reason: 'noCarrier', text: text.trim() });
      expect(received()).toBe('data\r\r\nmore');
    }
  });

  test('DCD that was on before the call says nothing', async () => {
    const { client, module, clock } = bench();
    await module.port.setCircuits({ dcd: true });
    module.answers.set('ATD1', '\r\nCONNECT\r\n');
    const call = await clock.run(client.connect('ATD1'));
    module.say('\r\nNO CARRIER\r\n');
    expect(await clock.run(call.ended)).toEqual({ reason: 'noCarrier', text: 'NO CARRIER' });
  });

  test('a line end at the end of what arrived is data after a short while', async () => {
    const { module, clock, received } = await inCall();
    module.say('220 ready\r\n');
    await clock.advance(19);
    expect(received()).toBe('220 ready');
    await clock.advance(1);
    expect(received()).toBe('220 ready\r\n');
  });

  test('while the call is paused lets the port go on', async () => {
    const { call, client, module, clock } = await inCall({ dcd: true });
    call.pause();
    module.say('rest\r\nNO CARRIER\r\n');
    await module.port.setCircuits({ dcd: false });
    await clock.advance(200);
    expect(await call.ended).toEqual({ reason: 'noCarrier', text: '' });
    module.commandMode = true;
    await clock.run(client.command('AT'));
  });

  test('completes received$ after the last byte, and takes back what the line has not taken', async () => {
    const { call, module, clock, client } = await inCall({ dcd: true });
    const log: string[] = [];
    call.received$.subscribe({ next: (chunk) => log.push(fromLatin1(chunk)), complete: () => log.push('complete') });
    module.port.pause();
    const sends = ['first', 'second', 'third'].map((text) =>
      call.send(latin1(text)).catch((error: unknown) => error as CellmuxError),
    );
    module.say('bye\r\nNO CARRIER\r\n');
    await module.port.setCircuits({ dcd: false });
    await clock.advance(50);
    expect(log).toEqual(['bye', 'complete']);
    expect(await sends[2]).toMatchObject({ code: 'ERR_PORT_CLOSED', context: { unsentBytes: 5 } });
    await expect(call.send(latin1('x'))).rejects.toMatchObject({
      code: 'ERR_PORT_CLOSED',
      context: { unsentBytes: 1 },
    });
    module.commandMode = true;
    module.port.resume();
    // What went out may lie in the module's line buffer: it is not taken for part of the next command.
    await clock.run(client.command('AT+CSQ'));
    expect(module.lines.at(-1)).toBe('AT+CSQ');
    expect(module.lines).toContain('ATS3?');
    expect(module.heard).not.toContain('third');
  });

  test('is known although the module took data for a command line and answered it', async () => {
    const { call, module, clock, client, urcs, received } = await inCall();
    await clock.run(call.send(latin1('GET / HTTP/1.1\r')));
    module.commandMode = true;
    module.say('x\r\nNO CARRIER\r\n\r\nERROR\r\n');
    module.type('Host');
    expect(await clock.run(call.ended)).toEqual({ reason: 'noCarrier', text: 'NO CARRIER' });
    expect(received()).toBe('x');
    module.answers.set('AT+CSQ', '\r\n+CSQ: 1,0\r\n\r\nOK\r\n');
    expect((await clock.run(client.command('AT+CSQ'))).lines).toEqual(['+CSQ: 1,0']);
    expect(module.lines.slice(1)).toEqual(['Host', 'ATS3?', 'AT+CSQ']);
    expect(urcs).toEqual([]);
  });

  test('costs no probe when nothing was under way', async () => {
    const { call, module, clock, client } = await inCall();
    await clock.run(call.send(latin1('bye')));
    await clock.advance(2000);
    module.commandMode = true;
    module.say('\r\nNO CARRIER\r\n');
    await clock.run(call.ended);
    await clock.run(client.command('AT'));
    expect(module.lines.slice(1)).toEqual(['AT']);
  });

  test('lets a command be sent as soon as it is known', async () => {
    const { call, client, module, clock } = await inCall();
    let answered: Promise<unknown> | undefined;
    call.received$.subscribe({
      complete: () => {
        answered = client.command('AT');
      },
    });
    module.commandMode = true;
    module.say('\r\nNO CARRIER\r\n');
    await clock.advance(1000);
    await answered;
  });
});

describe('escape', () => {
  test('waits for the guard time behind the last data, then for the answer', async () => {
    const { call, module, clock, client, received } = await inCall({ line: 'AT#SO=1' });
    await clock.run(call.send(latin1('abc')));
    const escaped = call.escape();
    await expect(call.send(latin1('no'))).rejects.toMatchObject({ code: 'ERR_PORT_CLOSED' });
    await clock.advance(1099);
    expect(module.heard).toBe('abc');
    await clock.advance(1);
    expect(module.heard).toBe('abc+++');
    module.say('late data');
    await clock.advance(1000);
    module.say('\r\nOK\r\n\r\nSRING: 1\r\n');
    expect(await clock.run(escaped)).toBe('OK');
    expect(await call.ended).toEqual({ reason: 'escaped', text: 'OK' });
    expect(received()).toBe('late data');
    expect(client.mode).toBe('command');
    expect(await call.escape()).toBe('OK');
  });

  test('right behind CONNECT needs no guard time before it', async () => {
    const { call, module, clock } = await inCall();
    void call.escape();
    await clock.advance(0);
    expect(module.heard).toBe('+++');
  });

  test('is not answered by an OK within the data', async () => {
    const { call, module, clock, received } = await inCall({ line: 'AT#SO=1' });
    const escaped = call.escape();
    await clock.advance(10);
    module.say('250\r\nOK\r\n');
    await clock.advance(990);
    module.say('\r\nOK\r\n');
    expect(await clock.run(escaped)).toBe('OK');
    expect(received()).toBe('250\r\nOK\r\n');
  });

  test('is answered by OK although the suspended socket ends at once', async () => {
    for (const dcd of [false, true]) {
      const { call, module, clock, urcs, received } = await inCall({ line: 'AT#SO=1', dcd });
      const escaped = call.escape();
      await clock.advance(1010);
      module.say('x\r\nOK\r\n\r\nNO CARRIER\r\n');
      await clock.advance(0);
      if (dcd) await module.port.setCircuits({ dcd: false });
      expect(await clock.run(escaped)).toBe('OK');
      expect([received(), urcs]).toEqual(['x', [{ text: 'NO CARRIER' }]]);
    }
  });

  test('is answered by NO CARRIER although the data ended in an OK', async () => {
    const { call, module, clock, urcs, received } = await inCall({ line: 'AT#SO=1' });
    const escaped = call.escape();
    await clock.advance(10);
    module.say('250\r\nOK\r\n');
    await clock.advance(500);
    module.say('\r\nNO CARRIER\r\n');
    expect(await clock.run(escaped)).toBe('NO CARRIER');
    expect([received(), urcs]).toEqual(['250\r\nOK\r\n', []]);
  });

  test('ends in NO CARRIER where the command does', async () => {
    const { call, module, clock } = await inCall({ line: 'AT#FTPPUT="f"' });
    const escaped = call.escape();
    await clock.advance(1050);
    module.say('\r\nNO CARRIER\r\n');
    expect(await clock.run(escaped)).toBe('NO CARRIER');
    expect(await call.ended).toEqual({ reason: 'noCarrier', text: 'NO CARRIER' });
  });

  test('that is overtaken by NO CARRIER leaves nothing in the way of the next command', async () => {
    for (const behind of ['', '+++', 'later']) {
      const { call, module, clock, client } = await inCall({ line: 'AT#SO=1' });
      const escaped = call.escape();
      await clock.advance(0);
      module.commandMode = true;
      // The module was in command mode when the sequence came: it lies in its line buffer.
      module.type('+++');
      module.say(`\r\nNO CARRIER\r\n${behind === 'later' ? '' : behind}`);
      if (behind === 'later') {
        await clock.advance(1050);
        module.say('\r\nSRING: 2\r\n');
      }
      expect(await clock.run(escaped)).toBe('NO CARRIER');
      module.answers.set('AT+CSQ', '\r\n+CSQ: 1,0\r\n\r\nOK\r\n');
      expect((await clock.run(client.command('AT+CSQ'))).lines).toEqual(['+CSQ: 1,0']);
      expect(module.lines.at(-1)).toBe('AT+CSQ');
    }
  });

  test('that NO CARRIER makes needless is not sent', async () => {
    const { call, module, clock } = await inCall({ line: 'AT#SO=1' });
    await clock.run(call.send(latin1('abc')));
    const escaped = call.escape();
    await clock.advance(1000);
    module.say('\r\nNO CARRIER\r\n');
    expect(await clock.run(escaped)).toBe('NO CARRIER');
    expect(module.heard).toBe('abc');
  });

  test('is tried twice, then data mode goes on', async () => {
    const { call, module, clock, client, received } = await inCall();
    const failed = call.escape().catch((error: unknown) => error);
    expect(await clock.run(failed)).toMatchObject({ code: 'ERR_AT_ESCAPE_FAILED' });
    expect(module.heard).toBe('++++++');
    expect(client.mode).toBe('data');
    await clock.run(call.send(latin1('on')));
    module.say('still\r\nOK\r\n');
    await clock.advance(1000);
    expect(received()).toBe('still\r\nOK\r\n');
  });

  test('can be called off before the module was asked, and not afterwards', async () => {
    const { call, module, clock } = await inCall();
    await clock.run(call.send(latin1('abc')));
    const early = new AbortController();
    const first = call.escape({ signal: early.signal }).catch((error: unknown) => error);
    await clock.advance(500);
    early.abort(new Error('no'));
    expect(await first).toMatchObject({ message: 'no' });
    await clock.advance(5000);
    expect(module.heard).toBe('abc');
    await clock.run(call.send(latin1('d')));

    const late = new AbortController();
    const second = call.escape({ signal: late.signal }).catch((error: unknown) => error);
    await clock.advance(1200);
    late.abort(new Error('too late'));
    expect(await second).toMatchObject({ message: 'too late' });
    await clock.advance(1000);
    module.say('\r\nOK\r\n');
    expect(await clock.run(call.ended)).toEqual({ reason: 'escaped', text: 'OK' });
  });

  test('by DTR drops it, waits for the answer and raises it again', async () => {
    for (const [answer, reason] of [
      ['OK', 'dtr'],
      ['NO CARRIER', 'noCarrier'],
    ] as const) {
      const { call, module, clock } = await inCall({ dcd: true });
      const dtr: boolean[] = [];
      module.port.circuits$.subscribe((circuits) => dtr.push(circuits.dtr));
      const escaped = call.escape({ by: 'dtr' });
      await clock.advance(50);
      expect(module.port.circuits.dtr).toBe(false);
      void module.port.setCircuits({ dcd: false });
      module.say(`\r\n${answer}\r\n`);
      expect(await clock.run(escaped)).toBe(answer);
      expect(await call.ended).toEqual({ reason, text: answer });
      await clock.advance(0);
      expect(module.port.circuits.dtr).toBe(true);
      expect(module.heard).toBe('');
    }
  });

  test('gets through although the call is paused', async () => {
    const { call, module, clock } = await inCall();
    call.pause();
    const escaped = call.escape();
    await clock.advance(1000);
    module.say('x\r\nOK\r\n');
    expect(await clock.run(escaped)).toBe('OK');
  });
});

describe('close', () => {
  test('escapes and hangs up as the call was made', async () => {
    for (const [line, hangUp, last] of [
      ['ATD*99***1#', undefined, 'ATH'],
      ['AT#SO=1', undefined, undefined],
      ['AT#SO=1', 'AT#SH=1', 'AT#SH=1'],
      ['ATD1', false, undefined],
    ] as const) {
      const { call, module, clock, client } = await inCall({ line, connect: { hangUp } });
      const closed = Promise.all([call.close(), call.close()]);
      await clock.advance(1100);
      module.commandMode = true;
      module.say('\r\nOK\r\n');
      await clock.run(closed);
      expect(module.lines.slice(1)).toEqual(last === undefined ? [] : [last]);
      expect(call.isClosed).toBe(true);
      await clock.run(client.command('AT'));
    }
  });

  test('does not hang up what has ended by itself', async () => {
    const { call, module, clock } = await inCall();
    const closed = call.close();
    await clock.advance(1050);
    module.commandMode = true;
    module.say('\r\nNO CARRIER\r\n');
    await clock.run(closed);
    await clock.advance(1000);
    expect(module.lines).toEqual(['ATD*99***1#']);
  });

  test('without an answer: the next command finds the module again', async () => {
    const { call, module, clock, client } = await inCall();
    await clock.run(call.close());
    expect(await call.ended).toEqual({ reason: 'closed', text: '' });
    module.heard = '';
    const next = client.command('AT+CSQ');
    await clock.advance(20 + 1100);
    expect(module.heard).toBe('+++');
    module.commandMode = true;
    module.say('\r\nOK\r\n');
    await clock.run(next);
  });

  test('can be hurried', async () => {
    const { call, module, clock } = await inCall();
    await clock.run(call.send(latin1('abc')));
    const abort = new AbortController();
    const closed = call.close({ signal: abort.signal });
    await clock.advance(10);
    abort.abort();
    await closed;
    expect(clock.now()).toBeLessThan(100);
    expect(module.heard).toBe('abc');
  });

  test('of the client closes the call first and leaves the port open', async () => {
    const { call, module, clock, client, pair } = await inCall();
    const closed = client.close();
    await clock.advance(1100);
    module.commandMode = true;
    module.say('\r\nOK\r\n');
    await clock.run(closed);
    expect(await call.ended).toMatchObject({ reason: 'escaped' });
    expect(module.lines).toEqual(['ATD*99***1#', 'ATH']);
    expect(pair.dte.isClosed).toBe(false);
    expect(clock.pendingTimers).toBe(0);
  });

  test('by the line: what is held is delivered, then the error', async () => {
    for (const failure of [new Error('unplugged'), undefined]) {
      const all = bench();
      all.module.answers.set('ATD1', '\r\nCONNECT\r\n');
      const call = await all.clock.run(all.client.connect('ATD1'));
      const log: string[] = [];
      call.received$.subscribe({
        next: (chunk) => log.push(fromLatin1(chunk)),
        error: () => log.push('error'),
        complete: () => log.push('complete'),
      });
      all.module.say('x\r\nNO CARR');
      await all.clock.advance(0);
      const escaping = call.escape().catch((error: unknown) => error);
      if (failure === undefined) await all.pair.dce.close();
      else all.pair.fail(failure);
      await all.clock.advance(0);
      expect(log).toEqual(['x', '\r\nNO CARR', failure === undefined ? 'complete' : 'error']);
      expect(await call.ended).toEqual({ reason: 'lineLost', text: '' });
      expect(await escaping).toMatchObject({ code: 'ERR_PORT_CLOSED' });
      expect(all.client.mode).toBe('closed');
      expect(all.clock.pendingTimers).toBe(0);
    }
  });
});

describe('data', () => {
  test('never becomes an escape sequence by accident', async () => {
    const { call, module, clock } = await inCall();
    const sent = call.send(latin1('+++'));
    await clock.advance(1099);
    expect(module.heard).toBe('++');
    await clock.run(sent);
    expect(module.heard).toBe('+++');
    await clock.advance(5000);
    module.heard = '';
    const both = Promise.all([call.send(latin1('+++')), call.send(latin1('a')), call.send(latin1('b'))]);
    await clock.advance(0);
    expect(module.heard).toBe('+++ab');
    await both;
    await clock.run(call.send(latin1('++++')));
    expect(module.heard).toBe('+++ab++++');
    await clock.advance(5000);
    module.heard = '';
    void call.send(latin1('+++'));
    await clock.advance(100);
    expect(module.heard).toBe('++');
    void call.send(latin1('a'));
    await clock.advance(0);
    expect(module.heard).toBe('+++a');
  });

  test('of a slow reader pauses the port, and of that port alone', async () => {
    const { client, module, clock } = bench();
    module.answers.set('ATD1', '\r\nCONNECT\r\n');
    const call = await clock.run(client.connect('ATD1', { backlogLimitBytes: 1000 }));
    let taken = 0;
    for (let index = 0; index < 20; index++) void module.port.send(new Uint8Array(100)).then(() => taken++);
    await clock.advance(0);
    expect(taken).toBeLessThan(12);
    let received = 0;
    const subscription = call.received$.subscribe((chunk) => (received += chunk.length));
    await clock.advance(0);
    expect([taken, received]).toEqual([20, 2000]);
    call.pause();
    void module.port.send(new Uint8Array(100)).then(() => taken++);
    await clock.advance(0);
    expect(taken).toBe(20);
    call.resume();
    await clock.advance(0);
    expect([taken, received]).toEqual([21, 2100]);
    subscription.unsubscribe();
  });

  test('leaves in order and rejects with the reason of an abort', async () => {
    const { call, module, clock } = await inCall();
    module.port.pause();
    const abort = new AbortController();
    const first = call.send(latin1('first'));
    const second = call.send(latin1('second'), { signal: abort.signal });
    const third = call.send(latin1('third'));
    const reason = new Error('enough');
    abort.abort(reason);
    await expect(second).rejects.toBe(reason);
    await expect(call.send(latin1('x'), { signal: abort.signal })).rejects.toBe(reason);
    module.port.resume();
    await clock.run(Promise.all([first, third]));
    expect(module.heard).toBe('firstthird');
    const { signal } = new AbortController();
    await clock.run(Promise.all([call.send(latin1('a'), { signal }), call.send(latin1('b'), { signal })]));
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  test('of many octets leaves in parts, and the rest of it is taken back at the end', async () => {
    const { call, module, clock } = await inCall({ dcd: true });
    const sent = call.send(new Uint8Array(20_000)).catch((error: unknown) => error);
    module.port.pause();
    module.say('\r\nNO CARRIER\r\n');
    await module.port.setCircuits({ dcd: false });
    await clock.advance(50);
    const error = await sent;
    expect(error).toMatchObject({ code: 'ERR_PORT_CLOSED' });
    module.port.resume();
    await clock.advance(0);
    const { unsentBytes } = (error as CellmuxError).context;
    expect(module.heard.length).toBeGreaterThan(0);
    expect(module.heard.length).toBeLessThanOrEqual(20_000 - Number(unsentBytes));
    expect(Number(unsentBytes)).toBeGreaterThan(10_000);
  });
});
