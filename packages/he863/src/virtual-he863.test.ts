import { memoryPair } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { VirtualHe863, type He863Event, type VirtualHe863Options } from './index.ts';
import { hostOn, LineHost } from './testing/line-host.ts';

const OK = '\r\nOK\r\n';
const ERROR = '\r\nERROR\r\n';
const said = (...lines: string[]): string => `\r\n${lines.join('\r\n')}\r\n${OK}`;

async function bareLine(options: VirtualHe863Options = {}) {
  const clock = new VirtualClock();
  const module = new VirtualHe863({ clock, ...options });
  onTestFinished(() => module.close());
  const events: He863Event[] = [];
  module.events$.subscribe((event) => events.push(event));
  const host = await hostOn((line) => {
    module.serve(line);
  });
  return { clock, module, events, host };
}

describe('commands of 27.007 and V.250', () => {
  test.each([
    ['+CGMI', said('Telit')],
    ['+GMM', said('HE863-EUD')],
    ['+CGMR', said('11.00.002')],
    ['+CGSN', said('004999010640000')],
    ['#CGSN', said('#CGSN: 004999010640000')],
    ['I3', said('HE863-EUD')],
    ['I9', ERROR],
    ['+CPIN?', said('+CPIN: READY')],
    ['+CSQ', said('+CSQ: 21,0')],
    ['+CSQ=?', said('+CSQ: (0-31,99),(0-7,99)')],
    ['+CREG?', said('+CREG: 0,1')],
    ['+CREG=2;+CREG?', `${said('+CREG: 2,1,"00C8","1F2A"')}`],
    ['+CGREG=?', said('+CGREG: (0-2)')],
    ['+CGATT?', said('+CGATT: 1')],
    ['+IFC?', said('+IFC: 2,2')],
    ['+IFC=0,0;+IFC?', said('+IFC: 0,0')],
    ['&K0+IFC?', said('+IFC: 0,0')],
    ['+CMUX=?', said('+CMUX: (0),(0)')],
    ['+CGACT=?', said('+CGACT: (0,1)')],
    ['#SKIPESC?', said('#SKIPESC: 0')],
    ['S25?', said('005')],
    ['H', OK],
    ['O', '\r\nNO CARRIER\r\n'],
    ['D123456;', '\r\nNO CARRIER\r\n'],
    ['+NOTHING', ERROR],
  ])('AT%s', async (command, answer) => {
    const { host } = await bareLine();
    expect(await host.ask(`AT${command}\r`)).toBe(answer);
  });

  test('contexts: define, read, undefine, kept over a reset', async () => {
    const { host, module, clock } = await bareLine();
    expect(await host.ask('AT+CGDCONT= 1,"IP","ibox.tim.it","0.0.0.0",0,0\r')).toBe(OK);
    expect(await host.ask('AT+CGDCONT=3,"IP","other"\r')).toBe(OK);
    const both = said('+CGDCONT: 1,"IP","ibox.tim.it","0.0.0.0",0,0', '+CGDCONT: 3,"IP","other","",0,0');
    expect(await host.ask('AT+CGDCONT?\r')).toBe(both);
    void module.reset();
    await clock.advance(600);
    expect(await host.ask('ATE0\r')).toBe(`ATE0\r${OK}`);
    expect(await host.ask('AT+CGDCONT?\r')).toBe(both);
    expect(await host.ask('AT+CGDCONT=1\r')).toBe(OK);
    expect(await host.ask('AT+CGDCONT?\r')).toBe(said('+CGDCONT: 3,"IP","other","",0,0'));
    expect(await host.ask('AT+CGDCONT=6,"IP"\r')).toBe(ERROR);
    expect(await host.ask('AT+CGDCONT=1,"X25"\r')).toBe(ERROR);
    expect(await host.ask('AT+CGDCONT=?\r')).toBe(
      said('+CGDCONT: (1-5),"IP",,,(0,1),(0-3)', '+CGDCONT: (1-5),"PPP",,,(0,1),(0-3)'),
    );
  });

  test('+CGACT and +CGPADDR', async () => {
    const { host, module, clock } = await bareLine({ addresses: { 2: '10.1.2.3' } });
    await host.ask('AT+CMEE=1;+CGDCONT=1,"IP","a";+CGDCONT=2,"IP","b"\r');
    expect(await host.ask('AT+CGACT=1,2\r')).toBe(OK);
    expect(await host.ask('AT+CGACT?\r')).toBe(said('+CGACT: 1,0', '+CGACT: 2,1'));
    expect(await host.ask('AT+CGPADDR=2\r')).toBe(said('+CGPADDR: 2,"10.1.2.3"'));
    expect(await host.ask('AT+CGPADDR\r')).toBe(said('+CGPADDR: 1,""', '+CGPADDR: 2,"10.1.2.3"'));
    expect(await host.ask('AT+CGACT=1,3\r')).toBe('\r\n+CME ERROR: 3\r\n');
    expect(await host.ask('AT+CGACT=0\r')).toBe(OK);
    expect(await host.ask('AT+CGACT?\r')).toBe(said('+CGACT: 1,0', '+CGACT: 2,0'));
    await host.ask('AT+CGACT=1,2\r');
    void module.reset();
    await clock.advance(600);
    expect(await host.ask('AT+CGACT?\r')).toContain(said('+CGACT: 1,0', '+CGACT: 2,0'));
  });

  test('#QDNS finds names as #SD does', async () => {
    const { host } = await bareLine({ hosts: { 'www.example.com': '127.0.0.1:8080' }, machineNames: false });
    await host.ask('AT+CMEE=1\r');
    expect(await host.ask('AT#QDNS="WWW.example.com"\r')).toBe(said('#QDNS: "WWW.example.com","127.0.0.1"'));
    expect(await host.ask('AT#QDNS=10.1.2.3\r')).toBe(said('#QDNS: "10.1.2.3","10.1.2.3"'));
    expect(await host.ask('AT#QDNS="nowhere.example.com"\r')).toBe('\r\n+CME ERROR: 558\r\n');
  });

  test('+CGEREP: the network takes a context', async () => {
    const { host, module } = await bareLine();
    await host.ask('AT+CGDCONT=2,"IP","b";+CGACT=1,2;+CGEREP=2\r');
    module.faults.inject({ kind: 'context', cid: 2 });
    module.faults.inject({ kind: 'context', cid: 1 });
    expect(await host.heard()).toBe('\r\n+CGEV: NW DEACT "IP","10.64.0.2",2\r\n');
  });

  test('a reset in a call: the carrier is gone', async () => {
    const { host, module, clock } = await bareLine();
    await host.ask('AT+CGDCONT=1,"IP","a"\r');
    await host.ask('ATD*99#\r');
    expect(host.port.circuits.dcd).toBe(true);
    void module.reset();
    await host.heard();
    expect(host.port.circuits.dcd).toBe(false);
    await clock.advance(600);
    expect(await host.ask('ATE0\r')).toBe(`ATE0\r${OK}`);
  });

  test('quality of service', async () => {
    const { host } = await bareLine();
    expect(await host.ask('AT+CGQMIN= 1,2,0,0,5,4\r')).toBe(OK);
    expect(await host.ask('AT+CGQMIN=1,2,0,0,5,19\r')).toBe(ERROR);
    expect(await host.ask('AT+CGQMIN=2,2,0,0,5,31;+CGQMIN?\r')).toBe(
      said('+CGQMIN: 1,2,0,0,5,4', '+CGQMIN: 2,2,0,0,5,31'),
    );
    expect(await host.ask('AT+CGQMIN=1;+CGQMIN?\r')).toBe(said('+CGQMIN: 2,2,0,0,5,31'));
    expect(await host.ask('AT+CGQREQ=?\r')).toBe(said('+CGQREQ: "IP",(0-3),(0-4),(0-5),(0-9),(0-18,31)'));
    const whole = 'AT+CGEQMIN=1,4,0,0,0,0,2,0,"0E0","0E0",3,0,0\r';
    expect(await host.ask(whole)).toBe(OK);
    expect(await host.ask('AT+CGEQMIN?\r')).toBe(said('+CGEQMIN: 1,4,0,0,0,0,2,0,"0E0","0E0",3,0,0'));
    expect(await host.ask('AT+CGEQREQ=1,4,568,16000,576,8700,1,1502,"1E6","6E8",0,4000,3\r')).toBe(OK);
    for (const bad of ['1,5', '1,4,569', '1,4,0,8701', '1,4,0,0,8641', '1,,,,,,3', '1,,,,,,,9', '1,,,,,,,,"2E2"']) {
      expect(await host.ask(`AT+CGEQREQ=${bad}\r`)).toBe(ERROR);
    }
  });

  test('profiles belong to a port and survive a reset', async () => {
    const { host, module, clock } = await bareLine();
    await host.ask('ATV0S0=2+CMEE=1;&W0\r');
    void module.reset();
    await clock.advance(600);
    expect(await host.ask('ATS0?;+CMEE?\r')).toBe('002\r\n+CMEE: 1\r\n0\r');
  });

  test('a SIM with a PIN', async () => {
    const { host, module, clock } = await bareLine({ pin: '1234' });
    await host.ask('AT+CMEE=1;+CREG=1\r');
    expect(await host.ask('AT+CPIN?\r')).toBe(said('+CPIN: SIM PIN'));
    expect(await host.ask('AT+CGDCONT=1,"IP","a";#SGACT=1,1\r')).toBe('\r\n+CME ERROR: 11\r\n');
    expect(await host.ask('AT+CPIN=1111\r')).toBe('\r\n+CME ERROR: 16\r\n');
    expect(await host.ask('AT+CPIN="1234"\r')).toBe(`${OK}\r\n+CREG: 1\r\n`);
    expect(await host.ask('AT+CREG?\r')).toBe(said('+CREG: 1,1'));
    void module.reset();
    await clock.advance(600);
    expect(await host.ask('AT+CPIN?\r')).toContain(said('+CPIN: SIM PIN'));
  });

  test('slow registration is said where it is asked for', async () => {
    const { host, clock } = await bareLine({ registrationMs: 10_000 });
    expect(await host.ask('AT+CREG=1;+CREG?\r')).toBe(said('+CREG: 1,2'));
    expect(await host.ask('AT+CSQ\r')).toBe(said('+CSQ: 99,99'));
    await clock.advance(10_000);
    expect(await host.heard()).toBe('\r\n+CREG: 1\r\n');
  });

  test('AT+CFUN=1,1 answers, is gone, and is back', async () => {
    const { host, clock, events } = await bareLine();
    expect(await host.ask('AT+CFUN=1,1\r')).toBe(OK);
    await clock.advance(100);
    expect(await host.ask('AT\r')).toBe('');
    await clock.advance(500);
    expect(await host.ask('AT\r')).toBe(`AT\r${OK}`);
    expect(events.map(({ type }) => type)).toContain('reset');
  });
});

test('two lines are two ports of one module; two modules know nothing of each other', async () => {
  const one = await bareLine();
  const { dte, dce } = memoryPair();
  one.module.serve(dce);
  const second = new LineHost(dte);
  expect(await second.ask('AT+CGDCONT=1,"IP","a"\r')).toBe(`AT+CGDCONT=1,"IP","a"\r${OK}`);
  expect(await one.host.ask('AT+CGDCONT?\r')).toBe(said('+CGDCONT: 1,"IP","a","",0,0'));
  const other = await bareLine();
  expect(await other.host.ask('AT+CGDCONT?\r')).toBe(OK);
});

test('close leaves the line open, and nobody answers on it', async () => {
  const { host, module } = await bareLine();
  await module.close();
  await module.close();
  expect(await host.ask('AT\r')).toBe('');
  expect(host.port.isClosed).toBe(false);
});
