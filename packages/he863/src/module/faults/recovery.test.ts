import { AtClient } from '@cellmux/at';
import { HE863, startMultiplexer } from '@cellmux/cmux';
import { memoryPair, type Port } from '@cellmux/port';
import { PppLink } from '@cellmux/ppp';
import { describe, expect, test } from 'vitest';
import { LineHost } from '../../testing/line-host.ts';
import { multiplexed, served } from '../../testing/served-module.ts';

const OK = '\r\nOK\r\n';

async function hostOf(made: ReturnType<typeof served>): Promise<LineHost> {
  const host = new LineHost(made.line);
  await host.ask('ATE0\r');
  return host;
}

/** What a host has to get over: faults in the middle of calls, of the multiplexer, of the network and of the SIM. */
describe('in the middle of a call', () => {
  async function dialled() {
    const made = await multiplexed();
    const { clock, ports, ask } = made;
    await ask(2, 'AT+CGDCONT=1,"IP","x"\r');
    const at = new AtClient(ports[0] as Port, { clock });
    const call = await clock.run(at.connect('ATD*99***1#'));
    const link = new PppLink(call, { clock });
    await clock.run(link.open());
    return { ...made, at, call, link };
  }

  test('reset: all ports are dumb, and AT is back on the line after bootMs, with contexts gone', async () => {
    const { module, clock, ask, multiplexer, line, events, link } = await dialled();
    module.faults.inject({ kind: 'reset' });
    await clock.advance(100);
    for (const dlci of [2, 3]) expect(await ask(dlci, 'AT\r')).toBe('');
    expect(events.map(({ type }) => type)).toContain('pppEnded');
    void multiplexer.close();
    void link.close().catch(() => undefined);
    await clock.advance(60_000);
    const host = new LineHost(line);
    await host.ask('\rATE0\r');
    expect(await host.ask('AT+CGACT?\r')).toContain('+CGACT: 1,0');
  });

  test.each(['carrier', 'context'] as const)(
    '%s lost while PPP is suspended: NO CARRIER, and O knows',
    async (kind) => {
      const made = served();
      const { clock, line, module, events } = made;
      const at = new AtClient(line, { clock });
      await clock.run(at.command('AT+CGDCONT=1,"IP","x"'));
      const call = await clock.run(at.connect('ATD*99***1#'));
      await clock.run(call.escape());
      const heard: string[] = [];
      at.urcs$.subscribe(({ text }) => heard.push(text));
      module.faults.inject(kind === 'carrier' ? { kind, port: 0 } : { kind, cid: 1 });
      await clock.advance(100);
      expect(heard).toEqual(['NO CARRIER']);
      expect(events.filter(({ type }) => type === 'contextLost')).toHaveLength(kind === 'context' ? 1 : 0);
      await expect(clock.run(at.connect('ATO'))).rejects.toMatchObject({ code: 'ERR_AT_NO_CARRIER' });
    },
  );

  test('dial: NO CARRIER, then as before', async () => {
    const made = served({ faults: 'dial:2' });
    const host = await hostOf(made);
    await host.ask('AT+CGDCONT=1,"IP","x"\r');
    expect(await host.ask('ATD*99#\r')).toBe('\r\nNO CARRIER\r\n');
    expect(await host.ask('ATD*99#\r')).toBe('\r\nNO CARRIER\r\n');
    expect(await host.ask('ATD*99#\r')).toContain('CONNECT');
  });

  test('socket: the next that are dialled are refused', async () => {
    const made = served({ faults: 'socket:561:2' });
    const host = await hostOf(made);
    await host.ask('AT+CMEE=1;+CGDCONT=1,"IP","x"\r');
    await host.ask('AT#SGACT=1,1\r');
    expect(await host.ask('AT#SD=1,0,80,"10.1.1.1"\r')).toBe('\r\n+CME ERROR: 561\r\n');
    expect(await host.ask('AT#SD=1,0,80,"10.1.1.1",0,0,1\r')).toBe('\r\n+CME ERROR: 561\r\n');
    expect(await host.ask('AT#SD=1,0,80,"no.such"\r')).toBe('\r\n+CME ERROR: 558\r\n');
  });
});

describe('the multiplexer and its line', () => {
  test('mux: it hangs, and goes on where it was', async () => {
    const { module, clock, ask } = await multiplexed();
    module.faults.inject({ kind: 'mux', forMs: 1000 });
    expect(await ask(1, 'AT\r')).toBe('');
    await clock.advance(1000);
    expect(await ask(1, 'AT\r')).toBe(OK);
  });

  test('mux: only a power cycle ends it, and AT without the multiplexer is well meanwhile', async () => {
    const made = served({ faults: 'mux' });
    const { clock, line, module } = made;
    const host = await hostOf(made);
    expect(await host.ask('AT\r')).toBe(OK);
    await expect(clock.run(startMultiplexer(line, { profile: HE863, clock }))).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_CMUX_/),
    });
    await clock.run(module.reset());
    await clock.advance(1000);
    const multiplexer = await clock.run(startMultiplexer(line, { profile: HE863, clock }));
    await clock.run(multiplexer.open(1));
  });

  test('stuck and silence hold one port and no other, also when it is opened anew; a power cycle ends them', async () => {
    const { module, clock, ask, multiplexer, line } = await multiplexed();
    module.faults.inject({ kind: 'silence', port: 2, forMs: 3_600_000 });
    expect(await ask(2, 'AT\r')).toBe('');
    expect(await ask(3, 'AT\r')).toBe(OK);
    await clock.run(multiplexer.close());
    const again = await clock.run(startMultiplexer(line, { profile: HE863, clock }));
    const host = new LineHost(await clock.run(again.open(2)));
    await host.say('AT\r');
    await clock.advance(50);
    expect(await host.heard()).toBe('');
    await clock.run(module.reset());
    void again.close();
    await clock.advance(60_000);
    const last = await clock.run(startMultiplexer(line, { profile: HE863, clock }));
    const well = new LineHost(await clock.run(last.open(2)));
    await well.say('AT\r');
    await clock.advance(50);
    expect(await well.heard()).toContain(OK);
  });

  test('overlapping holds end with the last', async () => {
    const made = served();
    const host = await hostOf(made);
    const { module, clock } = made;
    module.faults.inject({ kind: 'silence', port: 0, forMs: 1000 });
    module.faults.inject({ kind: 'silence', port: 0, forMs: 5000 });
    await clock.advance(4999);
    expect(await host.ask('AT\r')).toBe('');
    await clock.advance(1);
    expect(await host.ask('AT\r')).toBe(OK);
  });

  test('line: it is closed, and so is the next within that time; then the same module is back', async () => {
    const made = await multiplexed();
    const { module, clock, line, events, ask } = made;
    await ask(1, 'AT+CGDCONT=1,"IP","kept"\r');
    module.faults.inject({ kind: 'line', forMs: 5000 });
    await clock.advance(10);
    expect(line.isClosed).toBe(true);
    expect(events).toContainEqual({ type: 'lineLost', port: expect.any(String), forMs: 5000 });
    expect(events.filter(({ type }) => type === 'portClosed')).toHaveLength(4);
    const tooEarly = memoryPair();
    module.serve(tooEarly.dce);
    await clock.advance(10);
    expect(tooEarly.dte.isClosed).toBe(true);
    expect(events.at(-1)).toEqual({ type: 'lineLost', port: expect.any(String), forMs: 4990 });
    await clock.advance(4980);
    const { dte, dce } = memoryPair();
    module.serve(dce);
    const host = new LineHost(dte);
    expect(await host.ask('ATE0+CGDCONT?\r')).toContain('"kept"');
  });

  test('a line served while the module is off is answered when it is on', async () => {
    const { module, clock } = served({ bootMs: 1000 });
    void module.reset();
    const { dte, dce } = memoryPair();
    module.serve(dce);
    const gone = memoryPair();
    await gone.dce.close();
    module.serve(gone.dce);
    const host = new LineHost(dte);
    expect(await host.ask('AT\r')).toBe('');
    await clock.advance(1000);
    expect(await host.ask('ATE0\r')).toContain(OK);
  });

  test('late and error of one port leave the others alone', async () => {
    const { module, clock, ask, hosts } = await multiplexed();
    module.faults.inject({ kind: 'error', lines: 1, port: 2 });
    module.faults.inject({ kind: 'late', delayMs: 500, lines: 1, port: 3 });
    expect(await ask(1, 'AT\r')).toBe(OK);
    expect(await ask(2, 'AT\r')).toBe('\r\nERROR\r\n');
    expect(await ask(2, 'AT\r')).toBe(OK);
    expect(await ask(3, 'AT\r')).toBe('');
    await clock.advance(500);
    expect(await hosts[2]?.heard()).toBe(OK);
  });

  test('garbage on a virtual port comes there and nowhere else', async () => {
    const { module, clock, hosts } = await multiplexed();
    module.faults.inject({ kind: 'garbage', port: 2, bytes: 9 });
    await clock.advance(50);
    expect(await Promise.all(hosts.map(async (host) => (await host.heard()).length))).toEqual([0, 9, 0]);
  });
});

describe('the network and the SIM', () => {
  test('coverage: lost and back, and nothing a host does brings it back sooner', async () => {
    const made = served();
    const host = await hostOf(made);
    const { module, clock, events } = made;
    await host.ask('AT+CMEE=1;+CREG=1;+CGDCONT=1,"IP","x"\r');
    await host.ask('AT#SGACT=1,1\r');
    module.faults.inject({ kind: 'coverage', forMs: 30_000 });
    expect(await host.heard()).toBe('\r\n+CREG: 2\r\n');
    expect(events.filter(({ type }) => type === 'contextLost')).toEqual([{ type: 'contextLost', cid: 1 }]);
    expect(await host.ask('AT#SGACT=1,1\r')).toBe('\r\n+CME ERROR: 30\r\n');
    expect(await host.ask('AT+CFUN=4;+CFUN=1;+CREG?\r')).toContain('+CREG: 1,2');
    void module.reset();
    await clock.advance(5000);
    expect(await host.ask('ATE0+CREG?\r')).toContain('+CREG: 0,2');
    await host.ask('AT+CREG=1\r');
    await clock.advance(25_000);
    expect(await host.heard()).toBe('\r\n+CREG: 1\r\n');
    expect(await host.ask('AT#SGACT=1,1\r')).toContain('#SGACT: ');
  });

  test('denied: +CREG shows 3 for that time', async () => {
    const made = served({ faults: 'denied:20s@10s' });
    const host = await hostOf(made);
    await made.clock.advance(10_000);
    expect(await host.ask('AT+CREG?;+CGREG?\r')).toBe(`\r\n+CREG: 0,3\r\n\r\n+CGREG: 0,3\r\n${OK}`);
    await made.clock.advance(20_000);
    expect(await host.ask('AT+CREG?\r')).toContain('+CREG: 0,1');
  });

  test('an outage within an outage: the network is back when both are over', async () => {
    const made = served();
    const host = await hostOf(made);
    made.module.faults.inject({ kind: 'coverage', forMs: 10_000 });
    made.module.faults.inject({ kind: 'denied', forMs: 20_000 });
    expect(await host.ask('AT+CREG?\r')).toContain('+CREG: 0,2');
    await made.clock.advance(10_000);
    expect(await host.ask('AT+CREG?\r')).toContain('+CREG: 0,3');
    await made.clock.advance(10_000);
    expect(await host.ask('AT+CREG?\r')).toContain('+CREG: 0,1');
  });

  test('sim: its error for all that need it, and the PIN is asked anew', async () => {
    const made = served({ pin: '1234' });
    const host = await hostOf(made);
    await host.ask('AT+CMEE=1;+CPIN=1234;+CGDCONT=1,"IP","x"\r');
    await host.ask('AT#SGACT=1,1\r');
    made.module.faults.inject({ kind: 'sim', cme: 13, forMs: 10_000 });
    for (const command of [
      '+CPIN?',
      '+CPIN=1234',
      '#SGACT=1,1',
      '+CGACT=1,1',
      '+CGATT=1',
      '+COPS=0',
      '+CIMI',
      '#CCID',
    ]) {
      expect(await host.ask(`AT${command}\r`), command).toBe('\r\n+CME ERROR: 13\r\n');
    }
    expect(await host.ask('ATD*99#\r')).toBe('\r\n+CME ERROR: 13\r\n');
    expect(await host.ask('AT+CREG?\r')).toContain('+CREG: 0,0');
    await made.clock.advance(10_000);
    expect(await host.ask('AT+CPIN?\r')).toContain('+CPIN: SIM PIN');
    expect(await host.ask('AT+CPIN=1234;+CREG?\r')).toContain('+CREG: 0,1');
    expect(await host.ask('AT#SGACT=1,1\r')).toContain('#SGACT: ');
  });

  test('clear ends outages, holds and refusals', async () => {
    const made = served({ faults: 'sim,coverage,denied,mux,silence:1,dial:9,socket:561:9,activation:555:9,error:9' });
    made.module.faults.clear();
    const host = await hostOf(made);
    await host.ask('AT+CGDCONT=1,"IP","x"\r');
    expect(await host.ask('AT+CREG?\r')).toContain('+CREG: 0,1');
    expect(await host.ask('AT#SGACT=1,1\r')).toContain('#SGACT: ');
    await host.ask('AT+CMEE=1\r');
    expect(await host.ask('AT#SD=1,0,80,"no.such"\r')).toBe('\r\n+CME ERROR: 558\r\n');
  });
});

describe('repeatable', () => {
  test('what is planned happens at the same times whatever the host does meanwhile', async () => {
    const timesWith = async (isBusy: boolean): Promise<readonly number[]> => {
      const made = served({ seed: 3, faults: 'carrier:0@10s~5s/10s' });
      const times: number[] = [];
      made.module.events$.subscribe(({ type }) => {
        if (type === 'fault') times.push(made.clock.now());
      });
      if (isBusy) {
        const at = new AtClient(made.line, { clock: made.clock });
        await made.clock.run(at.command('AT+CGDCONT=1,"IP","x"'));
        const link = new PppLink(await made.clock.run(at.connect('ATD*99***1#')), { clock: made.clock });
        await made.clock.run(link.open());
      }
      while (made.clock.now() < 60_000) await made.clock.advance(1000);
      return times;
    };
    const idle = await timesWith(false);
    expect(idle.length).toBeGreaterThan(3);
    expect(await timesWith(true)).toEqual(idle);
  });
});
