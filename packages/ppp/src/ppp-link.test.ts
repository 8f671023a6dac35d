import { hasCode, memoryPair } from '@cellmux/port';
import { settle, VirtualClock } from '@cellmux/port/testing';
import { describe, expect, it } from 'vitest';
import { frameOf, RawPeer } from '../test/raw-peer.ts';
import { option } from './core/control-packet.ts';
import {
  CODE,
  AddressPool,
  PppLink,
  PROTOCOL,
  type PppClientOptions,
  type PppEvent,
  type PppServerOptions,
} from './index.ts';

const SERVER = {
  role: 'server',
  localAddress: '10.0.0.1',
  peerAddress: '10.0.0.2',
  dns: ['1.1.1.1', '8.8.8.8'],
} as const;
const PASSWORD = 'S3NTINEL-päss';

function pair(client: PppClientOptions = {}, server: Partial<PppServerOptions> = {}) {
  const clock = new VirtualClock();
  const line = memoryPair();
  const dte = new PppLink(line.dte, { clock, ...client });
  const dce = new PppLink(line.dce, { clock, ...SERVER, ...server });
  const up = async () => {
    void dce.open();
    return clock.run(dte.open());
  };
  return { clock, line, dte, dce, up };
}

const ipPacket = (octets: number, fill = 0x41): Uint8Array => new Uint8Array(octets).fill(fill).fill(0x45, 0, 1);
const caught = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );

describe('a link', () => {
  it('comes up, carries packets both ways and ends in order', async () => {
    const { clock, dte, dce, up } = pair();
    const phases: string[] = [];
    dte.phase$.subscribe((phase) => phases.push(phase));
    const network = await up();
    expect(network).toEqual({
      localAddress: '10.0.0.2',
      peerAddress: '10.0.0.1',
      isPeerAddressInvented: false,
      dns: ['1.1.1.1', '8.8.8.8'],
      mtu: 1500,
    });
    expect(dce.network).toMatchObject({ localAddress: '10.0.0.1', peerAddress: '10.0.0.2' });
    const heard: Uint8Array[][] = [[], []];
    dce.packets$.subscribe((packet) => heard[0]?.push(packet));
    dte.packets$.subscribe((packet) => heard[1]?.push(packet));
    await clock.run(dte.send(ipPacket(1500)));
    await clock.run(dce.send(ipPacket(20, 0x7e)));
    await clock.advance(10);
    expect(heard).toEqual([[ipPacket(1500)], [ipPacket(20, 0x7e)]]);
    await clock.run(dte.close());
    expect((await dte.ended).reason).toBe('closedHere');
    await clock.advance(10_000);
    expect((await dce.ended).reason).toBe('closedByPeer');
    expect(phases).toEqual(['dead', 'establish', 'network', 'running', 'terminate', 'dead']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('is up without waiting for any timer, by eight frames of each end', async () => {
    let frames = 0;
    const onFrame = (direction: string): void => {
      if (direction === 'sent') frames++;
    };
    const { clock, dte, up } = pair({ user: 'u', password: 'p', onFrame }, { auth: 'pap', verify: () => 'p', onFrame });
    await up();
    expect(dte.phase).toBe('running');
    expect(clock.now()).toBe(0);
    // LCP 2 + 2, PAP 2, IPCP 2 + 2 and a Nak with the request that follows it.
    expect(frames).toBe(12);
  });

  describe.each(['pap', 'chap-md5', 'ms-chap-v2'] as const)('with %s', (auth) => {
    it('lets in who knows the password', async () => {
      const { dte, dce, up } = pair(
        { user: 'web', password: PASSWORD },
        { auth, verify: (user) => (user === 'web' ? PASSWORD : undefined) },
      );
      const events: PppEvent[] = [];
      dte.events$.subscribe((event) => events.push(event));
      dce.events$.subscribe((event) => events.push(event));
      await up();
      const shown = events.filter(({ type }) => type === 'authenticated');
      expect(shown).toMatchObject([
        { by: 'peer', protocol: auth, user: 'web' },
        { by: 'us', protocol: auth },
      ]);
      expect(JSON.stringify(events)).not.toContain('S3NTINEL');
    });

    it.each([
      ['a wrong password', { user: 'web', password: PASSWORD }, (): string => 'right'],
      ['an unknown user', { user: 'nobody', password: PASSWORD }, (): undefined => undefined],
      [
        'a verify that throws',
        { user: 'web', password: PASSWORD },
        (): string => {
          throw new Error(PASSWORD);
        },
      ],
      [
        'a verify that rejects',
        { user: 'web', password: PASSWORD },
        (): Promise<string> => Promise.reject(new Error(PASSWORD)),
      ],
    ] as const)('refuses %s, with the words of the peer and without secrets', async (_case, client, verify) => {
      const { clock, dte, dce } = pair(client, { auth, verify });
      const events: unknown[] = [];
      dte.events$.subscribe((event) => events.push(event));
      dce.events$.subscribe((event) => events.push(event));
      const serving = caught(dce.open());
      const error = await clock.run(caught(dte.open()));
      expect(hasCode(error, 'ERR_PPP_AUTH_FAILED')).toBe(true);
      const message = auth === 'pap' ? 'Login incorrect' : 'Access denied';
      expect(error).toMatchObject({ context: { message }, hint: expect.stringContaining('operator') });
      const both = [error, await clock.run(serving), events]
        .map((shown) => JSON.stringify(shown) + String(shown))
        .join();
      expect(both).not.toContain('S3NTINEL');
      expect((await clock.run(dce.ended)).reason).toBe('authFailed');
    });
  });

  it('MS-CHAPv2: does not trust a peer that lets us in without knowing our password', async () => {
    const clock = new VirtualClock();
    const { dte, dce } = memoryPair();
    const peer = new RawPeer(dce);
    const link = new PppLink(dte, { clock, user: 'web', password: PASSWORD });
    peer.onFrame = ({ protocol, code, identifier, data }) => {
      if (protocol === PROTOCOL.LCP && code === CODE.configureRequest)
        peer.control(protocol, CODE.configureAck, identifier, data);
      if (protocol === PROTOCOL.LCP && code === CODE.configureAck)
        peer.control(PROTOCOL.CHAP, 1, 7, new Uint8Array(17).fill(16));
      if (protocol === PROTOCOL.CHAP && code === 2)
        peer.control(PROTOCOL.CHAP, 3, identifier, Uint8Array.from(Buffer.from(`S=${'0'.repeat(40)}`)));
    };
    peer.control(PROTOCOL.LCP, CODE.configureRequest, 1, [option(3, [0xc2, 0x23, 0x81])]);
    const error = await clock.run(caught(link.open()));
    expect(error).toMatchObject({ code: 'ERR_PPP_AUTH_FAILED' });
    expect(String(error)).toContain('does not know our password');
  });

  it('agrees on another way to authenticate where both allow one', async () => {
    const { dte, up } = pair(
      { user: 'web', password: PASSWORD, auth: 'pap' },
      { auth: ['ms-chap-v2', 'chap-md5', 'pap'], verify: () => PASSWORD },
    );
    const used: string[] = [];
    dte.events$.subscribe((event) => {
      if (event.type === 'authenticated') used.push(event.protocol);
    });
    await up();
    expect(used).toEqual(['pap']);
  });

  it('says why where no way is left', async () => {
    const { clock, dte, dce } = pair({ auth: 'none' }, { auth: 'chap-md5', verify: () => 'x' });
    const serving = caught(dce.open());
    expect(await clock.run(caught(dte.open()))).toMatchObject({
      code: expect.stringMatching(/ERR_PPP_(CLOSED_BY_PEER|REFUSED)/),
    });
    expect(await clock.run(serving)).toMatchObject({ code: 'ERR_PPP_AUTH_REFUSED' });
  });

  it('answers challenges at any time, and ends when one is answered wrong', async () => {
    let secret = 'p';
    const { clock, dte, dce, up } = pair(
      { user: 'u', password: 'p' },
      { auth: 'chap-md5', verify: () => secret, rechallengeMs: 60_000 },
    );
    await up();
    await clock.advance(600_000);
    expect(dte.phase).toBe('running');
    secret = 'changed';
    await clock.advance(70_000);
    expect((await clock.run(dce.ended)).reason).toBe('authFailed');
  });

  it('takes a slow verify, and drops requests that repeat meanwhile', async () => {
    const { clock, dte, dce } = pair(
      { user: 'u', password: 'p' },
      {
        auth: 'pap',
        verify: (): Promise<string> => new Promise<string>((resolve) => clock.after(10_000, () => resolve('p'))),
      },
    );
    void dce.open();
    await clock.run(dte.open());
    expect(clock.now()).toBe(10_000);
  });

  it('gives up on a line that never answers, and says so', async () => {
    const clock = new VirtualClock();
    const { dte } = memoryPair();
    const link = new PppLink(dte, { clock });
    const error = await clock.run(caught(link.open()));
    expect(error).toMatchObject({
      code: 'ERR_PPP_NO_ANSWER',
      context: { bytesReceived: 0 },
      hint: expect.stringContaining('Not one octet'),
    });
    expect(clock.now()).toBe(30_000);
  });

  it('tells text from silence', async () => {
    const clock = new VirtualClock();
    const { dte, dce } = memoryPair();
    const link = new PppLink(dte, { clock });
    await dce.send(Uint8Array.from(Buffer.from('login: what is this?\r')));
    expect(await clock.run(caught(link.open()))).toMatchObject({
      code: 'ERR_PPP_NO_ANSWER',
      hint: expect.stringContaining('not PPP'),
    });
  });

  it('tells an echo from a peer', async () => {
    const clock = new VirtualClock();
    const { dte, dce } = memoryPair();
    dce.received$.subscribe((chunk) => void dce.send(chunk));
    const link = new PppLink(dte, { clock });
    expect(await clock.run(caught(link.open()))).toMatchObject({ code: 'ERR_PPP_LOOPBACK' });
    expect(clock.now()).toBeLessThan(31_000);
  });

  it('waits for ever as a passive server, then serves', async () => {
    const { clock, dte, dce } = pair({}, { passive: true });
    const serving = dce.open();
    await clock.advance(3_600_000);
    expect((await clock.run(dte.open())).localAddress).toBe('10.0.0.2');
    await clock.run(serving);
  });

  it('is aborted with the reason of the signal, and the port is free again', async () => {
    const { clock, dte, line } = pair();
    const abort = new AbortController();
    const opening = caught(dte.open({ signal: abort.signal }));
    await clock.advance(100);
    abort.abort('enough');
    expect(await opening).toBe('enough');
    await clock.run(dte.ended);
    expect(line.dte.isClosed).toBe(false);
    expect(await caught(dte.open())).toMatchObject({ code: 'ERR_PPP_CLOSED' });
  });

  it('rejects an open with an aborted signal at once', async () => {
    const { dte } = pair();
    expect(await caught(dte.open({ signal: AbortSignal.abort('no') }))).toBe('no');
    await dte.close();
    expect((await dte.ended).reason).toBe('closedHere');
  });

  it('ends at once when the port is closed or breaks, and says what it was', async () => {
    const closed = pair();
    await closed.up();
    await closed.line.dce.close();
    expect((await closed.clock.run(closed.dte.ended)).reason).toBe('carrierLost');
    const broken = pair();
    const opening = caught(broken.dte.open());
    broken.line.fail(new Error('unplugged'));
    expect(await broken.clock.run(opening)).toMatchObject({ code: 'ERR_PPP_CARRIER_LOST', cause: expect.anything() });
  });

  it('ends when DCD drops at the terminal, or DTR at the module', async () => {
    const { clock, line, dte, dce, up } = pair();
    await line.dce.setCircuits({ dcd: true });
    await up();
    await line.dce.setCircuits({ dcd: false });
    expect(await clock.run(dte.ended)).toMatchObject({ reason: 'carrierLost', text: 'DCD dropped' });
    await line.dte.setCircuits({ dtr: false });
    expect(await clock.run(dce.ended)).toMatchObject({ reason: 'carrierLost', text: 'DTR dropped' });
  });

  it('closes twice, before open, and by await using', async () => {
    const { clock, dte, dce, up } = pair();
    await up();
    await clock.run(Promise.all([dte.close(), dte.close()]));
    await dte.close();
    const unused = new PppLink(memoryPair().dte, { clock });
    await unused[Symbol.asyncDispose]();
    expect((await unused.ended).reason).toBe('closedHere');
    expect(await caught(unused.open())).toMatchObject({ code: 'ERR_PPP_CLOSED' });
    await clock.run(dce.ended);
  });

  it('does not wait for a silent far side when told so', async () => {
    const { clock, line, dte, up } = pair();
    await up();
    line.dce.pause();
    const before = clock.now();
    await dte.close({ signal: AbortSignal.abort() });
    expect(clock.now()).toBe(before);
    expect((await dte.ended).reason).toBe('closedHere');
  });

  it('gives up a Terminate-Request that nobody answers after two', async () => {
    const { clock, line, dte, up } = pair();
    await up();
    line.dce.pause();
    const before = clock.now();
    await clock.run(dte.close());
    expect(clock.now() - before).toBe(6000);
  });

  it('sends what waits before it closes', async () => {
    const { clock, dte, dce, up } = pair();
    await up();
    let heard = 0;
    dce.packets$.subscribe(() => heard++);
    const sends = Array.from({ length: 100 }, () => dte.send(ipPacket(1000)));
    await clock.run(dte.close());
    await Promise.all(sends);
    expect(heard).toBe(100);
  });

  it('gives addresses of a pool, each to one, and takes them back', async () => {
    const pool = new AddressPool('10.9.0.1', '10.9.0.2');
    const [one, two] = [pair({}, { peerAddress: pool }), pair({}, { peerAddress: pool })];
    expect([(await one.up()).localAddress, (await two.up()).localAddress]).toEqual(['10.9.0.1', '10.9.0.2']);
    expect(() => pair({}, { peerAddress: pool })).toThrow(expect.objectContaining({ code: 'ERR_PPP_POOL_EMPTY' }));
    await one.clock.run(one.dte.close());
    await one.clock.run(one.dce.ended);
    expect(pool.freeCount).toBe(1);
  });

  it('insists on an address of its own choice, which a server that gives others refuses', async () => {
    const { clock, dte, dce } = pair({ localAddress: '192.168.7.7' });
    void caught(dce.open());
    expect(await clock.run(caught(dte.open()))).toMatchObject({ code: 'ERR_PPP_NETWORK_FAILED' });
  });

  it('brings IPv6 up beside IPv4', async () => {
    const { clock, dte, dce, up } = pair(
      { ipv6: { interfaceIdentifier: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1) } },
      { ipv6: true },
    );
    const network = await up();
    expect(network.ipv6).toMatchObject({ localAddress: 'fe80::1' });
    expect(dce.network?.ipv6?.peerAddress).toBe('fe80::1');
    const heard: Uint8Array[] = [];
    dce.packets$.subscribe((packet) => heard.push(packet));
    const packet = ipPacket(40).fill(0x60, 0, 1);
    await clock.run(dte.send(packet));
    await clock.advance(1);
    expect(heard).toEqual([packet]);
  });

  it('a server without IPv6 does no harm to a client that wants it', async () => {
    const { clock, dte, up } = pair({ ipv6: true });
    expect((await up()).ipv6).toBeUndefined();
    expect(await caught(dte.send(ipPacket(40).fill(0x60, 0, 1)))).toMatchObject({ code: 'ERR_PPP_NOT_UP' });
    await clock.run(dte.close());
  });

  it('refuses what it cannot send', async () => {
    const { clock, dte, line, up } = pair({ mtu: 500, sendQueuePackets: 3 });
    expect(await caught(dte.send(ipPacket(40)))).toMatchObject({ code: 'ERR_PPP_NOT_UP' });
    expect((await up()).mtu).toBe(500);
    expect(await caught(dte.send(ipPacket(501)))).toMatchObject({ code: 'ERR_PPP_PACKET_TOO_LONG' });
    expect(await caught(dte.send(ipPacket(40).fill(0, 0, 1)))).toMatchObject({ code: 'ERR_PPP_NOT_IP' });
    expect(await caught(dte.send(new Uint8Array(0)))).toMatchObject({ code: 'ERR_PPP_NOT_IP' });
    line.dce.pause();
    const waiting = [1, 2, 3].map(() => caught(dte.send(ipPacket(100))));
    expect(await caught(dte.send(ipPacket(100)))).toMatchObject({ code: 'ERR_PPP_QUEUE_FULL' });
    await settle();
    // Three are under way now, and three more may wait.
    expect([1, 2, 3, 4].map(() => dte.trySend(ipPacket(100)))).toEqual([true, true, true, false]);
    line.dce.resume();
    expect(await clock.run(Promise.all(waiting))).toEqual([undefined, undefined, undefined]);
  });

  it('rejects every packet that the end of the call overtakes', async () => {
    const { clock, dte, line, up } = pair();
    await up();
    line.dce.pause();
    const waiting = Array.from({ length: 20 }, () => caught(dte.send(ipPacket(1000))));
    await settle();
    line.fail(new Error('unplugged'));
    const errors = await clock.run(Promise.all(waiting));
    expect(errors.every((error) => error !== undefined)).toBe(true);
  });

  it('control packets go in front of packets that wait', async () => {
    const { clock, dte, dce, line, up } = pair({ sendQueuePackets: 10_000, batchBytes: 1500 });
    await up();
    line.dce.pause();
    const waiting = Promise.all(Array.from({ length: 1000 }, () => dte.send(ipPacket(1000))));
    await settle();
    dte.identify('hello');
    let before = 0;
    let heardAfter: number | undefined;
    dce.packets$.subscribe(() => before++);
    dce.events$.subscribe(({ type }) => {
      if (type === 'identification') heardAfter = before;
    });
    line.dce.resume();
    await clock.run(waiting);
    expect(heardAfter).toBeLessThan(5);
  });

  it('the far side waits while a receiver is paused', async () => {
    const { clock, dte, dce, up } = pair();
    await up();
    dte.pause();
    let isSent = false;
    const sent = Promise.all(Array.from({ length: 100 }, () => dce.send(ipPacket(1400)))).then(() => (isSent = true));
    await clock.advance(100);
    expect(isSent).toBe(false);
    dte.resume();
    await clock.run(sent);
  });

  it('keeps the first packets for the first subscriber, and counts those that nobody hears', async () => {
    const { clock, dte, dce, up } = pair();
    await up();
    for (let number = 1; number <= 70; number++) await clock.run(dte.send(ipPacket(100, number)));
    await clock.advance(1);
    expect(dce.counters).toMatchObject({ packetsUnheard: 6, packetsReceived: 70, packetBytesReceived: 7000 });
    expect(dte.counters).toMatchObject({ packetsSent: 70, packetBytesSent: 7000 });
    const heard: (number | undefined)[] = [];
    const subscription = dce.packets$.subscribe((packet) => heard.push(packet[1]));
    await clock.run(dte.send(ipPacket(100, 71)));
    await clock.advance(1);
    expect(heard).toEqual([...Array.from({ length: 64 }, (_, index) => index + 1), 71]);
    subscription.unsubscribe();
    await clock.run(dte.send(ipPacket(100, 72)));
    await clock.advance(1);
    dce.packets$.subscribe((packet) => heard.push(packet[1]));
    expect(dce.counters.packetsUnheard).toBe(7);
    expect(heard).toHaveLength(65);
  });

  it('counts the packets that were kept for nobody', async () => {
    const { clock, dte, dce, up } = pair();
    await up();
    await clock.run(dte.send(ipPacket(100)));
    await clock.run(dte.close());
    await clock.run(dce.ended);
    expect(dce.counters.packetsUnheard).toBe(1);
    let isOver = false;
    dce.packets$.subscribe({ next: () => expect.unreachable(), complete: () => (isOver = true) });
    expect(isOver).toBe(true);
  });

  it.each([
    [0, 1500],
    [0xffffffff, 1500],
    [0x000a0000, 296],
  ])('carries every octet with ACCM %i and MRU %i', async (accm, mru) => {
    const { clock, dte, dce, up } = pair({ accm, mru }, { accm, mru });
    expect((await up()).mtu).toBe(mru);
    const packet = Uint8Array.from({ length: mru }, (_, index) => (index === 0 ? 0x45 : index & 0xff));
    const heard: Uint8Array[] = [];
    dce.packets$.subscribe((got) => heard.push(got));
    await clock.run(dte.send(packet));
    await clock.advance(1);
    expect(heard).toEqual([packet]);
    expect(dce.counters).toMatchObject({ fcsErrors: 0, droppedCharacters: 0 });
  });

  it('hands every frame to a capture, both ways', async () => {
    const frames: string[] = [];
    const { clock, dte, up } = pair({
      onFrame: (direction, frame) => frames.push(`${direction} ${Buffer.from(frame).toString('hex').slice(0, 10)}`),
    });
    await up();
    await clock.run(dte.send(ipPacket(100)));
    expect(frames).toContain('sent ff03c02101');
    expect(frames).toContain('received ff03c02102');
    expect(frames).toContain('sent ff03002145');
  });

  it('keeps alive: a peer that answers lives, one that is silent is given up', async () => {
    const { clock, line, dte, up } = pair({ keepAlive: { intervalMs: 10_000, failures: 3 } });
    const events: PppEvent[] = [];
    dte.events$.subscribe((event) => events.push(event));
    await up();
    await clock.advance(100_000);
    expect(dte.phase).toBe('running');
    expect(events.some(({ type }) => type === 'echoReply')).toBe(true);
    line.dce.pause();
    await clock.advance(45_000);
    expect(await clock.run(dte.ended)).toMatchObject({ reason: 'silence' });
  });

  it('a receiver that is paused does not take its own deafness for silence', async () => {
    const { clock, dte, up } = pair({ keepAlive: { intervalMs: 1000, failures: 2 } });
    await up();
    dte.pause();
    await clock.advance(60_000);
    expect(dte.phase).toBe('running');
    dte.resume();
    await clock.advance(60_000);
    expect(dte.phase).toBe('running');
  });

  it('a paused link that is lost lets go of the pause, once', async () => {
    const { clock, line, dte, up } = pair();
    await line.dce.setCircuits({ dcd: true });
    await up();
    dte.pause();
    await line.dce.setCircuits({ dcd: false });
    await clock.run(dte.ended);
    // Somebody else has the port now, and wants it to wait.
    line.dte.pause();
    dte.resume();
    line.dte.received$.subscribe();
    let isTaken = false;
    void line.dce.send(new Uint8Array(100_000)).then(() => (isTaken = true));
    await clock.advance(100);
    expect(isTaken).toBe(false);
    line.dte.resume();
    await clock.advance(100);
    expect(isTaken).toBe(true);
  });

  it('a paused link hears the end it asked for', async () => {
    const { clock, dte, dce, up } = pair();
    await up();
    dte.pause();
    const before = clock.now();
    await clock.run(dte.close());
    expect(clock.now() - before).toBeLessThan(1000);
    await clock.run(dce.ended);
  });

  it('asks nothing while there is traffic', async () => {
    const { clock, dte, dce, up } = pair({ keepAlive: { intervalMs: 1000 } });
    await up();
    const events: PppEvent[] = [];
    dte.events$.subscribe((event) => events.push(event));
    for (let tick = 0; tick < 20; tick++) {
      await clock.advance(500);
      await clock.run(dce.send(ipPacket(50)));
    }
    await clock.advance(1);
    expect(events.filter(({ type }) => type === 'echoReply')).toHaveLength(0);
  });

  it.each([
    { mru: 127 },
    { accm: -1 },
    { mtu: 1 },
    { sendQueuePackets: 0 },
    { timing: { restartMs: 1 } },
    { keepAlive: { intervalMs: 1 } },
    { localAddress: '1.2.3' },
    { auth: 'eap' as 'pap' },
    { password: 'x'.repeat(256) },
    { ipv6: { interfaceIdentifier: new Uint8Array(7) } },
  ] satisfies PppClientOptions[])('refuses the option %j', (options) => {
    expect(() => new PppLink(memoryPair().dte, options)).toThrow(expect.objectContaining({ code: 'ERR_OPTION_RANGE' }));
  });

  it('refuses a server that must authenticate and cannot verify', () => {
    expect(() => new PppLink(memoryPair().dce, { ...SERVER, auth: 'pap' })).toThrow(
      expect.objectContaining({ code: 'ERR_OPTION_RANGE' }),
    );
  });
});

/** A link that is up with a peer of raw frames. */
async function rawUp(options: PppClientOptions = {}, mru = 1500) {
  const clock = new VirtualClock();
  const { dte, dce } = memoryPair();
  const peer = new RawPeer(dce);
  const link = new PppLink(dte, { clock, ...options });
  /** Answers everything in good will, and gives this address. */
  const serve = (address: string): void => {
    const wanted = address.split('.').map(Number);
    peer.onFrame = ({ protocol, code, identifier, data }) => {
      if (protocol === PROTOCOL.LCP && code === CODE.configureRequest)
        peer.control(protocol, CODE.configureAck, identifier, data);
      if (protocol === PROTOCOL.LCP && code === CODE.configureAck)
        peer.control(PROTOCOL.IPCP, CODE.configureRequest, 1, []);
      if (protocol === PROTOCOL.IPCP && code === CODE.configureRequest) {
        const isRight = data.subarray(2, 6).join() === wanted.join();
        const answer = isRight ? data : [option(3, wanted)];
        peer.control(protocol, isRight ? CODE.configureAck : CODE.configureNak, identifier, answer);
      }
    };
  };
  serve('10.0.0.5');
  const theirs = [option(1, [mru >>> 8, mru & 255]), option(2, [0, 0, 0, 0]), option(5, [1, 2, 3, 4])];
  peer.control(PROTOCOL.LCP, CODE.configureRequest, 1, theirs);
  await clock.run(link.open());
  peer.seen.length = 0;
  peer.onFrame = () => undefined;
  return { clock, peer, link, serve, port: dte };
}

describe('LCP while the link is up', () => {
  it('renegotiates when the peer asks to, with the same streams', async () => {
    const { clock, peer, link, serve } = await rawUp();
    let hasCompleted = false;
    link.packets$.subscribe({ complete: () => (hasCompleted = true) });
    const phases: string[] = [];
    link.phase$.subscribe((phase) => phases.push(phase));
    const waiting = caught(link.send(ipPacket(100)));
    serve('10.0.0.77');
    peer.control(PROTOCOL.LCP, CODE.configureRequest, 9, [option(5, [7, 7, 7, 7])]);
    await clock.advance(100);
    expect(link.network?.localAddress).toBe('10.0.0.77');
    expect(hasCompleted).toBe(false);
    expect(phases).toEqual(['running', 'establish', 'network', 'running']);
    await waiting;
  });

  it('answers an echo with its own magic, whole or without data, and no longer than the MRU of the peer', async () => {
    const { clock, peer } = await rawUp({}, 200);
    peer.control(PROTOCOL.LCP, CODE.echoRequest, 3, Uint8Array.of(9, 9, 9, 9, 1, 2, 3));
    peer.control(PROTOCOL.LCP, CODE.echoRequest, 4, Uint8Array.of(9, 9));
    peer.control(PROTOCOL.LCP, CODE.echoRequest, 5, new Uint8Array(600).fill(1));
    await clock.advance(1);
    const [whole, short, long] = peer.of(PROTOCOL.LCP, CODE.echoReply);
    expect(whole?.data.slice(4)).toEqual(Uint8Array.of(1, 2, 3));
    expect([...(whole?.data.slice(0, 4) ?? [])]).not.toEqual([9, 9, 9, 9]);
    expect(short?.data).toHaveLength(4);
    expect(long?.information).toHaveLength(200);
  });

  it('rejects unknown protocols and codes, cut to the MRU of the peer, and stays up', async () => {
    const { clock, peer, link } = await rawUp({}, 200);
    peer.control(0x80fd, 1, 1, new Uint8Array(600));
    peer.control(PROTOCOL.LCP, 77, 9, new Uint8Array(600));
    peer.control(PROTOCOL.IPV6CP, 1, 1, [option(1, new Uint8Array(8).fill(3))]);
    peer.control(PROTOCOL.IPCP, 14, 9);
    await clock.advance(1);
    const rejects = peer.of(PROTOCOL.LCP, CODE.protocolReject);
    expect(rejects.map(({ data }) => [...data.subarray(0, 2)])).toEqual([
      [0x80, 0xfd],
      [0x80, 0x57],
    ]);
    expect(rejects[0]?.information).toHaveLength(200);
    expect(peer.of(PROTOCOL.LCP, CODE.codeReject)[0]?.information).toHaveLength(200);
    expect(peer.of(PROTOCOL.IPCP, CODE.codeReject)).toHaveLength(1);
    expect(link.phase).toBe('running');
  });

  it('a Protocol-Reject of CCP, VJ or nothing known harms nothing; of IPCP it ends IP', async () => {
    const { clock, peer, link } = await rawUp();
    for (const protocol of [0x80fd, 0x002d, 0x1234]) {
      peer.control(PROTOCOL.LCP, CODE.protocolReject, 1, Uint8Array.of(protocol >>> 8, protocol & 255, 1, 1, 0, 4));
    }
    peer.control(PROTOCOL.LCP, CODE.protocolReject, 1, Uint8Array.of(0x80));
    await clock.advance(1);
    expect(link.phase).toBe('running');
    peer.control(PROTOCOL.LCP, CODE.protocolReject, 1, Uint8Array.of(0x80, 0x21, 1, 1, 0, 4));
    expect(await clock.run(link.ended)).toMatchObject({ reason: 'networkFailed' });
  });

  it('no longer asks for echoes once the peer has said that it knows none', async () => {
    const { clock, peer, link } = await rawUp({ keepAlive: { intervalMs: 1000 } });
    peer.onFrame = ({ protocol, code, information }) => {
      if (protocol === PROTOCOL.LCP && code === CODE.echoRequest)
        peer.control(protocol, CODE.codeReject, 1, information);
    };
    await clock.advance(60_000);
    expect(link.phase).toBe('running');
    expect(peer.of(PROTOCOL.LCP, CODE.echoRequest)).toHaveLength(1);
  });

  it('a Code-Reject of Echo-Request harms nothing; of Configure-Request it ends the link', async () => {
    const { clock, peer, link } = await rawUp();
    peer.control(PROTOCOL.LCP, CODE.codeReject, 1, Uint8Array.of(CODE.echoRequest, 1, 0, 4));
    peer.control(PROTOCOL.LCP, CODE.codeReject, 1, new Uint8Array(0));
    await clock.advance(1);
    expect(link.phase).toBe('running');
    peer.control(PROTOCOL.LCP, CODE.codeReject, 1, Uint8Array.of(CODE.configureRequest, 1, 0, 4));
    expect((await clock.run(link.ended)).reason).toBe('noAgreement');
  });

  it('reports Identification and Time-Remaining and drops Discard-Requests', async () => {
    const { clock, peer, link } = await rawUp();
    const events: PppEvent[] = [];
    link.events$.subscribe((event) => events.push(event));
    peer.control(PROTOCOL.LCP, CODE.identification, 1, Uint8Array.from(Buffer.from('\0\0\0\0HE863 \x1b[2J')));
    peer.control(PROTOCOL.LCP, CODE.timeRemaining, 1, Uint8Array.from(Buffer.from('\0\0\0\0\0\0\0\x3cbye')));
    peer.control(PROTOCOL.LCP, CODE.timeRemaining, 1, Uint8Array.of(0, 0));
    peer.control(PROTOCOL.LCP, CODE.discardRequest, 1, new Uint8Array(50));
    await clock.advance(1);
    expect(events).toEqual([
      { type: 'identification', text: 'HE863 .[2J' },
      { type: 'timeRemaining', seconds: 60, text: 'bye' },
    ]);
    expect(peer.seen).toEqual([]);
  });

  it('sends LCP as by default and the rest as agreed', async () => {
    const { clock, peer, link } = await rawUp();
    peer.wire = new Uint8Array(0);
    await clock.run(link.send(new Uint8Array(20).fill(0x01).fill(0x45, 0, 1)));
    await clock.advance(1);
    const isRaw = peer.wire.includes(0x01);
    expect(isRaw).toBe(true);
    peer.wire = new Uint8Array(0);
    void link.close();
    await clock.advance(1);
    expect(peer.wire.slice(0, 5)).toEqual(Uint8Array.of(0x7e, 0xff, 0x7d, 0x23, 0xc0));
  });

  it('sends codes of LCP up to Code-Reject as by default, the others with the map agreed on, none with a short header', async () => {
    const { clock, peer, link } = await rawUp();
    expect(link.phase).toBe('running');
    peer.wire = new Uint8Array(0);
    peer.control(PROTOCOL.LCP, CODE.echoRequest, 1, Uint8Array.of(9, 9, 9, 9, 1, 1));
    await clock.advance(1);
    // The map agreed on is 0: nothing is escaped but flags and escapes.
    expect([...peer.wire.slice(0, 7)]).toEqual([0x7e, 0xff, 0x03, 0xc0, 0x21, CODE.echoReply, 1]);
    peer.wire = new Uint8Array(0);
    peer.control(PROTOCOL.LCP, 77, 1);
    await clock.advance(1);
    expect([...peer.wire.slice(0, 8)]).toEqual([0x7e, 0xff, 0x7d, 0x23, 0xc0, 0x21, 0x7d, 0x20 ^ CODE.codeReject]);
  });

  it('ends with the peer: Terminate-Request answered, port left alone after the grace', async () => {
    const { clock, peer, link, port } = await rawUp();
    peer.control(PROTOCOL.LCP, CODE.terminateRequest, 42, Uint8Array.from(Buffer.from('bye')));
    await clock.advance(1);
    expect(peer.of(PROTOCOL.LCP, CODE.terminateAck).map(({ identifier, data }) => [identifier, data.length])).toEqual([
      [42, 0],
    ]);
    expect(await clock.run(link.ended)).toMatchObject({ reason: 'closedByPeer', text: 'bye' });
    expect(port.isClosed).toBe(false);
  });

  it('an open line that loops back is noticed by echoes', async () => {
    const { clock, peer, link } = await rawUp({ keepAlive: { intervalMs: 1000, adaptive: false } });
    peer.onFrame = ({ protocol, information }) => {
      peer.frame(protocol, information);
    };
    await clock.advance(5000);
    expect((await clock.run(link.ended)).reason).toBe('loopback');
  });

  it('holds no more control frames than its bound when the peer asks and does not read', async () => {
    const { clock, peer, link } = await rawUp();
    peer.port.pause();
    for (let round = 0; round < 50; round++) {
      peer.bytes(
        ...Array.from({ length: 100 }, () =>
          frameOf(PROTOCOL.LCP, Uint8Array.of(9, 1, 0, 104, ...new Uint8Array(100))),
        ),
      );
      await settle();
    }
    expect(link.counters.controlFramesDropped).toBeGreaterThan(0);
    peer.port.resume();
    await clock.advance(100);
    expect(link.phase).toBe('running');
  });
});
