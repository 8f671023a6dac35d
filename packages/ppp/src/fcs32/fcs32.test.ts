import { memoryPair } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { octets as hex } from '../../test/raw-peer.ts';
import { PppLink, type PppClientOptions } from '../index.ts';
import { crc32 } from './index.ts';

describe('FCS-32', () => {
  it.each([
    ['313233343536373839', 0xcbf43926],
    ['', 0],
    ['00', 0xd202ef8d],
    ['ff03c021', 0x7a94a0a4],
    ['ff03c0210101000c', 0x2f009a6b],
  ])('of %s', (data, expected) => {
    expect(crc32(hex(data))).toBe(expected);
  });

  it('is the same in two pieces', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (one, other) => {
        expect(crc32(other, crc32(one))).toBe(crc32(Uint8Array.of(...one, ...other)));
      }),
    );
  });

  async function pair(client: PppClientOptions, server: { crc32?: typeof crc32 }) {
    const clock = new VirtualClock();
    const { dte, dce } = memoryPair();
    const links = [
      new PppLink(dte, { clock, ...client }),
      new PppLink(dce, { clock, role: 'server', auth: 'pap', verify: () => '', peerAddress: '10.0.0.2', ...server }),
    ] as const;
    const used: boolean[] = [];
    for (const link of links)
      link.events$.subscribe((event) => {
        if (event.type === 'lcpUp') used.push(event.fcs32);
      });
    void links[1].open();
    await clock.run(links[0].open());
    const heard: Uint8Array[] = [];
    links[1].packets$.subscribe((packet) => heard.push(packet));
    const packet = new Uint8Array(500).fill(0x7e).fill(0x45, 0, 1);
    await clock.run(links[0].send(packet));
    await clock.advance(1);
    expect(heard).toEqual([packet]);
    expect(links[1].counters.fcsErrors).toBe(0);
    await clock.run(links[0].close());
    await clock.run(links[1].ended);
    return used;
  }

  it('is used both ways where both have it, and by nobody where one has not', async () => {
    expect(await pair({ crc32 }, { crc32 })).toEqual([true, true]);
    expect(await pair({ crc32 }, {})).toEqual([false, false]);
    expect(await pair({}, { crc32 })).toEqual([false, false]);
  });
});
