import { hasCode, latin1 } from '@cellmux/port';
import { describe, expect, it } from 'vitest';
import type { CmuxEvent } from './cmux-event.ts';
import { CONTROL, POLL_FINAL } from './core/control-field.ts';
import { encodeMessage } from './core/control-message.ts';
import { addressOf, encodeBasicFrame } from './core/frame-encoder.ts';
import type { DlcPort } from './dlc-port.ts';
import { ScriptedPeer } from '../test/scripted-peer.ts';

async function opened(peer: ScriptedPeer, dlci: number): Promise<DlcPort> {
  const opening = peer.host.open(dlci);
  await peer.clock.advance(0);
  await peer.say('UA', dlci);
  return peer.clock.run(opening);
}
const reason = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error);
function text(port: DlcPort): () => string {
  let heard = '';
  port.received$.subscribe({
    next: (chunk) => (heard += Buffer.from(chunk).toString('latin1')),
    error: () => undefined,
  });
  return () => heard;
}
function eventsOf(peer: ScriptedPeer): CmuxEvent[] {
  const events: CmuxEvent[] = [];
  peer.host.events$.subscribe((event) => events.push(event));
  return events;
}

describe('opening', () => {
  it('sends SABM N2 + 1 times, T1 apart, and takes the answer to any of them', async () => {
    const peer = new ScriptedPeer({ t1Ms: 100, n2: 3 });
    const started = peer.host.start();
    const times: number[] = [];
    for (let ms = 0; ms < 350; ms += 10) {
      for (const _ of await peer.heard()) times.push(peer.clock.now());
      await peer.clock.advance(10);
    }
    expect(times).toEqual([0, 100, 200, 300]);
    await peer.say('UA', 0);
    await peer.clock.run(started);
  });

  it('takes UA and MSC in one chunk, answers MSC, and tells its own once', async () => {
    const peer = new ScriptedPeer();
    await peer.up();
    const opening = peer.host.open(1);
    await peer.heard();
    await peer.raw('F9 07 73 01 15 F9 F9 01 EF 09 E3 05 07 0D 9A F9');
    const port = await peer.clock.run(opening);
    expect(port.circuits).toMatchObject({ dsr: true, cts: true, dcd: false });
    expect(await peer.heard()).toEqual([
      'DLCI 0 C/R=1 UIH P/F=0 FCS FB: MSC command DLCI 1: FC=0 RTC=1 RTR=1 IC=0 DV=1',
      'DLCI 0 C/R=1 UIH P/F=0 FCS FB: MSC response DLCI 1: FC=0 RTC=1 RTR=1 IC=0 DV=0',
    ]);
  });

  it('is not put out by a UA that comes twice', async () => {
    const peer = new ScriptedPeer();
    await peer.up();
    const port = await opened(peer, 1);
    await peer.heard();
    await peer.say('UA', 1);
    await peer.say('UA', 0);
    expect(await peer.heard()).toEqual([]);
    expect(port.isClosed).toBe(false);
  });

  it('answers a SABM that crosses its own, and is open', async () => {
    const peer = new ScriptedPeer();
    await peer.up();
    const opening = peer.host.open(1);
    await peer.heard();
    await peer.say('SABM', 1);
    await peer.clock.run(opening);
    expect((await peer.heard())[0]).toBe('DLCI 1 C/R=0 UA P/F=1 FCS 74');
  });

  it('gives a DLC that the peer opens to incoming$, even to a late subscriber', async () => {
    const peer = new ScriptedPeer();
    await peer.up();
    await peer.say('SABM', 4);
    await peer.data(4, latin1('early'));
    const ports: DlcPort[] = [];
    peer.host.incoming$.subscribe((port) => ports.push(port));
    expect(ports.map((port) => port.dlci)).toEqual([4]);
    expect(text(ports[0] as DlcPort)()).toBe('early');
  });

  it('is refused by DISC in answer to SABM, and by DM with either P/F', async () => {
    const peer = new ScriptedPeer();
    await peer.up();
    for (const refuse of [
      () => peer.say('DISC', 1),
      () => peer.say('DM', 1),
      () => peer.octets(encodeBasicFrame(addressOf(1, 1), CONTROL.DM, new Uint8Array())),
      () => peer.octets(encodeBasicFrame(addressOf(1, 0), CONTROL.DM | POLL_FINAL, new Uint8Array())),
    ]) {
      const opening = reason(peer.host.open(1));
      await peer.clock.advance(0);
      await refuse();
      expect(hasCode(await peer.clock.run(opening), 'ERR_CMUX_DLC_REFUSED')).toBe(true);
    }
  });

  it('can be aborted, and then closes what the peer may have opened', async () => {
    const peer = new ScriptedPeer();
    await peer.up();
    const abort = new AbortController();
    const opening = reason(peer.host.open(1, { signal: abort.signal }));
    await peer.heard();
    abort.abort('no more');
    expect(await opening).toBe('no more');
    expect(await peer.heard()).toEqual(['DLCI 1 C/R=1 DISC P/F=1 FCS 3F']);
    await peer.say('UA', 1);
    await opened(peer, 1);
  });

  it('keeps its port when the peer sends SABM again, and tells its signals anew', async () => {
    const peer = new ScriptedPeer();
    await peer.up();
    const port = await opened(peer, 1);
    await peer.data(0, 'E1 05 07 8D');
    await peer.heard();
    await peer.say('SABM', 1);
    expect(await peer.heard()).toEqual([
      'DLCI 1 C/R=0 UA P/F=1 FCS 74',
      'DLCI 0 C/R=1 UIH P/F=0 FCS FB: MSC command DLCI 1: FC=0 RTC=1 RTR=1 IC=0 DV=1',
    ]);
    expect(port.isClosed).toBe(false);
  });

  it('negotiates with PN what is wished, and takes a lower N1', async () => {
    const peer = new ScriptedPeer({ n1: 127 });
    await peer.up();
    const opening = peer.host.open(1, { n1: 512, priority: 3 });
    expect((await peer.heard())[0]).toContain('PN command DLCI 1: UIH layer=1 priority=3 T1=100 ms N1=512 N2=3 k=2');
    await peer.data(0, '81 11 01 00 03 0A 00 01 03 02');
    expect(await peer.heard()).toEqual(['DLCI 1 C/R=1 SABM P/F=1 FCS DE']);
    await peer.say('UA', 1);
    const port = await peer.clock.run(opening);
    expect(port.parameters).toMatchObject({ n1: 256, priority: 3 });
  });

  it.each([
    ['NSC', '11 03 83'],
    ['a changed proposal', '81 11 01 01 03 0A 00 01 03 02'],
    ['silence', ''],
  ])('uses the standard values where PN gets %s', async (_what, answer) => {
    const peer = new ScriptedPeer({ n1: 127 });
    await peer.up();
    const opening = peer.host.open(1, { n1: 512 });
    await peer.clock.advance(0);
    if (answer === '') await peer.clock.advance(1300);
    else await peer.data(0, answer);
    expect((await peer.heard()).at(-1)).toBe('DLCI 1 C/R=1 SABM P/F=1 FCS DE');
    await peer.say('UA', 1);
    expect((await peer.clock.run(opening)).parameters.n1).toBe(127);
  });

  it('gives up where the peer does not have what an application cannot do without', async () => {
    const peer = new ScriptedPeer();
    await peer.up();
    const opening = reason(peer.host.open(1, { convergence: 3 }));
    await peer.clock.advance(0);
    await peer.data(0, '11 03 83');
    expect(hasCode(await peer.clock.run(opening), 'ERR_CMUX_NOT_AGREED')).toBe(true);
    expect((await peer.heard()).join()).not.toContain('SABM');
  });
});

describe('what implementations get wrong', () => {
  it('is told the signals that a peer tells before its UA', async () => {
    const peer = new ScriptedPeer();
    await peer.up();
    const opening = peer.host.open(1);
    await peer.heard();
    await peer.data(0, 'E3 05 07 CD');
    await peer.say('UA', 1);
    const port = await peer.clock.run(opening);
    expect(port.circuits).toMatchObject({ dsr: true, cts: true, dcd: true, ri: true });
  });

  it('takes SABM, UA and DISC without P/F', async () => {
    const peer = new ScriptedPeer();
    const started = peer.host.start();
    await peer.octets(encodeBasicFrame(addressOf(0, 1), CONTROL.UA, new Uint8Array()));
    await peer.clock.run(started);
    await peer.octets(encodeBasicFrame(addressOf(2, 0), CONTROL.SABM, new Uint8Array()));
    expect(peer.host.ports.has(2)).toBe(true);
    await peer.octets(encodeBasicFrame(addressOf(2, 0), CONTROL.DISC, new Uint8Array()));
    expect(peer.host.ports.has(2)).toBe(false);
  });

  it("understands NSC as Linux's n_gsm writes it, with the type shifted down", async () => {
    const peer = new ScriptedPeer();
    await peer.up();
    for (const [ask, value] of [
      [() => peer.host.portSettings(1), '49'],
      [() => peer.host.test(), '11'],
      [() => peer.host.sleep(), '21'],
    ] as const) {
      const asked = reason(ask());
      await peer.clock.advance(0);
      await peer.data(0, `11 03 ${value}`);
      expect(hasCode(await peer.clock.run(asked), 'ERR_CMUX_NOT_SUPPORTED')).toBe(true);
    }
  });

  it('takes no message for the answer to CLD but its own', async () => {
    const peer = new ScriptedPeer();
    await peer.up();
    const closing = peer.host.close();
    expect((await peer.heard()).join()).toContain('CLD command');
    await peer.data(0, '41 01 61 01 E1 05 07 8D 11 03 2B');
    expect(peer.host.state).toBe('closing');
    await peer.data(0, 'C1 01');
    await peer.clock.run(closing);
    expect(await peer.host.ended).toEqual({ reason: 'closed' });
  });

  it('waits for the longest frame of a DLC before it takes a command for lost', async () => {
    const peer = new ScriptedPeer({ baudRate: 9600, n1: 31, n1Limit: 512 });
    await peer.up();
    // 20 ms, and 2 frames of 38 octets at 1.042 ms each, on top of 100 ms.
    const t1Ms = 200;
    await peer.data(0, '83 11 01 00 07 0A 00 02 03 02');
    await peer.say('SABM', 1);
    await peer.clock.advance(200);
    await peer.heard();
    const opening = reason(peer.host.open(2));
    await peer.clock.advance(t1Ms + 2 * 481 * (10_000 / 9600) - 20);
    expect((await peer.heard()).filter((line) => line.includes('SABM'))).toHaveLength(1);
    await peer.clock.advance(40);
    expect((await peer.heard()).filter((line) => line.includes('SABM'))).toHaveLength(1);
    await peer.say('UA', 2);
    await peer.clock.run(opening);
  });
});

describe('the control channel', () => {
  it('answers every command, several of them in one information field', async () => {
    const peer = new ScriptedPeer();
    await peer.up();
    await opened(peer, 1);
    await peer.heard();
    await peer.data(0, '23 09 50 49 4E 47 E3 05 07 8D 53 05 07 03 93 03 07 D3 03 07 63 01 A3 01 2B 03 55');
    expect((await peer.heard()).map((line) => line.replace(/^.*FCS ..: /, ''))).toEqual([
      'Test response: 50 49 4E 47 "PING"',
      'MSC response DLCI 1: FC=0 RTC=1 RTR=1 IC=0 DV=1',
      'RLS response DLCI 1: error=1 overrun=1 parity=0 framing=0',
      'RPN response DLCI 1: 9600 Bd data=8 parity=none stop=1 flow=00 XON=11 XOFF=13 mask=3F7F',
      'SNC response DLCI 1: data=1 voice=0 codecs=00',
      'FCoff response',
      'FCon response',
      'NSC response: 2B',
    ]);
  });

  it('counts each frame that it sends and takes', async () => {
    const peer = new ScriptedPeer();
    await peer.up();
    await opened(peer, 1);
    const before = peer.host.counters;
    await peer.data(0, '23 05 01 02');
    await peer.data(1, latin1('x'));
    const after = peer.host.counters;
    expect(after.framesSent - before.framesSent).toBe(1);
    expect(after.framesReceived - before.framesReceived).toBe(2);
    expect(after.octetsSent - before.octetsSent).toBe(10);
  });

  it('takes control messages in UI as well', async () => {
    const peer = new ScriptedPeer();
    await peer.up();
    const test = encodeMessage('Test', true, latin1('PING'));
    await peer.octets(encodeBasicFrame(addressOf(0, 0), CONTROL.UI, test));
    const [answer] = await peer.heard();
    expect(answer ?? 'none').toContain('Test response');
  });

  it('remembers the port settings that RPN sets, and says which it takes', async () => {
    const peer = new ScriptedPeer();
    const events = eventsOf(peer);
    await peer.up();
    await peer.data(0, '93 11 07 07 03 00 11 13 01 00');
    expect((await peer.heard())[0]).toContain('115200 Bd data=8 parity=none');
    await peer.data(0, '93 11 07 3F 1B 00 11 13 0F 00');
    const [answer] = await peer.heard();
    expect(answer).toContain('115200 Bd data=8 parity=even');
    expect(answer).toContain('mask=000E');
    expect(events.filter(({ type }) => type === 'portSettings')).toHaveLength(2);
  });

  it('reads MSC by its length: a break octet behind EA = 1 is one, and the signals stand', async () => {
    const peer = new ScriptedPeer();
    await peer.up();
    const port = await opened(peer, 2);
    await peer.raw('F9 01 FF 0B E3 07 0B 09 01 6C F9');
    expect(port.circuits).toMatchObject({ cts: true, dsr: false, break: false });
    const heard = text(port);
    void port.send(latin1('not blocked'));
    expect((await peer.heard()).at(-1)).toContain('not blocked');
    expect(heard()).toBe('');
  });

  it('has one MSC outstanding, and then tells the latest state, not each in between', async () => {
    const peer = new ScriptedPeer();
    await peer.up();
    const port = await opened(peer, 1);
    await peer.heard();
    port.pause();
    port.resume();
    port.pause();
    await port.setCircuits({ rts: false });
    expect(await peer.heard()).toEqual([]);
    await peer.data(0, 'E1 05 07 8D');
    expect(await peer.heard()).toEqual([
      'DLCI 0 C/R=1 UIH P/F=0 FCS FB: MSC command DLCI 1: FC=1 RTC=1 RTR=0 IC=0 DV=1',
    ]);
    await peer.data(0, 'E1 05 07 87');
    expect(await peer.heard()).toEqual([]);
  });

  it('tells no change that is no change: back to what the peer knows, and the same by two ways', async () => {
    const peer = new ScriptedPeer({ backlogLimitBytes: 1024 });
    await peer.up();
    const port = await opened(peer, 1);
    await peer.heard();
    port.pause();
    port.resume();
    await peer.data(0, 'E1 05 07 8D');
    expect(await peer.heard()).toEqual([]);
    port.pause();
    expect(await peer.heard()).toHaveLength(1);
    await peer.data(0, 'E1 05 07 8F');
    // A backlog above its mark asks for what was asked for already.
    for (let count = 0; count < 20; count++) await peer.data(1, new Uint8Array(31));
    expect(await peer.heard()).toEqual([]);
    expect(peer.host.counters.dlcs.get(1)?.stoppedByUs).toBe(2);
  });

  it('says MSC again when the answer is not its echo, and when it answers for another DLC', async () => {
    const peer = new ScriptedPeer();
    await peer.up();
    await opened(peer, 1);
    await opened(peer, 2);
    await peer.data(0, 'E1 05 0B 8D');
    await peer.heard();
    // A bit was damaged on the way: the peer has heard FC = 1 for DLCI 1 ...
    await peer.data(0, 'E1 05 07 8F');
    await peer.clock.advance(1);
    expect((await peer.heard())[0]).toContain('MSC command DLCI 1: FC=0');
    await peer.data(0, 'E1 05 07 8D');
    // ... and here for DLCI 2, which nobody spoke of.
    await peer.data(0, 'E1 05 0B 8F');
    expect((await peer.heard())[0]).toContain('MSC command DLCI 2: FC=0');
  });

  it('sends commands again after T2, N2 times, and then once more after T3 where a DLC would stay stopped', async () => {
    const peer = new ScriptedPeer({ t3Ms: 5000 });
    await peer.up();
    await opened(peer, 1);
    let count = 0;
    for (let ms = 0; ms < 3000; ms += 100) {
      count += (await peer.heard()).filter((line) => line.includes('MSC')).length;
      await peer.clock.advance(100);
    }
    expect(count).toBe(4);
    await peer.clock.advance(4000);
    expect((await peer.heard()).some((line) => line.includes('MSC'))).toBe(true);
  });

  it('gives Test, FCoff, FCon, RPN, RLS and SNC their results', async () => {
    const peer = new ScriptedPeer();
    await peer.up();
    const test = peer.host.test();
    await peer.clock.advance(30);
    await peer.data(0, '21 09 54 45 53 54');
    expect(await peer.clock.run(test)).toBe(30);
    const stopped = peer.host.stopPeer();
    await peer.data(0, '61 01');
    await peer.clock.run(stopped);
    const released = peer.host.releasePeer();
    await peer.data(0, 'A1 01');
    await peer.clock.run(released);
    const settings = peer.host.portSettings(2);
    await peer.data(0, '91 11 0B 05 03 00 11 13 7F 3F');
    expect(await peer.clock.run(settings)).toMatchObject({ baudRate: 38400, dataBits: 8 });
    const status = peer.host.reportLineStatus({ dlci: 2, isError: true, overrun: true, parity: false, framing: false });
    await peer.data(0, '51 05 0B 03');
    await peer.clock.run(status);
    const services = reason(peer.host.negotiateServices(2));
    await peer.clock.advance(0);
    await peer.data(0, '11 03 D3');
    expect(hasCode(await peer.clock.run(services), 'ERR_CMUX_NOT_SUPPORTED')).toBe(true);
    expect(hasCode(await reason(peer.host.negotiateServices(2)), 'ERR_CMUX_NOT_SUPPORTED')).toBe(true);
    expect(hasCode(await peer.clock.run(reason(peer.host.test())), 'ERR_CMUX_NO_ANSWER')).toBe(true);
  });

  it('is not closed, stopped or put to sleep by a message whose type octet is one bit off', async () => {
    const peer = new ScriptedPeer();
    await peer.up();
    await opened(peer, 1);
    await peer.heard();
    // MSC with its type octet damaged to CLD, FCoff, PSC: the length gives it away.
    for (const type of ['C3', '63', '43', 'A3']) await peer.data(0, `${type} 05 07 8D`);
    expect(await peer.heard()).toEqual([]);
    expect(peer.host.state).toBe('up');
    expect(peer.host.counters.malformedMessages).toBe(4);
  });
});

describe('data', () => {
  it('is sent with the C/R of its role, and taken with either', async () => {
    const peer = new ScriptedPeer();
    await peer.up();
    const port = await opened(peer, 1);
    await peer.heard();
    const heard = text(port);
    await peer.raw('F9 07 EF 1D 0D 0A 4E 4F 20 43 41 52 52 49 45 52 0D 0A 22 F9');
    await peer.data(1, latin1('!'));
    expect(heard()).toBe('\r\nNO CARRIER\r\n!');
    await port.send(latin1('AT'));
    expect(await peer.heard()).toEqual(['DLCI 1 C/R=1 UIH P/F=0 FCS 30: 2 octets 41 54 "AT"']);
  });

  it('behind a frame that never ends arrives after the inter-octet time-out, and not before', async () => {
    for (const [options, timeoutMs] of [
      [{ interOctetMs: 80 }, 80],
      [{}, 50],
      // Three frames of 134 octets at 9600 Bd.
      [{ baudRate: 9600, n1: 127 }, 419],
    ] as const) {
      const peer = new ScriptedPeer({ n1: 127, ...options });
      await peer.up();
      const port = await opened(peer, 1);
      const heard = text(port);
      await peer.raw('F9 05 EF FF 41');
      await peer.data(1, latin1('late'));
      await peer.clock.advance(timeoutMs - 1);
      expect(heard()).toBe('');
      await peer.clock.advance(2);
      expect(heard()).toBe('late');
      expect(peer.host.counters.foundLate).toBe(1);
    }
  });

  it('on a DLC that is not open gets DM, once for a burst', async () => {
    const peer = new ScriptedPeer();
    await peer.up();
    for (let frame = 0; frame < 5; frame++) await peer.data(3, latin1('stray'));
    expect(await peer.heard()).toEqual(['DLCI 3 C/R=0 DM P/F=1 FCS D0']);
  });

  it('stops on FC = 1 of its own DLC, on FCoff everywhere but on DLCI 0, and goes on', async () => {
    const peer = new ScriptedPeer();
    await peer.up();
    const one = await opened(peer, 1);
    const two = await opened(peer, 2);
    await peer.data(0, 'E1 05 07 8D E1 05 0B 8D');
    await peer.data(0, 'E3 05 07 8F');
    await peer.heard();
    void one.send(latin1('one'));
    void two.send(latin1('two'));
    expect((await peer.heard()).join()).toMatch(/^DLCI 2 .*"two"$/);
    await peer.data(0, 'E3 05 07 8D');
    expect((await peer.heard()).join()).toContain('"one"');
    await peer.data(0, '63 01');
    await peer.heard();
    void one.send(latin1('later'));
    one.pause();
    expect((await peer.heard()).join()).toMatch(/^DLCI 0 .*FC=1 RTC=1 RTR=1 IC=0 DV=1$/);
    await peer.data(0, 'A3 01');
    expect((await peer.heard()).join()).toContain('"later"');
  });

  it('is cut at N1 and joined from small sends; each send resolves when its last octet is taken', async () => {
    const peer = new ScriptedPeer({ n1: 10 });
    await peer.up();
    const port = await opened(peer, 1);
    await peer.heard();
    await Promise.all([port.send(latin1('abc')), port.send(latin1('')), port.send(latin1('defghijklmnop'))]);
    expect((await peer.heard()).map((line) => /"(.*)"/.exec(line)?.[1])).toEqual(['abc', 'defghijklm', 'nop']);
    await peer.data(0, 'E3 05 07 8F');
    await peer.heard();
    const sends = ['abc', 'de', '', 'fghijklmnop'].map((part) => port.send(latin1(part)));
    await peer.data(0, 'E3 05 07 8D');
    await Promise.all(sends);
    const frames = (await peer.heard()).filter((line) => line.startsWith('DLCI 1'));
    expect(frames.map((line) => /"(.*)"/.exec(line)?.[1])).toEqual(['abcdefghij', 'klmnop']);
  });

  it('that waits can be taken back with a signal', async () => {
    const peer = new ScriptedPeer();
    await peer.up();
    const port = await opened(peer, 1);
    await peer.data(0, 'E3 05 07 8F');
    const abort = new AbortController();
    const taken = reason(port.send(latin1('taken back'), { signal: abort.signal }));
    const kept = port.send(latin1('kept'));
    abort.abort('changed my mind');
    expect(await taken).toBe('changed my mind');
    await peer.data(0, 'E3 05 07 8D');
    await kept;
    expect((await peer.heard()).join()).not.toContain('taken back');
  });
});

describe('closing', () => {
  it('goes DISC on each DLC, CLD; and DISC on DLCI 0 where CLD is not answered', async () => {
    const peer = new ScriptedPeer();
    await peer.up();
    await opened(peer, 1);
    await opened(peer, 2);
    await peer.data(0, 'E1 05 07 8D E1 05 0B 8D');
    await peer.heard();
    const closing = peer.host.close();
    expect(await peer.heard()).toEqual(['DLCI 1 C/R=1 DISC P/F=1 FCS 3F', 'DLCI 2 C/R=1 DISC P/F=1 FCS B8']);
    await peer.say('UA', 1);
    expect(await peer.heard()).toEqual([]);
    await peer.say('DM', 2);
    expect(await peer.heard()).toEqual(['DLCI 0 C/R=1 UIH P/F=0 FCS F2: CLD command']);
    await peer.data(0, '11 03 C3');
    expect(await peer.heard()).toEqual(['DLCI 0 C/R=1 DISC P/F=1 FCS FD']);
    await peer.say('UA', 0);
    await peer.clock.run(closing);
    expect(await peer.host.ended).toEqual({ reason: 'closed' });
  });

  it('leaves what came behind the last frame to the next user of the line', async () => {
    const peer = new ScriptedPeer();
    await peer.up();
    const closing = peer.host.close();
    await peer.heard();
    await peer.raw('F9 03 EF 05 C1 01 F2 F9 0D 0A 4F 4B 0D 0A');
    await peer.clock.run(closing);
    let heard = '';
    peer.host.released.received$.subscribe((chunk) => (heard += Buffer.from(chunk).toString('latin1')));
    await peer.raw('52 49 4E 47');
    expect(heard).toBe('\r\nOK\r\nRING');
  });

  it('sends what is queued before DISC, and tells the sender where a peer that stopped it never takes it', async () => {
    const peer = new ScriptedPeer({ lingerMs: 1000 });
    await peer.up();
    const port = await opened(peer, 1);
    await peer.data(0, 'E1 05 07 8D');
    await peer.heard();
    const sent = port.send(latin1('last words'));
    const closing = port.close();
    await sent;
    expect((await peer.heard()).map((line) => line.slice(0, 16))).toEqual(['DLCI 1 C/R=1 UIH', 'DLCI 1 C/R=1 DIS']);
    await peer.say('UA', 1);
    await peer.clock.run(closing);
    expect(hasCode(await reason(port.send(latin1('x'))), 'ERR_PORT_CLOSED')).toBe(true);

    const second = await opened(peer, 1);
    await peer.data(0, 'E1 05 07 8D E3 05 07 8F');
    const stuck = reason(second.send(latin1('stuck')));
    const secondClosing = second.close();
    await peer.clock.advance(1000);
    await peer.say('UA', 1);
    await peer.clock.run(secondClosing);
    const error = await stuck;
    expect(hasCode(error, 'ERR_PORT_CLOSED')).toBe(true);
    expect((error as { context: unknown }).context).toMatchObject({ unsentBytes: 5 });
  });

  it('answers a CLD of the peer before it ends, and completes its ports', async () => {
    const peer = new ScriptedPeer();
    await peer.up();
    const port = await opened(peer, 1);
    let isComplete = false;
    port.received$.subscribe({ complete: () => (isComplete = true) });
    await peer.heard();
    await peer.data(0, 'C3 01');
    expect(await peer.heard()).toEqual(['DLCI 0 C/R=1 UIH P/F=0 FCS F2: CLD response']);
    expect(await peer.host.ended).toEqual({ reason: 'closedByPeer' });
    expect(isComplete).toBe(true);
  });
});

describe('supervision', () => {
  it('asks with Test when nothing has come for a while, and takes the link for lost when nobody answers', async () => {
    const peer = new ScriptedPeer({ keepAliveMs: 10_000 });
    await peer.up();
    const port = await opened(peer, 1);
    await peer.data(0, 'E1 05 07 8D');
    let failure: unknown;
    port.received$.subscribe({ error: (error: unknown) => (failure = error) });
    await peer.heard();
    await peer.clock.advance(9000);
    await peer.data(1, latin1('.'));
    await peer.clock.advance(9000);
    expect(await peer.heard()).toEqual([]);
    await peer.clock.advance(1100);
    const [asked = ''] = await peer.heard();
    const pattern = /Test command: 63 6D 00 01/.test(asked);
    expect(pattern).toBe(true);
    await peer.data(0, '21 09 63 6D 00 01');
    await peer.clock.advance(12_000);
    const pending = reason(port.send(new Uint8Array(100_000)));
    await peer.clock.run(peer.host.ended);
    expect(await peer.host.ended).toEqual({ reason: 'linkLost' });
    expect(hasCode(failure, 'ERR_CMUX_LINK_LOST')).toBe(true);
    await pending;
  });

  it('comes to an end of each silence, whatever the clock rounds', async () => {
    const peer = new ScriptedPeer({ keepAliveMs: 2000 });
    await peer.up();
    // (r + 2000) - r is less than 2000 here, in numbers of 53 bits.
    const receivedAtMs = 81.53082764508659;
    expect(receivedAtMs + 2000 - receivedAtMs).toBeLessThan(2000);
    await peer.clock.advance(receivedAtMs);
    await peer.data(0, '');
    await peer.clock.advance(1999);
    expect(await peer.heard()).toEqual([]);
    let turns = 0;
    const after = peer.clock.after.bind(peer.clock);
    peer.clock.after = (delayMs, task) => {
      if (++turns > 100) throw new Error('the timer is set again and again');
      return after(delayMs, task);
    };
    await peer.clock.advance(2);
    expect((await peer.heard()).join()).toContain('Test command');
  });

  it('does not take its own frames, which a module in command mode echoes, for a sign of life', async () => {
    const peer = new ScriptedPeer({ keepAliveMs: 10_000 });
    await peer.up();
    const port = await opened(peer, 1);
    port.received$.subscribe({ error: () => undefined });
    await peer.data(0, 'E1 05 07 8D');
    peer.line.dce.received$.subscribe((chunk) => void peer.line.dce.send(chunk).catch(() => undefined));
    const ended = peer.host.ended;
    let isOver = false;
    void ended.then(() => (isOver = true));
    for (let second = 0; second < 30 && !isOver; second++) {
      await port.send(latin1('x')).catch(() => undefined);
      await peer.clock.advance(1000);
    }
    expect(isOver).toBe(true);
    expect(await ended).toEqual({ reason: 'linkLost' });
  });

  it('asks with MSC a peer that has no Test', async () => {
    const peer = new ScriptedPeer({ keepAliveMs: 5000 });
    await peer.up();
    await opened(peer, 1);
    await peer.data(0, 'E1 05 07 8D');
    await peer.clock.advance(5000);
    await peer.data(0, '11 03 23');
    await peer.heard();
    await peer.clock.advance(5000);
    expect((await peer.heard())[0]).toContain('MSC command DLCI 1');
    await peer.data(0, 'E1 05 07 8D');
    expect(peer.host.state).toBe('up');
  });

  it('makes an event of the boot text of a module that restarted, asks it, and ends', async () => {
    const peer = new ScriptedPeer();
    const events = eventsOf(peer);
    await peer.up();
    await peer.line.dce.send(latin1('\0\r\n^SYSSTART\r\n'));
    await peer.clock.advance(60);
    expect(events.at(-1)).toEqual({ type: 'moduleText', text: '^SYSSTART' });
    expect((await peer.heard()).join()).toContain('Test command');
    expect(await peer.clock.run(peer.host.ended)).toEqual({ reason: 'moduleLeft' });
  });

  it('is not misled by the debris of a damaged frame, or by text that a module says and stays', async () => {
    const peer = new ScriptedPeer();
    const events = eventsOf(peer);
    await peer.up();
    await peer.raw('F9 05 EF 0F 0D 0A 52 45 41 44 59 01 F9');
    await peer.clock.advance(100);
    expect(events.some(({ type }) => type === 'moduleText')).toBe(false);
    await peer.line.dce.send(latin1('\r\n+CREG: 1\r\n'));
    await peer.clock.advance(60);
    expect(events.some(({ type }) => type === 'moduleText')).toBe(true);
    await peer.data(0, '21 09 63 6D 00 01');
    await peer.clock.advance(5000);
    expect(peer.host.state).toBe('up');
  });
});

describe('sleep', () => {
  it('is agreed on, and what is sent meanwhile first wakes the peer with flags', async () => {
    const peer = new ScriptedPeer();
    const octets: number[] = [];
    peer.line.dce.received$.subscribe((chunk) => octets.push(...chunk));
    const events = eventsOf(peer);
    await peer.up();
    const port = await opened(peer, 1);
    await peer.data(0, 'E1 05 07 8D');
    const asleep = peer.host.sleep();
    await peer.data(0, '41 01');
    await peer.clock.run(asleep);
    expect(events.at(-1)).toEqual({ type: 'power', state: 'asleep' });
    await peer.heard();
    octets.length = 0;
    const sent = port.send(latin1('hello'));
    await peer.clock.advance(45);
    expect(octets).toEqual(new Array(15).fill(0xf9));
    await peer.raw('F9 F9 F9');
    await peer.clock.run(sent);
    expect((await peer.heard()).join()).toContain('"hello"');
  });

  it('ends all the same where the peer answers no flags', async () => {
    const peer = new ScriptedPeer({ wakeMs: 500 });
    await peer.up();
    const port = await opened(peer, 1);
    await peer.data(0, 'E1 05 07 8D');
    const asleep = peer.host.sleep();
    await peer.data(0, '41 01');
    await peer.clock.run(asleep);
    const began = peer.clock.now();
    await peer.clock.run(port.send(latin1('hello')));
    expect(peer.clock.now() - began).toBe(500);
  });

  it('of the peer is respected, its flags are answered, and its frames wake', async () => {
    const peer = new ScriptedPeer();
    const octets: number[] = [];
    await peer.up();
    const port = await opened(peer, 1);
    await peer.data(0, 'E1 05 07 8D');
    const heard = text(port);
    await peer.data(0, '43 01');
    expect((await peer.heard()).join()).toContain('PSC response');
    peer.line.dce.received$.subscribe((chunk) => octets.push(...chunk));
    await peer.raw('F9 F9 F9 F9');
    expect(octets).toEqual([0xf9, 0xf9, 0xf9, 0xf9, 0xf9]);
    await peer.data(1, latin1('awake'));
    expect(heard()).toBe('awake');
    await port.send(latin1('me too'));
    expect((await peer.heard()).join()).toContain('me too');
  });

  it('does not let timers run out', async () => {
    const peer = new ScriptedPeer({ wakeMs: 1000, t3Ms: 10_000 });
    await peer.up();
    const asleep = peer.host.sleep();
    await peer.data(0, '41 01');
    await peer.clock.run(asleep);
    const opening = peer.host.open(2);
    await peer.clock.advance(900);
    await peer.raw('F9 F9');
    expect((await peer.heard()).join()).toContain('SABM');
    await peer.say('UA', 2);
    await peer.clock.run(opening);
  });
});
