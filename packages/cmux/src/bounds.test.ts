import type { CellmuxError } from '@cellmux/port';
import { hasCode, latin1, memoryPair, type Port } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import { describe, expect, it } from 'vitest';
import { CONTROL, POLL_FINAL } from './core/control-field.ts';
import { encodeMessage } from './core/control-message.ts';
import { addressOf, encodeBasicFrame } from './core/frame-encoder.ts';
import { URGENT_LIMIT } from './core/transmitter.ts';
import type { DlcPort } from './dlc-port.ts';
import { Multiplexer } from './multiplexer.ts';
import { ScriptedPeer } from '../test/scripted-peer.ts';

const reason = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error);
const nothing = new Uint8Array(0);

async function opened(peer: ScriptedPeer, dlci: number): Promise<void> {
  const opening = peer.host.open(dlci);
  await peer.clock.advance(0);
  await peer.say('UA', dlci);
  await peer.data(0, Uint8Array.of(0xe1, 0x05, (dlci << 2) | 3, 0x8d));
  await peer.clock.run(opening);
  await peer.heard();
}

/** A line whose far end takes what it is sent only while it is told to: CTS that is low. */
function holdingLine(): { host: Port; module: Port; hold: (isHeld: boolean) => void } {
  const pair = memoryPair();
  let release: (() => void)[] = [];
  let isHeld = false;
  const host = new Proxy(pair.dte, {
    get(port, name) {
      if (name === 'send') {
        return async (bytes: Uint8Array): Promise<void> => {
          if (isHeld) await new Promise<void>((resolve) => release.push(resolve));
          await port.send(bytes);
        };
      }
      const value = Reflect.get(port, name) as unknown;
      return typeof value === 'function' ? (value.bind(port) as unknown) : value;
    },
  });
  return {
    host,
    module: pair.dce,
    hold: (held) => {
      isHeld = held;
      if (!held) for (const resolve of release.splice(0)) resolve();
      release = held ? release : [];
    },
  };
}

describe('a line that takes nothing any more', () => {
  it('tells every sender when the link is lost, also those whose octets were handed down', async () => {
    const clock = new VirtualClock();
    const line = holdingLine();
    const host = new Multiplexer(line.host, { clock, keepAliveMs: 1000 });
    const module = new Multiplexer(line.module, { clock, role: 'responder' });
    void module.start();
    await clock.run(host.start());
    const port = await clock.run(host.open(1));
    port.received$.subscribe({ error: () => undefined });
    await clock.advance(100);
    line.hold(true);
    const handedDown = reason(port.send(latin1('handed down')));
    const queued = reason(port.send(new Uint8Array(100_000)));
    // What is asked now has tries left when the Test of the supervision has none.
    await clock.advance(2000);
    const asked = reason(host.portSettings(1));
    const opening = reason(host.open(2));
    expect(await clock.run(host.ended)).toEqual({ reason: 'linkLost' });
    for (const pending of [handedDown, queued, asked, opening])
      expect(hasCode(await clock.run(pending), 'ERR_CMUX_LINK_LOST')).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });

  it('does not keep a link alive that the peer has closed', async () => {
    const clock = new VirtualClock();
    const line = holdingLine();
    const host = new Multiplexer(line.host, { clock });
    void host.start();
    await clock.advance(0);
    await line.module.send(encodeBasicFrame(addressOf(0, 1), CONTROL.UA | POLL_FINAL, nothing));
    await clock.advance(0);
    line.hold(true);
    await line.module.send(encodeBasicFrame(addressOf(0, 0), CONTROL.UIH, encodeMessage('CLD', true, nothing)));
    expect(await clock.run(host.ended)).toEqual({ reason: 'closedByPeer' });
  });

  it('does not let a flood of commands fill memory, nor drown the commands of this end', async () => {
    const clock = new VirtualClock();
    const line = holdingLine();
    const host = new Multiplexer(line.host, { clock });
    const sent: number[] = [];
    line.module.received$.subscribe((chunk) => sent.push(...chunk));
    void host.start();
    await clock.advance(0);
    await line.module.send(encodeBasicFrame(addressOf(0, 1), CONTROL.UA | POLL_FINAL, nothing));
    await clock.advance(0);
    line.hold(true);
    // One batch is out; what comes now must wait.
    const flood = encodeBasicFrame(addressOf(0, 0), CONTROL.UIH, encodeMessage('Test', true, latin1('flood')));
    for (let count = 0; count < 5000; count++) await line.module.send(flood);
    expect(host.counters.answersDropped).toBeGreaterThan(1000);
    const test = host.test(latin1('ours'));
    await clock.advance(10);
    sent.length = 0;
    line.hold(false);
    await clock.advance(10);
    const text = Buffer.from(sent).toString('latin1');
    expect(text.split('flood').length - 1).toBeLessThanOrEqual(5000 - host.counters.answersDropped);
    expect(text).toContain('ours');
    await line.module.send(
      encodeBasicFrame(addressOf(0, 0), CONTROL.UIH, encodeMessage('Test', false, latin1('ours'))),
    );
    await clock.run(test);
    expect(URGENT_LIMIT).toBeLessThan(1000);
  });
});

describe('a peer that wastes memory', () => {
  it('may open and close as often as it likes while nobody asks for its ports', async () => {
    const peer = new ScriptedPeer();
    await peer.up();
    await peer.say('SABM', 2);
    await peer.data(2, latin1('kept'));
    for (let round = 0; round < 500; round++) {
      await peer.say('SABM', 1);
      await peer.data(1, latin1(`${round}`));
      await peer.say('DISC', 1);
    }
    const ports: DlcPort[] = [];
    peer.host.incoming$.subscribe((port) => ports.push(port));
    expect(ports.length).toBeLessThanOrEqual(122);
    // The one that is open is there, and the latest of those that were closed, with what they brought.
    const heard = ports.map((port) => {
      let text = '';
      port.received$.subscribe((chunk) => (text += Buffer.from(chunk).toString('latin1')));
      return text;
    });
    expect(heard[0]).toBe('kept');
    expect(heard.at(-1)).toBe('499');
  });

  it('may send fragments without octets for ever', async () => {
    const peer = new ScriptedPeer();
    await peer.up();
    await peer.data(0, '83 11 01 30 07 0A 1F 00 03 02');
    await peer.say('SABM', 1);
    const port = peer.host.ports.get(1) as DlcPort;
    const frames: number[] = [];
    port.received$.subscribe((frame) => frames.push(frame.length));
    await peer.data(1, Uint8Array.of(0x41, 1, 2));
    for (let count = 0; count < 1000; count++) await peer.data(1, Uint8Array.of(0x01));
    await peer.data(1, Uint8Array.of(0x81, 3));
    expect(frames).toEqual([3]);
    // More octets than a frame may have: it is given up, and the next one is not.
    const part = new Uint8Array(31).fill(1);
    await peer.data(1, Uint8Array.of(0x41));
    for (let count = 0; count * 30 <= 65_536; count++) await peer.data(1, part);
    await peer.data(1, Uint8Array.of(0x81));
    await peer.data(1, Uint8Array.of(0xc1, 7));
    expect(frames).toEqual([3, 1]);
    expect(peer.host.counters.dlcs.get(1)?.framesBroken).toBe(2);
  });

  it.each([
    ['2, whose signals fill it', '83 11 01 10 07 0A 01 00 03 02'],
    ['4, whose header fills it', '83 11 01 30 07 0A 01 00 03 02'],
  ])('is not agreed with on an information field of one octet for layer %s', async (_what, proposal) => {
    const peer = new ScriptedPeer();
    await peer.up();
    await peer.data(0, proposal);
    expect((await peer.heard())[0]).toContain('PN response DLCI 1: UIH layer=1 priority=7 T1=100 ms N1=1');
    await peer.say('SABM', 1);
    await peer.heard();
    const sent = (peer.host.ports.get(1) as DlcPort).send(latin1('abc'));
    await peer.clock.run(sent);
    expect((await peer.heard()).map((line) => /"(.*)"/.exec(line)?.[1])).toEqual(['a', 'b', 'c']);
  });

  it.each([0, 62, 63])('is given no answer to a proposal for DLCI %i', async (dlci) => {
    const peer = new ScriptedPeer();
    await peer.up();
    await peer.data(0, Uint8Array.of(0x83, 0x11, dlci, 0, 7, 10, 31, 0, 3, 2));
    expect(await peer.heard()).toEqual([]);
    expect(peer.host.counters.malformedMessages).toBe(1);
    expect([...peer.host.counters.dlcs.keys()]).toEqual([0]);
  });
});

describe('an end that comes with more behind it', () => {
  it('leaves no timer, though a frame had begun in the same chunk', async () => {
    const peer = new ScriptedPeer();
    await peer.up();
    await peer.raw('F9 01 EF 05 C3 01 93 F9 F9 05 EF 3F 41');
    await peer.clock.advance(1000);
    expect(await peer.host.ended).toEqual({ reason: 'closedByPeer' });
    expect(peer.clock.pendingTimers).toBe(0);
  });

  it.each(['DISC', 'DM'] as const)(
    'comes although the peer sends %s on DLCI 0 instead of the answer to CLD',
    async (type) => {
      const peer = new ScriptedPeer();
      await peer.up();
      await opened(peer, 1);
      const closing = peer.host.close();
      await peer.say('UA', 1);
      expect((await peer.heard()).join()).toContain('CLD command');
      await peer.say(type, 0);
      await peer.clock.run(closing);
      expect(await peer.host.ended).toEqual({ reason: 'closedByPeer' });
      expect(peer.clock.pendingTimers).toBe(0);
    },
  );

  it('comes although the peer wants to sleep while this end closes', async () => {
    const peer = new ScriptedPeer();
    await peer.up();
    const events: string[] = [];
    peer.host.events$.subscribe(({ type }) => events.push(type));
    const closing = peer.host.close();
    await peer.data(0, '43 01');
    await peer.clock.run(closing);
    expect(await peer.host.ended).toEqual({ reason: 'closedUnanswered' });
    // It still has something to say: it does not sleep first.
    expect(events).toEqual(['ended']);
  });
});

describe('two ends that sleep', () => {
  it('wake for what was under way when the lines went idle', async () => {
    const peer = new ScriptedPeer();
    await peer.up();
    const tested = reason(peer.host.test());
    await peer.data(0, '43 01');
    expect((await peer.heard()).join()).toContain('PSC response');
    // T2, then flags for a second, then T2 for each try.
    await peer.clock.advance(1400);
    expect((await peer.heard()).join()).toBe('');
    await peer.clock.advance(300);
    expect((await peer.heard()).join()).toContain('Test command');
    expect(hasCode(await peer.clock.run(tested), 'ERR_CMUX_NO_ANSWER')).toBe(true);
  });

  it('do not answer the flags of each other for ever when noise wakes one', async () => {
    const clock = new VirtualClock();
    const line = memoryPair();
    const host = new Multiplexer(line.dte, { clock });
    const module = new Multiplexer(line.dce, { clock, role: 'responder' });
    void module.start();
    await clock.run(host.start());
    await clock.run(host.sleep());
    await clock.advance(10);
    const before = module.counters.octetsReceived + host.counters.octetsReceived;
    await line.dce.send(Uint8Array.of(0x55));
    await clock.advance(60_000);
    expect(module.counters.octetsReceived + host.counters.octetsReceived - before).toBeLessThan(100);
    await clock.run(host.test());
  });

  it('answer a second row of flags, when the answer to the first was lost', async () => {
    const peer = new ScriptedPeer();
    const octets: number[] = [];
    await peer.up();
    await peer.data(0, '43 01');
    peer.line.dce.received$.subscribe((chunk) => octets.push(...chunk));
    await peer.raw('F9 F9 F9 F9');
    await peer.clock.advance(20);
    await peer.raw('F9 F9 F9 F9');
    expect(octets).toEqual(new Array(10).fill(0xf9));
    await peer.clock.advance(2000);
    await peer.raw('F9 F9 F9 F9');
    expect(octets).toHaveLength(10);
  });
});

it('says so when too many commands of a kind wait', async () => {
  const peer = new ScriptedPeer();
  await peer.up();
  const tests = Array.from({ length: 20 }, () => reason(peer.host.test()));
  const errors = (await peer.clock.run(Promise.all(tests))) as CellmuxError[];
  expect(errors.map(({ code }) => code)).toEqual([
    ...new Array<string>(17).fill('ERR_CMUX_NO_ANSWER'),
    ...new Array<string>(3).fill('ERR_CMUX_BUSY'),
  ]);
});
