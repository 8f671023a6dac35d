import { fromLatin1, latin1, memoryPair, type Port } from '@cellmux/port';
import { settle, VirtualClock } from '@cellmux/port/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  AtServer,
  type AtServerOptions,
  type CommandDeclaration,
  type CommandResult,
  type DataPhase,
} from './index.ts';

interface Rig {
  readonly host: Port;
  readonly line: Port;
  readonly server: AtServer<object>;
  readonly clock: VirtualClock;
  /** What the host has got since the last call. */
  readonly heard: () => Promise<string>;
  readonly say: (text: string) => Promise<void>;
  /** What comes back on a text, when all has settled. */
  readonly ask: (text: string) => Promise<string>;
  readonly phases: DataPhase[];
}

function rig(
  commands: readonly CommandDeclaration<object>[] = [],
  options: Partial<AtServerOptions<object>> = {},
): Rig {
  const clock = new VirtualClock();
  const { dte, dce } = memoryPair();
  const phases: DataPhase[] = [];
  const own: CommandDeclaration<object>[] = [
    {
      name: '+CSQ',
      execute: (context) => {
        context.info('+CSQ: 21,0');
        return 'OK';
      },
    },
    {
      name: '+TWO',
      execute: (context) => {
        context.info('+TWO: 1');
        context.info('+TWO: 2');
        return 'OK';
      },
    },
    { name: '+BAD', execute: () => ({ cme: 556 }) },
    {
      name: '+THROW',
      execute: () => {
        throw new Error('boom');
      },
    },
    {
      name: '#SCFG',
      parameters: [
        { kind: 'integer', name: 'connId', ranges: [[1, 6]] },
        { kind: 'string', name: 'text', maximumLength: 10, default: 'none' },
        {
          kind: 'integer',
          name: 'step',
          ranges: [
            [0, 0],
            [64, 568, 8],
          ],
          default: 0,
        },
      ],
      set: (context, args) => {
        context.info(`${context.given}:${args.join('|')}`);
        return 'OK';
      },
    },
    {
      name: '#SEND',
      execute: async (context): Promise<CommandResult> => {
        const text = await context.prompt({ kind: 'ctrlZ', maximumBytes: 5 });
        context.info(text === undefined ? 'aborted' : fromLatin1(text));
        return 'OK';
      },
      set: async (context, [bytes]): Promise<CommandResult> => {
        const text = await context.prompt({ kind: 'counted', bytes: bytes as number });
        context.info(text === undefined ? 'aborted' : fromLatin1(text));
        return 'OK';
      },
      parameters: [{ kind: 'integer', name: 'n', ranges: [[1, 20]] }],
    },
    {
      name: 'D',
      execute: async (context) => {
        const phase = await context.connect();
        phases.push(phase);
        return (await phase.ended) === 'escaped' ? 'OK' : 'NO CARRIER';
      },
    },
    ...commands,
  ];
  const server = new AtServer<object>(dce, own, { session: {}, clock, ...options });
  let text = '';
  dte.received$.subscribe((chunk) => {
    text += fromLatin1(chunk);
  });
  const heard = async (): Promise<string> => {
    await settle();
    const all = text;
    text = '';
    return all;
  };
  const say = (line: string): Promise<void> => dte.send(latin1(line));
  return {
    host: dte,
    line: dce,
    server,
    clock,
    heard,
    say,
    ask: async (line) => {
      await say(line);
      await settle();
      return heard();
    },
    phases,
  };
}

/** A rig without echo. */
async function quiet(...args: Parameters<typeof rig>): Promise<Rig> {
  const made = rig(...args);
  await made.ask('ATE0\r');
  return made;
}

describe('command lines', () => {
  test('echo, E0, and the bare prefix', async () => {
    const { ask } = rig();
    expect(await ask('AT\r')).toBe('AT\r\r\nOK\r\n');
    expect(await ask('ate0\r')).toBe('ate0\r\r\nOK\r\n');
    expect(await ask('at\r')).toBe('\r\nOK\r\n');
  });

  test('information is framed once, also of two lines; V0 has numbers', async () => {
    const { ask } = await quiet();
    expect(await ask('AT+CSQ\r')).toBe('\r\n+CSQ: 21,0\r\n\r\nOK\r\n');
    expect(await ask('AT+TWO\r')).toBe('\r\n+TWO: 1\r\n+TWO: 2\r\n\r\nOK\r\n');
    expect(await ask('ATV0\r')).toBe('0\r');
    expect(await ask('AT+CSQ\r')).toBe('+CSQ: 21,0\r\n0\r');
    expect(await ask('AT+NONE\r')).toBe('4\r');
  });

  test('chains with and without semicolons, up to the first error', async () => {
    const { ask } = await quiet();
    expect(await ask('ATV1Q0S0=1+CSQ;S0?;+CSQ\r')).toBe('\r\n+CSQ: 21,0\r\n\r\n001\r\n\r\n+CSQ: 21,0\r\n\r\nOK\r\n');
    expect(await ask('AT+CSQ;+NONE;+CSQ\r')).toBe('\r\n+CSQ: 21,0\r\n\r\nERROR\r\n');
    expect(await ask('AT+CSQ;#SCFG=1,"a;+CSQ\r')).toBe('\r\n+CSQ: 21,0\r\n\r\nERROR\r\n');
  });

  test('spaces outside quotes do not count, inside they do', async () => {
    const { ask } = await quiet();
    expect(await ask('AT # SCFG = 2 , " a ;b" , 64\r')).toBe('\r\n3:2| a ;b|64\r\n\r\nOK\r\n');
    expect(await ask('AT#scfg=2,plain\r')).toBe('\r\n2:2|plain|0\r\n\r\nOK\r\n');
  });

  test('parameters are checked from the declaration, and the test form is made from it', async () => {
    const { ask } = await quiet();
    await ask('AT+CMEE=1\r');
    const refused = '\r\n+CME ERROR: 4\r\n';
    expect(await ask('AT#SCFG=7\r')).toBe(refused);
    expect(await ask('AT#SCFG=\r')).toBe(refused);
    expect(await ask('AT#SCFG=1,"elevenchars"\r')).toBe(refused);
    expect(await ask('AT#SCFG=1,,65\r')).toBe(refused);
    expect(await ask('AT#SCFG=1,,72\r')).toBe('\r\n3:1|none|72\r\n\r\nOK\r\n');
    expect(await ask('AT#SCFG=1,,0,0\r')).toBe(refused);
    expect(await ask('AT#SCFG=1x\r')).toBe(refused);
    expect(await ask('AT#SCFG=1,a"b"\r')).toBe(refused);
    expect(await ask('AT#SCFG?\r')).toBe(refused);
    expect(await ask('AT#SCFG=?\r')).toBe('\r\n#SCFG: (1-6),,(0,64-568)\r\n\r\nOK\r\n');
    expect(await ask('AT+CMEE=?;+CMEE?\r')).toBe('\r\n+CMEE: (0-2)\r\n\r\n+CMEE: 1\r\n\r\nOK\r\n');
  });

  test('+CMEE decides how an error is shown', async () => {
    const { ask } = await quiet();
    expect(await ask('AT+BAD\r')).toBe('\r\nERROR\r\n');
    expect(await ask('AT+CMEE=1;+BAD\r')).toBe('\r\n+CME ERROR: 556\r\n');
    expect(await ask('AT+CMEE=2;+BAD\r')).toBe('\r\n+CME ERROR: context not opened\r\n');
  });

  test('+CMS ERROR is shown in the same way', async () => {
    const { ask } = await quiet([{ name: '+CMGS', execute: () => ({ cms: 331 }) }]);
    expect(await ask('AT+CMGS\r')).toBe('\r\nERROR\r\n');
    expect(await ask('AT+CMEE=1;+CMGS\r')).toBe('\r\n+CMS ERROR: 331\r\n');
    expect(await ask('AT+CMEE=2;+CMGS\r')).toBe('\r\n+CMS ERROR: no network service\r\n');
  });

  test.each([
    [0, 'CONNECT', 'NO CARRIER', 'NO CARRIER'],
    [1, 'CONNECT 9600', 'NO CARRIER', 'NO CARRIER'],
    [2, 'CONNECT 9600', 'NO CARRIER', 'NO DIALTONE'],
    [3, 'CONNECT 9600', 'BUSY', 'NO CARRIER'],
    [4, 'CONNECT 9600', 'BUSY', 'NO DIALTONE'],
  ])('X%i decides what is told of a call', async (x, connect, busy, noDialtone) => {
    const { ask } = await quiet([
      { name: '+BUSY', execute: () => 'BUSY' },
      { name: '+DEAD', execute: () => 'NO DIALTONE' },
      {
        name: 'D',
        execute: async (context): Promise<CommandResult> => {
          await (await context.connect('9600')).close();
          return 'NO ANSWER';
        },
      },
    ]);
    await ask(`ATX${x}\r`);
    expect(await ask('AT+BUSY\r')).toBe(`\r\n${busy}\r\n`);
    expect(await ask('AT+DEAD\r')).toBe(`\r\n${noDialtone}\r\n`);
    expect(await ask('ATD1\r')).toBe(`\r\n${connect}\r\n\r\nNO ANSWER\r\n`);
  });

  test('A/ and AT#/ repeat at once', async () => {
    const { ask } = await quiet();
    await ask('AT+CSQ\r');
    expect(await ask('A/')).toBe('\r\n+CSQ: 21,0\r\n\r\nOK\r\n');
    expect(await ask('AT#/')).toBe('\r\n+CSQ: 21,0\r\n\r\nOK\r\n');
  });

  test('S3, S4, S5: terminator, format and erase characters', async () => {
    const { ask } = await quiet();
    expect(await ask('ATS3?S4?S5?\r')).toBe('\r\n013\r\n\r\n010\r\n\r\n008\r\n\r\nOK\r\n');
    expect(await ask('AT+CSX\bQ\r')).toBe('\r\n+CSQ: 21,0\r\n\r\nOK\r\n');
    expect(await ask('ATS3=33S4=35\r')).toBe('!#OK!#');
    expect(await ask('AT+CSQ!')).toBe('!#+CSQ: 21,0!#!#OK!#');
    expect(await ask('ATS12=5!')).toBe('!#ERROR!#');
  });

  test('a line longer than the buffer is ERROR and nothing of it runs', async () => {
    const { ask } = await quiet();
    const fits = `AT+CSQ;${'+CSQ;'.repeat(14)}`.padEnd(80, ';');
    expect((await ask(`${fits}\r`)).endsWith('\r\n\r\nOK\r\n')).toBe(true);
    expect(await ask(`${fits};\r`)).toBe('\r\nERROR\r\n');
    expect(await ask(`AT${'x'.repeat(100_000)}\r`)).toBe('\r\nERROR\r\n');
    expect(await ask('AT\r')).toBe('\r\nOK\r\n');
  });

  test('octets above 0x7F and open strings are errors, and it goes on', async () => {
    const { ask } = await quiet();
    expect(await ask('AT\xff\xe9\r')).toBe('\r\nERROR\r\n');
    expect(await ask('AT#SCFG=1,"open\r')).toBe('\r\nERROR\r\n');
    expect(await ask('\xc1\xd4\r')).toBe('');
    expect(await ask('AT#SCFG=1,"\xe9"\r')).toBe('\r\n2:1|\xe9|0\r\n\r\nOK\r\n');
  });

  test('a handler that throws is ERROR and an event', async () => {
    const { ask, server } = await quiet();
    const events: string[] = [];
    server.events$.subscribe((event) => events.push(event.type));
    expect(await ask('AT+THROW\r')).toBe('\r\nERROR\r\n');
    expect(events).toContain('handlerFailed');
  });

  test('profiles: &W, Z, &F, and Q1 silences results', async () => {
    const { ask } = rig();
    await ask('ATE0V0S0=3&W1\r');
    expect(await ask('AT&F\r')).toBe('\r\nOK\r\n');
    expect(await ask('AT\r')).toBe('AT\r\r\nOK\r\n');
    expect(await ask('ATZ1\r')).toBe('ATZ1\r0\r');
    expect(await ask('ATS0?\r')).toBe('003\r\n0\r');
    expect(await ask('ATQ2\r')).toBe('0\r');
    expect(await ask('ATQ1\r')).toBe('');
    expect(await ask('AT+CSQ\r')).toBe('+CSQ: 21,0\r\n');
  });
});

describe('prompts', () => {
  test('Ctrl-Z sends, ESC aborts, backspace erases, what is too long is dropped', async () => {
    const { ask } = await quiet();
    expect(await ask('AT#SEND\r')).toBe('\r\n> ');
    expect(await ask('hxx\b\bello, all\x1a')).toBe('\r\nhello\r\n\r\nOK\r\n');
    expect(await ask('AT#SEND\r')).toBe('\r\n> ');
    expect(await ask('AT\r\x1b')).toBe('\r\naborted\r\n\r\nOK\r\n');
  });

  test('counted text holds every octet, and what is behind it is the next line', async () => {
    const { ask } = await quiet();
    expect(await ask('AT#SEND=4\r\x1a\x1b\b\rAT\r')).toBe('\r\n> \r\n\x1a\x1b\b\r\r\n\r\nOK\r\n\r\nOK\r\n');
  });

  test('unsolicited lines wait for the end of the command, in order', async () => {
    const { ask, server, heard } = await quiet();
    await ask('AT#SEND\r');
    const said = server.urc('SRING: 1');
    void server.unsolicited((context) => {
      context.info('between');
      return 'silent';
    });
    void server.urc(latin1('NO CARRIER'));
    expect(await heard()).toBe('');
    expect(await ask('x\x1a')).toBe('\r\nx\r\n\r\nOK\r\n\r\nSRING: 1\r\n\r\nbetween\r\n\r\nNO CARRIER\r\n');
    await said;
  });
});

describe('data mode', () => {
  async function online(
    options?: Partial<AtServerOptions<object>>,
  ): Promise<Rig & { got: () => string; phase: DataPhase }> {
    const made = await quiet([], options);
    expect(await made.ask('ATD*99#\r')).toBe('\r\nCONNECT\r\n');
    const phase = made.phases[0] as DataPhase;
    let got = '';
    phase.received$.subscribe((chunk) => {
      got += fromLatin1(chunk);
    });
    return Object.assign(made, { got: () => got, phase });
  }

  test('bytes both ways, DCD on, and +++ with silence around it', async () => {
    const { say, clock, heard, got, phase, host } = await online();
    expect(host.circuits.dcd).toBe(true);
    await say('hello+++AT\r');
    await clock.advance(1000);
    await say('++');
    await clock.advance(100);
    await say('+');
    await clock.advance(999);
    await phase.send(latin1('NO CARRIER'));
    expect(await heard()).toBe('NO CARRIER');
    await clock.advance(1);
    expect(await heard()).toBe('\r\nOK\r\n');
    expect(got()).toBe('hello+++AT\r');
    expect(host.circuits.dcd).toBe(false);
    await expect(phase.send(latin1('late'))).rejects.toMatchObject({ code: 'ERR_PORT_CLOSED' });
    await say('AT\r');
    expect(await heard()).toBe('\r\nOK\r\n');
  });

  test.each([
    ['text right before', ['a', 0, '+++', 1500], 'a+++'],
    ['text right behind', [1500, '+++', 500, 'b', 1500], '+++b'],
    ['four', [1500, '++++', 1500], '++++'],
    ['too slow', [1500, '+', 1000, '+', 1000, '+', 1500], '+++'],
    ['two', [1500, '++', 1500], '++'],
    ['in the middle', [1500, 'a+++', 1500], 'a+++'],
  ] as const)('not an escape: %s', async (_name, script, expected) => {
    const { say, clock, heard, got, server } = await online();
    await say('x');
    for (const step of script) await (typeof step === 'string' ? say(step) : clock.advance(step));
    await settle();
    expect(got()).toBe(`x${expected}`);
    expect(await heard()).toBe('');
    expect(server.mode).toBe('data');
  });

  test('right behind CONNECT no silence is asked for; forwarded characters reach the receiver', async () => {
    const { say, clock, heard, got } = await online({ forwardEscape: () => true });
    await say('+++');
    await clock.advance(1000);
    expect(await heard()).toBe('\r\nOK\r\n');
    expect(got()).toBe('+++');
  });

  test('this side closes: what it has sent comes first', async () => {
    const { heard, phase } = await online();
    void phase.send(new Uint8Array(5000).fill(0x61));
    await phase.close();
    expect(await heard()).toBe(`${'a'.repeat(5000)}\r\nNO CARRIER\r\n`);
  });

  test.each([
    [0, 'data', ''],
    [1, 'command', '\r\nOK\r\n'],
    [2, 'command', '\r\nNO CARRIER\r\n'],
  ])('DTR drop under &D%i', async (mode, expectedMode, expected) => {
    const { ask, host, heard, server } = await quiet();
    await ask(`AT&D${mode}\r`);
    await ask('ATD1\r');
    await host.setCircuits({ dtr: false });
    expect(await heard()).toBe(expected);
    expect(server.mode).toBe(expectedMode);
  });

  test('S25 holds a short drop of DTR back', async () => {
    const { ask, host, server, clock } = await quiet();
    await ask('ATS25=20&D2\r');
    await ask('ATD1\r');
    await host.setCircuits({ dtr: false });
    await clock.advance(199);
    await host.setCircuits({ dtr: true });
    await clock.advance(1000);
    expect(server.mode).toBe('data');
    await host.setCircuits({ dtr: false });
    await clock.advance(200);
    expect(server.mode).toBe('command');
  });

  test.each([
    [0, [true, true, true]],
    [1, [false, true, false]],
  ])('DCD under &C%i: before, during, behind a call', async (mode, expected) => {
    const { ask, host, clock, say } = await quiet();
    await ask(`AT&C${mode}\r`);
    const seen = [host.circuits.dcd];
    await ask('ATD1\r');
    seen.push(host.circuits.dcd);
    await say('+++');
    await clock.advance(1000);
    seen.push(host.circuits.dcd);
    expect(seen).toEqual(expected);
  });

  test('&C2 only winks when a call ends, for a second, and not at an escape', async () => {
    const { ask, host, clock, say, server } = await quiet();
    await ask('AT&C2\r');
    await ask('ATD1\r');
    await say('+++');
    await clock.advance(1000);
    expect(host.circuits.dcd).toBe(true);
    await ask('ATD1\r');
    server.dropCarrier();
    await settle();
    expect(host.circuits.dcd).toBe(false);
    await clock.advance(1000);
    expect(host.circuits.dcd).toBe(true);
  });

  test('behind a call there is nothing left of the line', async () => {
    const { ask, clock, say, heard } = await quiet();
    await ask('ATD1;+CSQ\r');
    await say('+++');
    await clock.advance(1000);
    expect(await heard()).toBe('\r\nOK\r\n');
  });

  test('an escape in the middle of a long send: the part that went is counted', async () => {
    const { phase, host, heard, clock, say } = await online();
    host.pause();
    const sent = phase.send(new Uint8Array(10_000));
    await say('+++');
    await clock.advance(1000);
    host.resume();
    await expect(sent).rejects.toMatchObject({ code: 'ERR_PORT_CLOSED', context: { unsentBytes: 10_000 - 1024 } });
    expect((await heard()).length).toBe(1024 + 6);
  });

  test('a carrier that drops, and a port that goes', async () => {
    const one = await online();
    one.server.dropCarrier();
    expect(await one.heard()).toBe('\r\nNO CARRIER\r\n');
    const two = await online();
    await two.host.close();
    expect(await two.phase.ended).toBe('lineLost');
    await two.server.ended;
    expect(two.server.mode).toBe('closed');
  });

  test('the phase holds the host back', async () => {
    const { phase, say, got } = await online();
    phase.pause();
    let sent = false;
    const sending = say('held').then(() => {
      sent = true;
    });
    await settle();
    expect(sent).toBe(false);
    phase.resume();
    await sending;
    expect(got()).toBe('held');
  });
});

describe('a command that takes its time', () => {
  /** Waits for its abort, or for a minute; `+WAIT` is not aborted by octets, `+DIAL` is. */
  async function waiting(): Promise<Rig> {
    const wait: CommandDeclaration<object>['execute'] = (context) =>
      new Promise((resolve, reject) => {
        const cancel = made.clock.after(60_000, () => {
          resolve('OK');
        });
        context.signal.addEventListener('abort', () => {
          cancel();
          reject(context.signal.reason as Error);
        });
      });
    const made: Rig = await quiet([
      { name: 'D', execute: wait },
      { name: '+DIAL', execute: wait, abortable: true },
      { name: '+WAIT', execute: wait },
    ]);
    return made;
  }

  test.each(['D1', '+DIAL'])('AT%s is aborted by any octet, once 125 ms are over', async (line) => {
    const { ask, clock } = await waiting();
    expect(await ask(`AT${line};+CSQ\r\n`)).toBe('');
    await clock.advance(124);
    expect(await ask('\n')).toBe('');
    await clock.advance(1);
    expect(await ask('x')).toBe('\r\nNO CARRIER\r\n');
    expect(await ask('AT\r')).toBe('\r\nOK\r\n');
  });

  test('others are not: what is typed waits for its turn', async () => {
    const { ask, clock, heard } = await waiting();
    await ask('AT+WAIT\r');
    await clock.advance(1000);
    expect(await ask('AT+CSQ\r')).toBe('');
    await clock.advance(60_000);
    expect(await heard()).toBe('\r\nOK\r\n\r\n+CSQ: 21,0\r\n\r\nOK\r\n');
  });

  test('that was aborted does not go online any more', async () => {
    const { ask, clock, heard, server } = await quiet([
      {
        name: 'D',
        execute: async (context): Promise<CommandResult> => {
          await new Promise<void>((resolve) => clock.after(1000, resolve));
          await context.connect();
          return 'OK';
        },
      },
    ]);
    await ask('ATD1\r');
    await clock.advance(500);
    expect(await ask('\r')).toBe('');
    await clock.advance(500);
    expect(await heard()).toBe('\r\nNO CARRIER\r\n');
    expect(server.mode).toBe('command');
  });
});

test('an unsolicited call', async () => {
  const { server, heard, ask } = await quiet();
  const over = server.unsolicited(async (context): Promise<CommandResult> => {
    const phase = await context.connect();
    await phase.send(latin1('data'));
    await phase.close();
    return 'NO CARRIER';
  });
  await over;
  expect(await heard()).toBe('\r\nCONNECT\r\ndata\r\nNO CARRIER\r\n');
  expect(await ask('AT\r')).toBe('\r\nOK\r\n');
});

test('the line is given away with what was typed ahead, and comes back', async () => {
  let got = '';
  const { ask } = await quiet([
    {
      name: '+TAKE',
      execute: () => ({
        takeOver: (line) =>
          new Promise((resolve) => {
            const subscription = line.received$.subscribe((chunk) => {
              got += fromLatin1(chunk);
              if (!got.endsWith('.')) return;
              subscription.unsubscribe();
              resolve(undefined);
            });
          }),
      }),
    },
  ]);
  expect(await ask('AT+TAKE\rahead')).toBe('\r\nOK\r\n');
  await ask(' of it.');
  expect(got).toBe('ahead of it.');
  expect(await ask('AT\r')).toBe('\r\nOK\r\n');
});

describe('whatever comes', () => {
  const lines = fc.array(
    fc.oneof(
      fc.constantFrom(
        'AT+CSQ\r',
        'ATE1\r',
        'ATE0V0\r',
        'ATV1\r',
        'A/',
        'AT#/',
        'AT#SEND\rtext\x1a',
        'AT#SEND=3\rabcAT\r',
        'AT#SCFG=1,"x;y",72;+TWO\r',
        'AT#SCFG=1,"open\r',
        '\b\b\r\n',
        'ATATAT+CSQ\r',
      ),
      fc.string({ maxLength: 12 }),
      fc.uint8Array({ maxLength: 12 }).map((bytes) => fromLatin1(bytes)),
    ),
    { maxLength: 12 },
  );

  async function play(chunks: readonly string[]): Promise<string> {
    const { say, heard } = rig();
    for (const chunk of chunks) if (chunk !== '') await say(chunk);
    for (let turn = 0; turn < 5; turn++) await settle();
    return heard();
  }

  test('the chunks in which it comes make no difference', async () => {
    await fc.assert(
      fc.asyncProperty(
        lines,
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 20 }),
        async (all, sizes) => {
          const text = all.join('');
          const chunks: string[] = [];
          for (let offset = 0, turn = 0; offset < text.length; turn++) {
            const size = sizes[turn % sizes.length] as number;
            chunks.push(text.slice(offset, offset + size));
            offset += size;
          }
          expect(await play(chunks)).toBe(await play([text]));
        },
      ),
      { numRuns: 60 },
    );
  });

  test('it never stops answering', async () => {
    await fc.assert(
      fc.asyncProperty(lines, async (all) => {
        const { ask, say } = rig();
        for (const line of all) await say(line);
        // Out of whatever is open: a counted prompt, a prompt, a line with another terminator.
        await ask(`${' '.repeat(20)}\x1b\r`);
        await ask('\r');
        expect(await ask('ATE0V1Q0\r')).toContain('\r\nOK\r\n');
      }),
      { numRuns: 60 },
    );
  });

  test('a flood to a host that never reads keeps to its bounds', async () => {
    const { host, server } = rig();
    host.pause();
    let dropped = 0;
    server.events$.subscribe((event) => {
      if (event.type === 'inputDropped') dropped += event.bytes;
    });
    let taken = 0;
    const flood = 'AT+CSQ\r'.repeat(100);
    for (let turn = 0; turn < 600; turn++) {
      void host.send(latin1(flood)).then(
        () => (taken += flood.length),
        () => undefined,
      );
    }
    for (let turn = 0; turn < 50; turn++) await settle();
    expect(dropped).toBe(0);
    expect(taken).toBeLessThan(64 * 1024 + 32 * 1024);
    for (let turn = 0; turn < 1000; turn++) void server.urc('SRING: 1');
    await server.close();
    host.resume();
  });

  test('two servers know nothing of each other', async () => {
    const one = await quiet();
    const two = rig();
    await one.ask('ATV0&C0S12=100\r');
    expect(await two.ask('ATS12?\r')).toBe('ATS12?\r\r\n050\r\n\r\nOK\r\n');
  });
});
