import { fromHex, latin1 } from '@cellmux/port';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EchoNetwork } from './echo-network.ts';
import { internetChecksum, pseudoHeaderSum } from './internet-checksum.ts';
import { parseIpv4 } from './ipv4-packet.ts';

const HOST = [10, 64, 0, 1];
const FAR = [192, 0, 2, 9];

interface Shape {
  readonly protocol: number;
  readonly payload: Uint8Array;
  readonly flags?: number;
  readonly options?: readonly number[];
}

function packet({ protocol, payload, flags = 0, options = [] }: Shape): Uint8Array {
  const headerLength = 20 + options.length;
  const bytes = new Uint8Array(headerLength + payload.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = 0x40 | (headerLength / 4);
  view.setUint16(2, bytes.length);
  view.setUint16(4, 0x1234);
  view.setUint16(6, flags);
  bytes.set([3, protocol], 8);
  bytes.set(HOST, 12);
  bytes.set(FAR, 16);
  bytes.set(options, 20);
  view.setUint16(10, internetChecksum(bytes.subarray(0, headerLength)));
  bytes.set(payload, headerLength);
  return bytes;
}

function echoRequest(data: Uint8Array): Uint8Array {
  const icmp = new Uint8Array(8 + data.length);
  icmp.set([8, 0, 0, 0, 0xab, 0xcd, 0, 7]);
  icmp.set(data, 8);
  new DataView(icmp.buffer).setUint16(2, internetChecksum(icmp));
  return icmp;
}

function datagram(port: number, data: Uint8Array, withChecksum = true): Uint8Array {
  const udp = new Uint8Array(8 + data.length);
  const view = new DataView(udp.buffer);
  view.setUint16(0, 40_000);
  view.setUint16(2, port);
  view.setUint16(4, udp.length);
  udp.set(data, 8);
  const pseudo = pseudoHeaderSum(Uint8Array.from(HOST), Uint8Array.from(FAR), 17, udp.length);
  if (withChecksum) view.setUint16(6, internetChecksum(udp, pseudo) || 0xffff);
  return udp;
}

/** A reply, with everything checked that must be right in any. */
function reply(network: EchoNetwork, bytes: Uint8Array): { protocol: number; payload: Uint8Array } {
  const answer = network.answer(bytes);
  const parsed = answer && parseIpv4(answer);
  if (parsed === undefined) throw new Error('no answer, or a damaged one');
  expect([...parsed.source]).toEqual(FAR);
  expect([...parsed.destination]).toEqual(HOST);
  if (parsed.protocol === 17) {
    const pseudo = pseudoHeaderSum(parsed.source, parsed.destination, 17, parsed.payload.length);
    expect(internetChecksum(parsed.payload, pseudo)).toBe(0);
  }
  return parsed;
}

const name = (text: string): number[] => [...text.split('.').flatMap((label) => [label.length, ...latin1(label)]), 0];
const query = (text: string, type = 1, flags = 0x0100): Uint8Array =>
  Uint8Array.from([0x12, 0x34, flags >> 8, flags & 255, 0, 1, 0, 0, 0, 0, 0, 0, ...name(text), 0, type, 0, 1]);

describe('ICMP echo', () => {
  test('any data comes back with right checksums', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1400 }), fc.boolean(), (data, withOptions) => {
        const options = withOptions ? [1, 1, 1, 0] : [];
        const { payload } = reply(new EchoNetwork(), packet({ protocol: 1, payload: echoRequest(data), options }));
        expect(payload[0]).toBe(0);
        expect(internetChecksum(payload)).toBe(0);
        expect(payload.subarray(4)).toEqual(echoRequest(data).subarray(4));
      }),
    );
  });

  test('fragments of a ping come back as fragments of its answer', () => {
    const whole = echoRequest(new Uint8Array(2000).fill(7));
    const network = new EchoNetwork();
    const first = reply(network, packet({ protocol: 1, payload: whole.subarray(0, 1480), flags: 0x2000 }));
    const second = reply(network, packet({ protocol: 1, payload: whole.subarray(1480), flags: 1480 / 8 }));
    const joined = Uint8Array.from([...first.payload, ...second.payload]);
    expect(joined[0]).toBe(0);
    expect(internetChecksum(joined)).toBe(0);
  });

  test('damaged pings get no answer', () => {
    const network = new EchoNetwork();
    const good = packet({ protocol: 1, payload: echoRequest(latin1('data')) });
    for (let index = 0; index < good.length; index++) {
      const bad = good.slice();
      bad[index] = (bad[index] as number) ^ 0x10;
      expect(network.answer(bad)).toBeUndefined();
    }
    expect(network.answer(good)).toBeDefined();
  });
});

describe('UDP', () => {
  test('port 7 gives the data back, with a checksum or without', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1400 }), fc.boolean(), (data, withChecksum) => {
        const { payload } = reply(
          new EchoNetwork(),
          packet({ protocol: 17, payload: datagram(7, data, withChecksum) }),
        );
        expect(payload.subarray(8)).toEqual(data);
        expect(new DataView(payload.slice().buffer).getUint16(2)).toBe(40_000);
      }),
    );
  });

  test('a checksum that comes out as 0 is sent as 0xFFFF: 0 would mean none', () => {
    // Both directions have the same sum, so a request with 0xFFFF gets such an answer.
    const checksumOf = (udp: Uint8Array): number => ((udp[6] as number) << 8) | (udp[7] as number);
    const values = Array.from({ length: 0x10000 }, (_, value) => Uint8Array.of(value >> 8, value & 255));
    const data = values.find((value) => checksumOf(datagram(7, value)) === 0xffff) as Uint8Array;
    const { payload } = reply(new EchoNetwork(), packet({ protocol: 17, payload: datagram(7, data) }));
    expect(checksumOf(payload)).toBe(0xffff);
  });

  test('a port that nobody listens on is unreachable', () => {
    const { protocol, payload } = reply(new EchoNetwork(), packet({ protocol: 17, payload: datagram(9, latin1('x')) }));
    expect(protocol).toBe(1);
    expect([payload[0], payload[1], payload[28 + 2], payload[28 + 3]]).toEqual([3, 3, 0, 9]);
    expect(internetChecksum(payload)).toBe(0);
  });

  test.each([
    ['www.example.com', 1, 0x8180, '0A0B0C0D'],
    ['WWW.Example.com', 1, 0x8180, '0A0B0C0D'],
    ['www.example.com', 28, 0x8180, undefined],
    ['unknown.example.com', 1, 0x8183, undefined],
  ])('DNS: %s type %i', (host, type, flags, address) => {
    const network = new EchoNetwork({ hosts: { 'www.example.com': '10.11.12.13:8080' } });
    const { payload } = reply(network, packet({ protocol: 17, payload: datagram(53, query(host, type)) }));
    const view = new DataView(payload.slice(8).buffer);
    expect(view.getUint16(0)).toBe(0x1234);
    expect(view.getUint16(2)).toBe(flags);
    expect(view.getUint16(6)).toBe(address === undefined ? 0 : 1);
    if (address !== undefined) expect(payload.slice(-4)).toEqual(fromHex(address));
  });
});

test('whatever comes, it never throws, and answers are whole packets', () => {
  const seeds = [
    packet({ protocol: 1, payload: echoRequest(latin1('seed')) }),
    packet({ protocol: 17, payload: datagram(53, query('a.b')) }),
  ];
  const network = new EchoNetwork({ hosts: { 'a.b': '10.0.0.1' } });
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 80 }),
        fc.uint8Array({ maxLength: 60 }).map((data) => packet({ protocol: 17, payload: datagram(53, data) })),
        fc.tuple(fc.constantFrom(...seeds), fc.nat(80)).map(([seed, length]) => seed.subarray(0, length)),
      ),
      (bytes) => {
        const answer = network.answer(bytes);
        if (answer !== undefined) expect(parseIpv4(answer)).toBeDefined();
      },
    ),
  );
});
