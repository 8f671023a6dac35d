import { CellmuxError, memoryPair } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import { describe, expect, it } from 'vitest';
import { DEFAULT_PORT_SETTINGS, type PortSettings } from './core/remote-port.ts';
import type { DlcOptions } from './dlc-options.ts';
import { Multiplexer } from './multiplexer.ts';
import { checkOptions, type MultiplexerOptions } from './multiplexer-options.ts';
import { ScriptedPeer } from '../test/scripted-peer.ts';

function thrownBy(act: () => unknown): CellmuxError {
  try {
    act();
  } catch (error) {
    return error as CellmuxError;
  }
  throw new Error('nothing was thrown');
}

const RANGES: readonly (readonly [string, number, number, MultiplexerOptions])[] = [
  ['n1', 1, 32_768, {}],
  ['n1Limit', 31, 32_768, {}],
  ['t1Ms', 10, 2550, { t2Ms: 2550 }],
  ['t2Ms', 101, 2550, {}],
  ['t3Ms', 1000, 255_000, {}],
  ['n2', 0, 100, {}],
  ['k', 1, 7, {}],
  ['baudRate', 50, 100_000_000, {}],
  ['lineTimeMs', 1, 10_000, {}],
  ['keepAliveMs', 0, 3_600_000, {}],
  ['wakeMs', 0, 10_000, {}],
  ['interOctetMs', 5, 10_000, {}],
  ['dlciCount', 0, 61, {}],
  ['backlogLimitBytes', 1024, 2 ** 30, {}],
  ['lingerMs', 0, 600_000, {}],
];

describe('options', () => {
  it.each(RANGES)('%s: %i to %i, and nothing else', (name, minimum, maximum, others) => {
    for (const value of [minimum, maximum]) expect(() => checkOptions({ ...others, [name]: value })).not.toThrow();
    for (const value of [minimum - 1, maximum + 1, minimum + 0.5, NaN, Infinity, '7', null]) {
      if (name === 't1Ms' && value === maximum) continue;
      const error = thrownBy(() => new Multiplexer(memoryPair().dte, { ...others, [name]: value ?? Symbol('none') }));
      expect(error).toBeInstanceOf(CellmuxError);
      expect(error.code).toBe('ERR_OPTION_RANGE');
      expect(error.context).toMatchObject({ option: name });
      expect(error.message).toContain(name);
      if (typeof value === 'number') expect(error.message).toContain(String(value));
    }
  });

  it.each([
    [{ role: 'host' }, 'role must be one of initiator, responder, not host'],
    [{ option: 'simple' }, 'option must be one of basic, advanced, not simple'],
    [{ softwareFlow: 'yes', option: 'advanced' }, 'softwareFlow must be true or false, not yes'],
    [{ softwareFlow: true }, 'softwareFlow needs the advanced option'],
    [{ headerOnlyUi: 1 }, 'headerOnlyUi must be true or false, not 1'],
    [{ t1Ms: 300, t2Ms: 300 }, 't2Ms must be greater than t1Ms (300), not 300'],
    [
      { n1: 1500, backlogLimitBytes: 1024 },
      'backlogLimitBytes must be a whole number from 6000 to 1073741824, not 1024',
    ],
    [{ n1: 127, n1Limit: 126 }, 'n1Limit must be a whole number from 127 to 32768, not 126'],
    [{ wakeMs: 5001, t3Ms: 5000 }, 'wakeMs must be a whole number from 0 to 5000, not 5001'],
  ])('%j: %s', (options, message) => {
    const error = thrownBy(() => checkOptions(options as MultiplexerOptions));
    expect(error.code).toBe('ERR_OPTION_RANGE');
    expect(error.message).toContain(message);
  });

  it('fits T1 to speed and N1, T2 to T1, and what waits for a reader to N1', () => {
    expect(checkOptions({}).link).toMatchObject({ n1: 31, t1Ms: 100, t2Ms: 300 });
    expect(checkOptions({ option: 'advanced' }).link.n1).toBe(64);
    // Two frames of 1507 octets at 115200 Bd take 262 ms, and 20 ms may be queued below.
    expect(checkOptions({ n1: 1500, baudRate: 115_200 }).link).toMatchObject({ t1Ms: 382, t2Ms: 1146 });
    expect(checkOptions({ n1: 1500, baudRate: 9600 }).link).toMatchObject({ t1Ms: 2550, t2Ms: 2550 });
    expect(checkOptions({ n1: 32_768 }).backlogLimitBytes).toBe(131_072);
  });
});

describe('what is asked of a DLC', () => {
  it.each<[DlcOptions | { frameType: 'X' } | { convergence: 5 }, string]>([
    [{ frameType: 'X' }, 'frameType must be one of UIH, UI, I, not X'],
    [{ convergence: 5 }, 'convergence must be one of 1, 2, 3, 4, not 5'],
    [{ n1: 0 }, 'n1 must be a whole number from 1 to 2048, not 0'],
    [{ n1: 2, convergence: 2 }, 'n1 must be a whole number from 3 to 2048, not 2'],
    [{ n1: 1, convergence: 4 }, 'n1 must be a whole number from 2 to 2048, not 1'],
    [{ priority: 64 }, 'priority must be a whole number from 0 to 63, not 64'],
    [{ t1Ms: 9 }, 't1Ms must be a whole number from 10 to 2550, not 9'],
    [{ n2: 256 }, 'n2 must be a whole number from 0 to 255, not 256'],
    [{ k: 8 }, 'k must be a whole number from 1 to 7, not 8'],
  ])('%j: %s', async (options, message) => {
    const peer = new ScriptedPeer();
    await peer.up();
    const error = await peer.host.open(1, options as DlcOptions).catch((reason: unknown) => reason as CellmuxError);
    expect(error).toMatchObject({ code: 'ERR_OPTION_RANGE' });
    expect((error as CellmuxError).message).toContain(message);
    expect(await peer.heard()).toEqual([]);
  });

  it.each([0, 62, 1.5, NaN])('DLCI %d does not exist', async (dlci) => {
    const peer = new ScriptedPeer();
    await peer.up();
    for (const act of [
      () => peer.host.open(dlci),
      () => peer.host.portSettings(dlci),
      () => peer.host.negotiateServices(dlci),
      () => peer.host.reportLineStatus({ dlci, isError: false, overrun: false, parity: false, framing: false }),
    ]) {
      const error = await act().catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'ERR_OPTION_RANGE', context: { option: 'dlci' } });
    }
  });
});

it.each<[Partial<PortSettings>, string]>([
  [{ baudRate: 12_345 }, 'baudRate'],
  [{ baudRate: undefined }, 'baudRate'],
  [{ dataBits: 9 as 8 }, 'dataBits'],
  [{ stopBits: 2 as 1 }, 'stopBits'],
  [{ parity: 'both' as 'odd' }, 'parity'],
  [{ flowControl: 64 }, 'flowControl'],
  [{ xon: 256 }, 'xon'],
  [{ xoff: -1 }, 'xoff'],
])('RPN cannot say %j', async (change, option) => {
  const peer = new ScriptedPeer();
  await peer.up();
  const settings = { ...DEFAULT_PORT_SETTINGS, ...change };
  const error = await peer.host.setPortSettings(1, settings).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'ERR_OPTION_RANGE', context: { option } });
});

it('lets Test have as many octets as fit a frame', async () => {
  const clock = new VirtualClock();
  for (const [n1, longest] of [
    [1, 8],
    [31, 29],
    [129, 127],
    [130, 127],
    [131, 128],
  ] as const) {
    const line = memoryPair();
    const host = new Multiplexer(line.dte, { clock, n1 });
    const module = new Multiplexer(line.dce, { clock, n1, role: 'responder' });
    void module.start();
    await clock.run(host.start());
    await clock.run(host.test(new Uint8Array(longest)));
    const error = await host.test(new Uint8Array(longest + 1)).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'ERR_OPTION_RANGE', context: { option: 'pattern.length' } });
    // All else of the control channel fits as well, however small N1 is.
    expect(await clock.run(host.portSettings(1))).toEqual(DEFAULT_PORT_SETTINGS);
    const port = await clock.run(host.open(1, { priority: 5 }));
    expect(port.parameters.priority).toBe(5);
    await clock.run(host.close());
  }
});
