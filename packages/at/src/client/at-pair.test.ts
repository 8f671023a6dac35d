import { concatBytes, fromLatin1, latin1, memoryPair, pacedLine, type Port } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import { describe, expect, test } from 'vitest';
import { AtClient, AtServer, type CommandDeclaration, type DataPhase, type Urc } from '../index.ts';

/** A client and the module's side of this package on two ends of a line. */
function pair({ line }: { line?: (clock: VirtualClock) => { readonly dte: Port; readonly dce: Port } } = {}) {
  const clock = new VirtualClock();
  const { dte, dce } = line === undefined ? memoryPair() : line(clock);
  const phases: DataPhase[] = [];
  const received: Uint8Array[] = [];
  const online = async (
    context: Parameters<NonNullable<CommandDeclaration<object>['execute']>>[0],
  ): Promise<'OK' | 'NO CARRIER'> => {
    const phase = await context.connect('115200');
    phases.push(phase);
    phase.received$.subscribe((chunk) => received.push(chunk));
    const end = await phase.ended;
    return end === 'escaped' ? 'OK' : 'NO CARRIER';
  };
  const commands: CommandDeclaration<object>[] = [
    { name: 'D', execute: (context) => online(context) },
    {
      name: '#SO',
      parameters: [{ kind: 'integer', name: 'connId', ranges: [[1, 6]] }],
      set: (context) => online(context),
    },
    {
      name: '#SS',
      execute: (context) => {
        for (let connId = 1; connId <= 6; connId++) context.info(`#SS: ${connId},0`);
        return 'OK';
      },
    },
    {
      name: '#SRECV',
      parameters: [{ kind: 'integer', name: 'count', ranges: [[1, 1500]] }],
      set: (context, [count]) => {
        context.info(`#SRECV: 1,${count}`);
        context.raw(payload.subarray(0, Number(count)));
        context.raw(latin1('\r\n'));
        return 'OK';
      },
    },
    {
      name: '#SSEND',
      parameters: [{ kind: 'integer', name: 'connId', ranges: [[1, 6]] }],
      set: async (context) => {
        const text = await context.prompt({ kind: 'ctrlZ', maximumBytes: 1020 });
        if (text === undefined) return 'ERROR';
        received.push(text);
        return 'OK';
      },
    },
    {
      name: '#SSENDEXT',
      parameters: [
        { kind: 'integer', name: 'connId', ranges: [[1, 6]] },
        { kind: 'integer', name: 'count', ranges: [[1, 1500]] },
      ],
      set: async (context, [, count]) => {
        const text = await context.prompt({ kind: 'counted', bytes: Number(count) });
        received.push(text ?? new Uint8Array());
        return 'OK' as const;
      },
    },
  ];
  const server = new AtServer(dce, commands, { session: {}, clock });
  const client = new AtClient(dte, { clock });
  const urcs: Urc[] = [];
  client.urcs$.subscribe((urc) => urcs.push(urc));
  return { clock, server, client, urcs, phases, received: () => fromLatin1(concatBytes(received.splice(0))) };
}

/** Octets of every kind, results and prompts among them. */
const payload = concatBytes([
  Uint8Array.from({ length: 256 }, (_, octet) => octet),
  latin1('\r\nOK\r\n\r\nNO CARRIER\r\n\r\n> \r\nERROR\r\n+++'),
  Uint8Array.from({ length: 1200 }, (_, index) => (index * 7) & 0xff),
]);

const lines = {
  'a memory pair': undefined,
  'a line of 9600 Bd': (clock: VirtualClock) => pacedLine({ clock, baudRate: 9600 }),
};

describe.each(Object.entries(lines))('client and server on %s', (_, line) => {
  test.each([
    ['echo on', ['ATE1V1']],
    ['echo off', ['ATE0V1']],
    ['echo on, numeric results', ['ATE1V0']],
    ['echo off, numeric results', ['ATE0V0']],
  ])('understand each other with %s', async (_name, setUp) => {
    const { clock, client, urcs, received } = pair({ line });
    for (const command of setUp) await clock.run(client.command(command));
    const status = await clock.run(client.command('AT#SS'));
    expect(status.lines).toEqual([1, 2, 3, 4, 5, 6].map((connId) => `#SS: ${connId},0`));
    const response = await clock.run(
      client.command('AT#SRECV=1400', { countedPayload: (text) => Number(text.slice(10)) }),
    );
    expect(response.payload).toEqual(payload.subarray(0, 1400));
    const bytes = payload.subarray(0, 500);
    await clock.run(client.command('AT#SSENDEXT=1,500', { prompt: { bytes, end: 'counted' } }));
    expect(received()).toBe(fromLatin1(bytes));
    await clock.run(client.command('AT#SSEND=1', { prompt: { bytes: latin1('hello\r\nOK\r\n'), end: 'ctrlZ' } }));
    expect(received()).toBe('hello\r\nOK\r\n');
    await expect(clock.run(client.command('AT#SSENDEXT=9,9'))).rejects.toMatchObject({ code: 'ERR_AT_ERROR' });
    expect(urcs).toEqual([]);
  });

  test('carry a call, escape from it, and end one', async () => {
    const { clock, client, server, phases, urcs, received } = pair({ line });
    await clock.run(client.command('ATE0&C1'));
    const call = await clock.run(client.connect('AT#SO=1'));
    expect(call.connectText).toBe('115200');
    const chunks: Uint8Array[] = [];
    call.received$.subscribe((chunk) => chunks.push(chunk));
    await clock.run(Promise.all([phases[0]!.send(payload), call.send(payload)]));
    void server.urc('SRING: 2');
    expect(await clock.run(call.escape())).toBe('OK');
    expect(fromLatin1(concatBytes(chunks))).toBe(fromLatin1(payload));
    expect(received()).toBe(fromLatin1(payload));
    await clock.run(client.command('AT#SS'));
    expect(urcs).toEqual([{ text: 'SRING: 2' }]);

    const second = await clock.run(client.connect('ATD*99***1#'));
    chunks.length = 0;
    second.received$.subscribe((chunk) => chunks.push(chunk));
    await clock.run(phases[1]!.send(latin1('bye\r\nNO CARRIER\r\n')));
    await clock.advance(5000);
    expect(second.isClosed).toBe(false);
    void phases[1]!.close();
    expect(await clock.run(second.ended)).toEqual({ reason: 'noCarrier', text: 'NO CARRIER' });
    expect(fromLatin1(concatBytes(chunks))).toBe('bye\r\nNO CARRIER\r\n');
    await clock.run(client.command('AT'));
  });

  test('end a call by DTR under &D2', async () => {
    const { clock, client } = pair({ line });
    await clock.run(client.command('ATE0&C1&D2'));
    const call = await clock.run(client.connect('ATD*99***1#'));
    expect(await clock.run(call.escape({ by: 'dtr' }))).toBe('NO CARRIER');
    await clock.run(client.command('AT'));
  });
});
