import { VirtualClock, settle } from '@cellmux/port/testing';
import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { decodeIpPacket, encodeIpPacket } from '../core/ip-packet.ts';
import { PacketHost, type PacketLink } from './packet-host.ts';

/** A far side that the test drives by hand. */
function testLink(): PacketLink & { sent: Uint8Array[]; packets$: Subject<Uint8Array> } {
  const sent: Uint8Array[] = [];
  return {
    sent,
    packets$: new Subject<Uint8Array>(),
    send: (packet) => {
      sent.push(packet);
      return Promise.resolve();
    },
  };
}

function answerTo(packet: Uint8Array | undefined): Uint8Array {
  const request = decodeIpPacket(packet ?? new Uint8Array());
  if (request.kind === 'echoRequest') {
    return encodeIpPacket({ ...request, kind: 'echoReply', source: request.destination, destination: request.source });
  }
  if (request.kind === 'udp') {
    return encodeIpPacket({
      ...request,
      source: request.destination,
      destination: request.source,
      sourcePort: request.destinationPort,
      destinationPort: request.sourcePort,
    });
  }
  throw new Error(`nothing to answer in a packet that is ${request.kind}`);
}

describe('PacketHost', () => {
  it('measures the round trip of a ping and of a UDP echo', async () => {
    const clock = new VirtualClock();
    const link = testLink();
    using host = new PacketHost(link, '10.0.0.2', { clock });
    const ping = host.ping('10.0.0.1', { payload: new Uint8Array([1, 2, 3]) });
    const echo = host.udpEcho('10.0.0.1', 7, { payload: new Uint8Array([4]) });
    await clock.advance(30);
    link.packets$.next(answerTo(link.sent[0]));
    link.packets$.next(answerTo(link.sent[1]));
    expect(await ping).toEqual({ roundTripMs: 30, payload: new Uint8Array([1, 2, 3]) });
    expect(await echo).toEqual({ roundTripMs: 30, payload: new Uint8Array([4]) });
    expect(clock.pendingTimers).toBe(0);
  });

  it('pairs answers with their requests in any order', async () => {
    const link = testLink();
    using host = new PacketHost(link, '10.0.0.2', { clock: new VirtualClock() });
    const pings = [1, 2, 3].map((octet) => host.ping('10.0.0.1', { payload: new Uint8Array([octet]) }));
    for (const packet of link.sent.toReversed()) link.packets$.next(answerTo(packet));
    expect((await Promise.all(pings)).map((reply) => reply.payload[0])).toEqual([1, 2, 3]);
  });

  it('says so when nobody answers, when other octets come back, and when the link ends', async () => {
    const clock = new VirtualClock();
    const link = testLink();
    using host = new PacketHost(link, '10.0.0.2', { clock });
    const lost = host.ping('10.0.0.1', { timeoutMs: 1000 });
    lost.catch(() => undefined);
    await clock.advance(1000);
    await expect(lost).rejects.toMatchObject({ code: 'ERR_GATEWAY_HOST_NO_ECHO' });

    const damaged = host.ping('10.0.0.1', { payload: new Uint8Array([1]) });
    const request = decodeIpPacket(link.sent.at(-1) ?? new Uint8Array());
    if (request.kind !== 'echoRequest') throw new Error('a ping is an echo request');
    link.packets$.next(
      encodeIpPacket({ ...request, kind: 'echoReply', source: '10.0.0.1', payload: new Uint8Array([2]) }),
    );
    await expect(damaged).rejects.toMatchObject({ code: 'ERR_GATEWAY_ECHO_DIFFERS' });

    const pending = host.ping('10.0.0.1');
    link.packets$.complete();
    await expect(pending).rejects.toMatchObject({ code: 'ERR_GATEWAY_PACKETS_ENDED' });
    await expect(host.ping('10.0.0.1')).rejects.toMatchObject({ code: 'ERR_GATEWAY_PACKETS_ENDED' });
    expect(clock.pendingTimers).toBe(0);
  });

  it('answers pings to its own address and to no other', async () => {
    const link = testLink();
    using host = new PacketHost(link, '10.0.0.2', { clock: new VirtualClock() });
    const request = {
      kind: 'echoRequest',
      source: '10.0.0.1',
      identifier: 9,
      sequence: 1,
      payload: new Uint8Array(8),
    } as const;
    link.packets$.next(encodeIpPacket({ ...request, destination: '10.0.0.2' }));
    link.packets$.next(encodeIpPacket({ ...request, destination: '10.0.0.3' }));
    link.packets$.next(new Uint8Array([0x45, 0, 0]));
    await settle();
    expect(link.sent.map((packet) => decodeIpPacket(packet))).toEqual([
      { ...request, kind: 'echoReply', source: '10.0.0.2', destination: '10.0.0.1' },
    ]);
    expect(host.counters).toMatchObject({ packetsReceived: 3, echoesAnswered: 1, unclaimed: 1, damaged: 1 });
  });

  it('leaves pings to the kernel where that has the same address', async () => {
    const link = testLink();
    using host = new PacketHost(link, '10.0.0.2', { clock: new VirtualClock(), answersPings: false });
    link.packets$.next(
      encodeIpPacket({
        kind: 'echoRequest',
        source: '10.0.0.1',
        destination: '10.0.0.2',
        identifier: 1,
        sequence: 1,
        payload: new Uint8Array(8),
      }),
    );
    await settle();
    expect(link.sent).toEqual([]);
    expect(host.counters.unclaimed).toBe(1);
  });

  it('gives up at an abort, with its reason', async () => {
    const clock = new VirtualClock();
    using host = new PacketHost(testLink(), '10.0.0.2', { clock });
    const controller = new AbortController();
    const ping = host.ping('10.0.0.1', { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(ping).rejects.toThrow('enough');
    await expect(host.ping('10.0.0.1', { signal: controller.signal })).rejects.toThrow('enough');
    expect(clock.pendingTimers).toBe(0);
  });
});
