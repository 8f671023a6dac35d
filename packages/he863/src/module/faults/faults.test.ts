import { VirtualClock } from '@cellmux/port/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { VirtualHe863, type VirtualHe863Options } from '../../index.ts';
import { hostOn } from '../../testing/line-host.ts';

const OK = '\r\nOK\r\n';

async function moduleWith(options: VirtualHe863Options) {
  const clock = new VirtualClock();
  const module = new VirtualHe863({ clock, ...options });
  onTestFinished(() => module.close());
  const host = await hostOn((line) => {
    module.serve(line);
  });
  return { clock, module, host };
}

describe('faults', () => {
  test('ERROR n times, then as before', async () => {
    const { host, module } = await moduleWith({});
    module.faults.inject({ kind: 'error', lines: 2 });
    const answers = [
      await host.ask('AT\r'),
      await host.ask('AT+CGDCONT=1,"IP","x"\r'),
      await host.ask('AT+CGDCONT?\r'),
    ];
    expect(answers).toEqual(['\r\nERROR\r\n', '\r\nERROR\r\n', OK]);
  });

  test('late answers', async () => {
    const { host, clock, module } = await moduleWith({});
    module.faults.inject({ kind: 'late', delayMs: 300, lines: 1 });
    expect(await host.ask('AT\r')).toBe('');
    await clock.advance(299);
    expect(await host.heard()).toBe('');
    await clock.advance(1);
    expect(await host.heard()).toBe(OK);
    expect(await host.ask('AT\r')).toBe(OK);
  });

  test('a port that is silent, and one that is stuck', async () => {
    const { host, clock, module } = await moduleWith({});
    module.faults.inject({ kind: 'silence', port: 0, forMs: 1000 });
    expect(await host.ask('AT+CGDCONT=1,"IP","x"\r')).toBe('');
    await clock.advance(1000);
    expect(await host.ask('AT+CGDCONT?\r')).toContain('"x"');
    module.faults.inject({ kind: 'stuck', port: 0, forMs: 1000 });
    let taken = false;
    void host.say('AT\r').then(() => {
      taken = true;
    });
    expect(await host.heard()).toBe('');
    expect(taken).toBe(false);
    await clock.advance(1000);
    expect(await host.heard()).toBe(OK);
  });

  test('garbage is the same for the same seed', async () => {
    const noise: string[] = [];
    for (const seed of [7, 7, 8]) {
      const { host, module } = await moduleWith({ seed });
      module.faults.inject({ kind: 'garbage', port: 0, bytes: 12 });
      noise.push(await host.heard());
    }
    expect(noise[0]).toHaveLength(12);
    expect(noise[0]).toBe(noise[1]);
    expect(noise[0]).not.toBe(noise[2]);
  });

  test('slow registration from the start, and coverage that goes', async () => {
    const { host, clock, module } = await moduleWith({ faults: 'registration:10s' });
    expect(await host.ask('AT+CREG=1;+CREG?\r')).toContain('+CREG: 1,2');
    await clock.advance(10_000);
    expect(await host.heard()).toBe('\r\n+CREG: 1\r\n');
    await host.ask('AT+CGDCONT=1,"IP","x";+CGACT=1,1\r');
    module.faults.inject({ kind: 'coverage', forMs: 5000 });
    expect(await host.heard()).toBe('\r\n+CREG: 2\r\n');
    expect(await host.ask('AT+CGACT?\r')).toContain('+CGACT: 1,0');
    await clock.advance(15_000);
    expect(await host.heard()).toBe('\r\n+CREG: 1\r\n');
  });

  test('activations that are refused', async () => {
    const { host } = await moduleWith({ faults: 'activation:149:2' });
    await host.ask('AT+CMEE=1;+CGDCONT=1,"IP","x"\r');
    expect(await host.ask('AT#SGACT=1,1\r')).toBe('\r\n+CME ERROR: 149\r\n');
    expect(await host.ask('AT+CGACT=1,1\r')).toBe('\r\n+CME ERROR: 149\r\n');
    expect(await host.ask('AT#SGACT=1,1\r')).toBe(`\r\n#SGACT: 10.64.0.1\r\n${OK}`);
  });

  test('AT+CMUX that is refused', async () => {
    const { host } = await moduleWith({ faults: 'cmux:1' });
    expect(await host.ask('AT+CMUX=0\r')).toBe('\r\nERROR\r\n');
    expect(await host.ask('AT+CMUX=0\r')).toBe(OK);
  });

  test('a reset that repeats, with jitter from the seed', async () => {
    const times = async (seed: number): Promise<number[]> => {
      const clock = new VirtualClock();
      const module = new VirtualHe863({ clock, seed, faults: 'reset@10s~5s/10s' });
      onTestFinished(() => module.close());
      const seen: number[] = [];
      module.events$.subscribe((event) => {
        if (event.type === 'reset') seen.push(clock.now());
      });
      await clock.advance(60_000);
      return seen;
    };
    const first = await times(1);
    expect(first.length).toBeGreaterThan(3);
    expect(await times(1)).toEqual(first);
    expect(await times(2)).not.toEqual(first);
  });

  test('clear ends what lasts', async () => {
    const { host, clock, module } = await moduleWith({ faults: 'reset@10s,late:1m' });
    module.faults.inject({ kind: 'silence', port: 0, forMs: 60_000 });
    await host.say('AT\r');
    await host.heard();
    module.faults.clear();
    expect(await host.heard()).toBe(`${OK}${OK}`);
    await clock.advance(20_000);
    expect(await host.ask('AT\r')).toBe(OK);
  });
});
