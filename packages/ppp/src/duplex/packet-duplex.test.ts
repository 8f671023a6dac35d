import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { memoryPair } from '@cellmux/port';
import { describe, expect, it } from 'vitest';
import { PppLink } from '../index.ts';
import { toPacketDuplex } from './index.ts';

/** Its grace behind a Terminate-Ack is real time here. */
const SERVER = { role: 'server', peerAddress: '10.0.0.2', timing: { restartMs: 100 } } as const;

async function pair() {
  const { dte, dce } = memoryPair();
  const links = [new PppLink(dte), new PppLink(dce, SERVER)] as const;
  await Promise.all(links.map((link) => link.open()));
  return links;
}
const ipPacket = (number: number): Uint8Array => {
  const packet = new Uint8Array(100).fill(0x45);
  new DataView(packet.buffer).setUint32(4, number);
  return packet;
};
const numberOf = (packet: Uint8Array): number => new DataView(packet.buffer, packet.byteOffset).getUint32(4);

describe('a packet stream', () => {
  it('carries packets in order, with back-pressure, and ends with the link', async () => {
    const [near, far] = await pair();
    const stream = toPacketDuplex(far, { highWaterMarkPackets: 4 });
    const source = Readable.from(Array.from({ length: 2000 }, (_, number) => ipPacket(number)));
    const sending = pipeline(source, toPacketDuplex(near), { end: false });
    const got: number[] = [];
    let largest = 0;
    for await (const packet of stream) {
      largest = Math.max(largest, stream.readableLength);
      got.push(numberOf(packet as Uint8Array));
      if (got.length % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
      if (got.length === 2000) void near.close();
    }
    await sending;
    expect(got).toEqual(Array.from({ length: 2000 }, (_, number) => number));
    expect(largest).toBeLessThan(1000);
    expect((await far.ended).reason).toBe('closedByPeer');
  });

  it('holds the sender back while nobody reads', async () => {
    const [near, far] = await pair();
    toPacketDuplex(far, { highWaterMarkPackets: 1 });
    let taken = 0;
    for (let number = 0; number < 120; number++)
      near.send(ipPacket(number).fill(0x45)).then(
        () => taken++,
        () => undefined,
      );
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(taken).toBeLessThan(120);
    await Promise.all([near.close({ signal: AbortSignal.abort() }), far.close({ signal: AbortSignal.abort() })]);
  });

  it.each([1, 5, 128])('takes more at once than a queue of %i packets, all of them and in order', async (limit) => {
    const { dte, dce } = memoryPair();
    const near = new PppLink(dte, { sendQueuePackets: limit });
    const far = new PppLink(dce, SERVER);
    await Promise.all([near.open(), far.open()]);
    const got: number[] = [];
    far.packets$.subscribe((packet) => got.push(numberOf(packet)));
    const stream = toPacketDuplex(near, { highWaterMarkPackets: 1000 });
    stream.cork();
    for (let number = 0; number < 300; number++) stream.write(ipPacket(number));
    stream.uncork();
    stream.end();
    expect((await far.ended).reason).toBe('closedByPeer');
    expect(got).toEqual(Array.from({ length: 300 }, (_, number) => number));
  });

  it('end() closes the link in order, destroy() at once', async () => {
    const [near, far] = await pair();
    toPacketDuplex(near).end(ipPacket(1));
    expect((await near.ended).reason).toBe('closedHere');
    toPacketDuplex(far).destroy();
    await far.ended;
  });

  it('a write that the link refuses is an error of the stream', async () => {
    const [near, far] = await pair();
    const stream = toPacketDuplex(near);
    const failed = new Promise((resolve) => stream.once('error', resolve));
    stream.write(new Uint8Array(3));
    expect(await failed).toMatchObject({ code: 'ERR_PPP_NOT_IP' });
    await near.ended;
    await far.close({ signal: AbortSignal.abort() });
  });
});
