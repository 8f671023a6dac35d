import { fromHex } from '@cellmux/port';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { internetChecksum } from './checksum.ts';
import { parseIpv4 } from './ip-address.ts';
import { decodeIpPacket, encodeIpPacket } from './ip-packet.ts';

const address = fc.ipV4();
const word = fc.integer({ min: 0, max: 0xffff });
const payload = fc.uint8Array({ maxLength: 200 });
const packets = fc.oneof(
  fc.record({
    kind: fc.constantFrom('echoRequest' as const, 'echoReply' as const),
    source: address,
    destination: address,
    identifier: word,
    sequence: word,
    payload,
  }),
  fc.record({
    kind: fc.constant('udp' as const),
    source: address,
    destination: address,
    sourcePort: word,
    destinationPort: word,
    payload,
  }),
);

describe('IP packets', () => {
  it('decodes what it encodes', () => {
    fc.assert(
      fc.property(packets, word, (packet, identification) => {
        expect(decodeIpPacket(encodeIpPacket(packet, identification))).toEqual(packet);
      }),
    );
  });

  it('sees every changed octet, save those that are not covered or make it a packet of another kind', () => {
    fc.assert(
      fc.property(packets, fc.nat(), fc.integer({ min: 1, max: 255 }), (packet, where, change) => {
        const bytes = encodeIpPacket(packet);
        const index = where % bytes.length;
        bytes[index] = (bytes[index] ?? 0) ^ change;
        expect(decodeIpPacket(bytes)).not.toEqual(packet);
      }),
    );
  });

  it('never throws, whatever arrives', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.constantFrom(0x45, 0x46, 0x60, 0x4f), (bytes, first) => {
        decodeIpPacket(bytes);
        if (bytes.length > 0) bytes[0] = first;
        decodeIpPacket(bytes);
      }),
    );
  });

  it('reads a ping as another system sent it', () => {
    // `ping -c1 -s8 127.0.0.1` of Linux (iputils), read from a raw socket.
    const bytes = fromHex('4500002458c540004001e4117f0000017f0000010800aad1411d00010001020304050607');
    expect(decodeIpPacket(bytes ?? new Uint8Array())).toMatchObject({
      kind: 'echoRequest',
      identifier: 0x411d,
      sequence: 1,
    });
  });

  it('computes the example of RFC 1071 §3', () => {
    expect(internetChecksum(new Uint8Array([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]))).toBe(0xffff & ~0xddf2);
  });
});

describe('addresses', () => {
  it.each(['', '1.2.3', '1.2.3.4.5', '1.2.3.256', '01.2.3.4', ' 1.2.3.4', '1.2.3.a'])('refuses %j', (text) => {
    expect(parseIpv4(text)).toBeUndefined();
  });
});
