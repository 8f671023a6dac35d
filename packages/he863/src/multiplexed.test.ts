import { AtClient, type DataCall } from '@cellmux/at';
import { Multiplexer } from '@cellmux/cmux';
import { concatBytes, fromHex, fromLatin1, latin1, memoryPair, pacedLine, type Port } from '@cellmux/port';
import { settle, VirtualClock } from '@cellmux/port/testing';
import { PppLink, type PppClientOptions } from '@cellmux/ppp';
import { firstValueFrom } from 'rxjs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { VirtualHe863, type VirtualHe863Options } from './index.ts';
import { internetChecksum } from './network/internet-checksum.ts';
import { parseIpv4 } from './network/ipv4-packet.ts';
import { LineHost } from './testing/line-host.ts';
import { multiplexed, served } from './testing/served-module.ts';

const OK = '\r\nOK\r\n';

function ping(source: string, sequence: number, data: Uint8Array): Uint8Array {
  const packet = new Uint8Array(28 + data.length);
  const view = new DataView(packet.buffer);
  packet[0] = 0x45;
  view.setUint16(2, packet.length);
  packet.set([64, 1], 8);
  packet.set(source.split('.').map(Number), 12);
  packet.set([192, 0, 2, 1], 16);
  view.setUint16(10, internetChecksum(packet.subarray(0, 20)));
  packet[20] = 8;
  view.setUint16(26, sequence);
  packet.set(data, 28);
  view.setUint16(22, internetChecksum(packet.subarray(20)));
  return packet;
}

describe('the multiplexer', () => {
  test('three AT ports of their own, and AT on the line again behind it', async () => {
    const { ask, multiplexer, clock, events, line } = await multiplexed();
    expect(await ask(1, 'ATV0\r')).toBe('0\r');
    expect(await ask(2, 'AT+CGDCONT=1,"IP","one"\r')).toBe(OK);
    expect(await ask(3, 'AT+CGDCONT?\r')).toBe(`\r\n+CGDCONT: 1,"IP","one","",0,0\r\n${OK}`);
    expect(await ask(1, 'AT\r')).toBe('0\r');
    expect(await ask(1, 'ATV1+CMEE=1;+CMUX=0\r')).toBe('\r\n+CME ERROR: 3\r\n');
    await clock.run(multiplexer.close());
    const host = new LineHost(multiplexer.released);
    await clock.advance(100);
    expect(await host.ask('AT\r')).toContain(OK);
    expect(line.isClosed).toBe(false);
    expect(events.map(({ type }) => type)).toEqual([
      'portOpened',
      'multiplexerStarted',
      'portOpened',
      'portOpened',
      'portOpened',
      'portClosed',
      'portClosed',
      'portClosed',
      'multiplexerEnded',
    ]);
  });

  test('a fourth DLC is refused', async () => {
    const { multiplexer, clock } = await multiplexed();
    await expect(clock.run(multiplexer.open(4))).rejects.toMatchObject({ code: 'ERR_CMUX_DLC_REFUSED' });
  });

  test('without a SABM, AT is back after 5 s', async () => {
    const { clock, line } = served();
    const host = new LineHost(line);
    await host.ask('ATE0\r');
    expect(await host.ask('AT+CMUX=0\r')).toBe(OK);
    expect(await host.ask('AT\r')).toBe('');
    await clock.advance(4900);
    expect(await host.ask('AT\r')).toBe('');
    await clock.advance(200);
    expect(await host.ask('\rAT\r')).toContain(OK);
  });

  test('what comes right behind the close-down is for AT', async () => {
    const { clock, line } = served();
    const host = new LineHost(line);
    await host.ask('ATE0\r');
    await host.ask('AT+CMUX=0\r');
    await line.send(fromHex('F9033F011CF9') as Uint8Array);
    await clock.advance(100);
    await host.heard();
    await line.send(concatBytes([fromHex('F903EF05C301F2F9') as Uint8Array, latin1('AT\r')]));
    await clock.advance(1000);
    expect(await host.heard()).toContain(OK);
  });

  test.each([
    ['refuse', '\r\n+CME ERROR: 4\r\n'],
    ['ignore', OK],
  ] as const)('parameters of the frame: %s', async (cmuxParameters, answer) => {
    const { line } = served({ cmuxParameters });
    const host = new LineHost(line);
    await host.ask('ATE0+CMEE=1\r');
    expect(await host.ask('AT+CMUX=0,0,5,127,10,3,30,10,2\r')).toBe(answer);
  });

  test('DCD of a port follows its call, and a DTR drop ends it per &D2', async () => {
    const { ask, ports, hosts, clock } = await multiplexed();
    await ask(1, 'AT+CGDCONT=1,"IP","x"\r');
    await ask(1, 'AT&D2\r');
    const port = ports[0] as Port;
    expect(port.circuits.dcd).toBe(false);
    expect(await ask(1, 'ATD*99#\r')).toContain('\r\nCONNECT\r\n');
    expect(port.circuits.dcd).toBe(true);
    expect(ports[1]?.circuits.dcd).toBe(false);
    await clock.run(port.setCircuits({ dtr: false }));
    await clock.advance(100);
    expect(await hosts[0]?.heard()).toMatch(/\r\nNO CARRIER\r\n$/);
    expect(port.circuits.dcd).toBe(false);
  });

  test('a reset in the middle: every port is gone, AT is back on the line', async () => {
    const { module, multiplexer, ask, clock, line } = await multiplexed();
    await ask(1, 'AT+CGDCONT=1,"IP","x"\r');
    await ask(1, 'ATD*99#\r');
    void module.reset();
    await clock.advance(1000);
    expect(await ask(2, 'AT\r')).toBe('');
    void multiplexer.close();
    await clock.advance(10_000);
    const host = new LineHost(line);
    await host.ask('\r');
    expect(await host.ask('AT\r')).toContain(OK);
  });
});

describe('PPP', () => {
  async function dial(options: VirtualHe863Options, client: PppClientOptions = {}) {
    const made = served(options);
    const { clock, line } = made;
    const at = new AtClient(line, { clock });
    await clock.run(at.command('AT+CMEE=1'));
    await clock.run(at.command('AT+CGDCONT=1,"IP","internet"'));
    const call = await clock.run(at.connect('ATD*99***1#'));
    const link = new PppLink(call, { ...client, clock });
    return { ...made, at, call, link };
  }

  async function pings(link: PppLink, clock: VirtualClock, sequence: number): Promise<void> {
    const data = latin1(`ping ${sequence}`);
    const reply = firstValueFrom(link.packets$);
    await clock.run(link.send(ping('10.64.0.1', sequence, data)));
    const packet = parseIpv4(await clock.run(reply));
    expect(packet?.payload[0]).toBe(0);
    expect(fromLatin1(packet?.payload.subarray(8) ?? new Uint8Array())).toBe(`ping ${sequence}`);
  }

  test.each([
    ['none', {}],
    ['pap', { user: 'u', password: 'p' }],
    ['chap-md5', { user: 'u', password: 'p' }],
  ] as const)('authentication %s: an address, pings, and the end in order', async (auth, credentials) => {
    const { clock, link, call, at, events } = await dial({ ppp: { auth, ...credentials } }, credentials);
    const network = await clock.run(link.open());
    expect(network).toMatchObject({ localAddress: '10.64.0.1', peerAddress: '10.64.64.64', dns: ['10.64.64.64'] });
    for (let sequence = 1; sequence <= 3; sequence++) await pings(link, clock, sequence);
    const closedMs = clock.now();
    await clock.run(link.close());
    expect(await link.ended).toMatchObject({ reason: 'closedHere' });
    expect(await clock.run(call.ended)).toMatchObject({ reason: 'noCarrier' });
    await clock.run(at.command('AT'));
    // Who redials at once must not wait for the Restart timer of PPP.
    expect(clock.now() - closedMs).toBeLessThan(500);
    expect(events.map(({ type }) => type)).toEqual(['portOpened', 'pppStarted', 'pppEnded']);
  });

  test('a wrong password is refused, and AT is back', async () => {
    const { clock, link, call, at } = await dial(
      { ppp: { auth: 'pap', user: 'u', password: 'right' } },
      { user: 'u', password: 'wrong' },
    );
    await expect(clock.run(link.open())).rejects.toMatchObject({ code: 'ERR_PPP_AUTH_FAILED' });
    await clock.run(call.ended);
    await clock.run(at.command('AT'));
  });

  test('+++ suspends, O goes on, H ends', async () => {
    const { clock, line } = served();
    const at = new AtClient(line, { clock });
    await clock.run(at.command('AT+CGDCONT=1,"IP","internet"'));
    const call: DataCall = await clock.run(at.connect('ATD*99***1#'));
    // PPP must not notice that its carrier comes and goes, so it runs on a port of its own.
    const wire = memoryPair();
    const link = new PppLink(wire.dte, { clock, watchCarrier: false });
    let out: Port = call;
    wire.dce.received$.subscribe((chunk) => void out.send(chunk).catch(() => undefined));
    call.received$.subscribe((chunk) => void wire.dce.send(chunk));
    await clock.run(link.open());
    expect(await clock.run(call.escape())).toBe('OK');
    await clock.run(at.command('AT+CSQ'));
    await expect(clock.run(at.command('AT+CMEE=1;#SGACT=1,1'))).rejects.toMatchObject({ code: 'ERR_AT_CME' });
    const again = await clock.run(at.connect('ATO'));
    again.received$.subscribe((chunk) => void wire.dce.send(chunk));
    out = again;
    await pings(link, clock, 9);
    expect(await clock.run(again.escape())).toBe('OK');
    await clock.run(at.command('ATH'));
    await expect(clock.run(at.connect('ATO'))).rejects.toMatchObject({ code: 'ERR_AT_NO_CARRIER' });
    await clock.run(at.command('AT#SGACT=1,1'));
  });

  test('DTR drops in the middle of what the module sends: nothing is lost, nothing comes twice', async () => {
    const clock = new VirtualClock();
    const module = new VirtualHe863({ clock });
    onTestFinished(() => module.close());
    const slow = pacedLine({ clock, baudRate: 19_200 });
    module.serve(slow.dce);
    const at = new AtClient(slow.dte, { clock });
    await clock.run(at.command('AT&D1+CGDCONT=1,"IP","internet"'));
    const call = await clock.run(at.connect('ATD*99***1#'));
    const wire = memoryPair();
    const link = new PppLink(wire.dte, { clock, watchCarrier: false });
    let out: Port = call;
    wire.dce.received$.subscribe((chunk) => void out.send(chunk).catch(() => undefined));
    call.received$.subscribe((chunk) => void wire.dce.send(chunk));
    await clock.run(link.open());
    const got: string[] = [];
    link.packets$.subscribe((packet) => got.push(fromLatin1(packet.subarray(28))));
    const sent = Array.from({ length: 8 }, (_, number) => String(number).repeat(1400));
    await Promise.all(sent.map((text, number) => link.send(ping('10.64.0.1', number, latin1(text)))));
    // The last request has gone, and its answer is under way: DTR does not wait for silence.
    while (got.length < sent.length - 1) await clock.advance(10);
    await clock.advance(100);
    expect(await clock.run(call.escape({ by: 'dtr' }))).toBe('OK');
    expect(got.length).toBeLessThan(sent.length);
    const again = await clock.run(at.connect('ATO'));
    again.received$.subscribe((chunk) => void wire.dce.send(chunk));
    out = again;
    await clock.advance(10_000);
    expect(got).toEqual(sent);
    expect(link.counters).toMatchObject({ fcsErrors: 0, aborts: 0, runts: 0, giants: 0, garbageBytes: 0 });
  });

  test('context 1 alone, and never together with IP Easy', async () => {
    const { line } = served();
    const host = new LineHost(line);
    await host.ask('ATE0+CMEE=1;+CGDCONT=1,"IP","a";+CGDCONT=2,"IP","b"\r');
    expect(await host.ask('ATD*99***2#\r')).toBe('\r\n+CME ERROR: 3\r\n');
    expect(await host.ask('ATD*99***6#\r')).toBe('\r\n+CME ERROR: 3\r\n');
    await host.ask('AT#SGACT=1,1\r');
    expect(await host.ask('ATD*99***1#\r')).toBe('\r\n+CME ERROR: 3\r\n');
    await host.ask('AT#SGACT=1,0\r');
    await host.ask('AT+CGDCONT=1\r');
    expect(await host.ask('ATD*99***1#\r')).toBe('\r\n+CME ERROR: 3\r\n');
  });

  test('any context with pppContexts all', async () => {
    const { line } = served({ pppContexts: 'all' });
    const host = new LineHost(line);
    await host.ask('ATE0+CGDCONT=2,"IP","b"\r');
    expect(await host.ask('ATD*99***2#\r')).toContain('\r\nCONNECT\r\n');
  });

  test.each([
    ['context', { kind: 'context', cid: 1 }],
    ['carrier', { kind: 'carrier', port: 0 }],
  ] as const)('the %s is lost: NO CARRIER, and the next call works', async (_name, fault) => {
    const { clock, link, call, at, module } = await dial({});
    await clock.run(link.open());
    module.faults.inject(fault);
    expect(await clock.run(call.ended)).toMatchObject({ reason: 'noCarrier' });
    const next = new PppLink(await clock.run(at.connect('ATD*99***1#')), { clock });
    await clock.run(next.open());
    await pings(next, clock, 1);
  });

  test('on a virtual port, while the others answer AT', async () => {
    const { clock, ask, ports } = await multiplexed();
    await ask(2, 'AT+CGDCONT=1,"IP","x"\r');
    const at = new AtClient(ports[0] as Port, { clock });
    const link = new PppLink(await clock.run(at.connect('ATD*99***1#')), { clock });
    await clock.run(link.open());
    await Promise.all([pings(link, clock, 1), ask(3, 'AT+CSQ\r')]);
    expect(await ask(2, 'AT+CGPADDR=1\r')).toContain('+CGPADDR: 1,"10.64.0.1"');
    expect(await ask(3, 'ATD*99***1#\r')).toBe('\r\nERROR\r\n');
    await settle();
  });
});

test('Multiplexer and module agree on N1 127 by default', async () => {
  const { clock, line } = served();
  const host = new LineHost(line);
  await host.ask('ATE0\r');
  await host.ask('AT+CMUX=0\r');
  const multiplexer = new Multiplexer(line, { n1: 127, clock });
  await clock.run(multiplexer.start());
  const port = await clock.run(multiplexer.open(1));
  const client = new AtClient(port, { clock });
  expect((await clock.run(client.command('AT+CGMM'))).lines).toEqual(['HE863-EUD']);
});
