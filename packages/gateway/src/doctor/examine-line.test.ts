import { HE863, startMultiplexer } from '@cellmux/cmux';
import { VirtualHe863, type VirtualHe863Options } from '@cellmux/he863';
import { CellmuxError, memoryPair } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import { describe, expect, it } from 'vitest';
import { examineLine, type Finding } from './examine-line.ts';

function setUp(options: VirtualHe863Options = {}) {
  const clock = new VirtualClock();
  const line = memoryPair();
  const module = new VirtualHe863({ clock, machineNames: false, ...options });
  module.serve(line.dce);
  const examine = async (): Promise<Map<string, Finding>> => {
    const open = () => Promise.resolve({ port: line.dte, close: () => Promise.resolve() });
    const findings = await clock.run(examineLine({ clock, open, baudRates: [] }));
    return new Map(findings.map((finding) => [finding.what, finding]));
  };
  return { clock, line, module, examine };
}

describe('examineLine', () => {
  it('finds all in order on a module that works', async () => {
    const { examine, clock } = setUp();
    const found = await examine();
    expect([...found.values()].filter(({ state }) => state !== 'good')).toEqual([]);
    expect([...found.keys()]).toEqual([
      'line',
      'answer',
      'module',
      'firmware',
      'SIM',
      'signal',
      'registration',
      'CMUX',
      'sockets',
    ]);
    expect(found.get('module')?.text).toBe('Telit HE863-EUD');
    expect(found.get('signal')?.text).toBe('-71 dBm');
    expect(clock.pendingTimers).toBe(0);
  });

  it('frees a module that a crashed run left in the multiplexer, and says so', async () => {
    const { clock, line, examine } = setUp();
    const crashed = startMultiplexer(line.dte, { profile: HE863, clock });
    const multiplexer = await clock.run(crashed);
    await clock.run(multiplexer.open(1));
    const found = await examine();
    expect(found.get('multiplexer')).toMatchObject({ state: 'doubtful', text: expect.stringContaining('freed') });
    expect(found.get('SIM')?.state).toBe('good');
  });

  it.each<[string, VirtualHe863Options, (module: VirtualHe863) => void, string, RegExp, RegExp]>([
    ['a PIN', { pin: '1234' }, () => undefined, 'SIM', /SIM PIN/, /--pin-file/],
    [
      'no SIM',
      {},
      (module) => module.faults.inject({ kind: 'sim', cme: 10, forMs: 60_000 }),
      'SIM',
      /SIM not inserted/i,
      /in its place/,
    ],
    ['a weak signal', { signalQuality: 1 }, () => undefined, 'signal', /-111 dBm/, /antenna/],
    ['no registration', { registrationMs: 600_000 }, () => undefined, 'registration', /searches/, /coverage/],
    [
      'a network that refuses',
      {},
      (module) => module.faults.inject({ kind: 'denied', forMs: 60_000 }),
      'registration',
      /refuses/,
      /operator/,
    ],
  ])('names %s and what to do', async (_, options, strike, what, text, advice) => {
    const { module, examine } = setUp(options);
    strike(module);
    const found = await examine();
    expect(found.get(what)).toMatchObject({
      state: 'bad',
      text: expect.stringMatching(text),
      advice: expect.stringMatching(advice),
    });
  });

  it('tells a line on which nobody answers from one that cannot be opened', async () => {
    const clock = new VirtualClock();
    const { dte, dce } = memoryPair();
    dce.received$.subscribe();
    const open = () => Promise.resolve({ port: dte, close: () => Promise.resolve() });
    const silent = await clock.run(examineLine({ clock, open, baudRates: [] }));
    expect(silent.at(-1)).toMatchObject({
      what: 'answer',
      state: 'bad',
      text: expect.stringContaining('nothing at all'),
    });
    const none = () => Promise.reject(new CellmuxError('ERR_PORT_NOT_FOUND', 'there is no such device'));
    const [first, ...others] = await clock.run(examineLine({ clock, open: none, baudRates: [] }));
    expect(first).toMatchObject({ what: 'line', state: 'bad' });
    expect(others).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('tries one rate after the other, and names the one that works', async () => {
    const clock = new VirtualClock();
    const module = new VirtualHe863({ clock, machineNames: false });
    const opened: (number | undefined)[] = [];
    const open = (baudRate: number | undefined) => {
      opened.push(baudRate);
      const { dte, dce } = memoryPair();
      if (baudRate === 9600) module.serve(dce);
      else dce.received$.subscribe();
      return Promise.resolve({ port: dte, close: () => dte.close() });
    };
    const findings = await clock.run(examineLine({ clock, open, baudRates: [115_200, 9600, 460_800] }));
    expect(opened).toEqual([115_200, 9600]);
    expect(findings.find(({ what }) => what === 'baud')).toMatchObject({
      state: 'doubtful',
      advice: 'Give --baud 9600.',
    });
  });
});
