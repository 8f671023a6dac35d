import { concatBytes } from '@cellmux/port';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AUTOMATIC_PACKET_BYTES, TransmitCoalescer } from './transmit-coalescer.ts';

const chunks = fc.array(fc.uint8Array({ maxLength: 900 }), { maxLength: 30 });
const pktSz = fc.integer({ min: 0, max: 1500 });

describe('TransmitCoalescer', () => {
  it('makes packets of pktSz bytes, the same ones however the bytes come', () => {
    fc.assert(
      fc.property(chunks, pktSz, (input, size) => {
        const coalescer = new TransmitCoalescer({ pktSz: size, datagrams: true });
        const packets = input.flatMap((chunk) => coalescer.push(chunk));
        const packetBytes = size === 0 ? AUTOMATIC_PACKET_BYTES : size;
        for (const packet of packets) expect(packet.length).toBe(packetBytes);
        expect(coalescer.heldBytes).toBeLessThan(packetBytes);
        const rest = coalescer.flush();
        expect(concatBytes([...packets, ...(rest === undefined ? [] : [rest])])).toEqual(concatBytes(input));
        expect(coalescer.flush()).toBeUndefined();
      }),
    );
  });

  it('gives a stream what is ready in one piece', () => {
    const coalescer = new TransmitCoalescer({ pktSz: 4 });
    expect(coalescer.push(new Uint8Array(3))).toEqual([]);
    expect(coalescer.push(new Uint8Array(15)).map((packet) => packet.length)).toEqual([4, 12]);
    expect(coalescer.heldBytes).toBe(2);
  });

  it('sends at once at the forward character, however the bytes come', () => {
    fc.assert(
      fc.property(chunks, pktSz, (input, size) => {
        const coalescer = new TransmitCoalescer({ pktSz: size, forwardCharacter: 0x0a, datagrams: true });
        const packets = input.flatMap((chunk) => coalescer.push(chunk));
        const whole = concatBytes(input);
        const held = coalescer.flush() ?? new Uint8Array(0);
        expect(concatBytes([...packets, held])).toEqual(whole);
        expect(held.includes(0x0a)).toBe(false);
        const packetBytes = size === 0 ? AUTOMATIC_PACKET_BYTES : size;
        for (const packet of packets) expect(packet.length === packetBytes || packet.at(-1) === 0x0a).toBe(true);
      }),
    );
  });
});
