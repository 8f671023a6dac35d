import { Capture, concatBytes, fromHex, type CaptureTap } from '@cellmux/port';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPcapng, readPcapng } from './pcapng-reader.ts';

function captured(record: (cmux: CaptureTap, ppp: CaptureTap) => void): Uint8Array {
  const blocks: Uint8Array[] = [];
  const capture = new Capture({
    sink: (block) => {
      blocks.push(block);
      return true;
    },
    clock: { now: () => 500, after: () => () => undefined },
    startedAtMs: 1_000_000,
  });
  record(capture.tap('cmux'), capture.tap('ppp'));
  capture.end();
  return concatBytes(blocks);
}

describe('readPcapng', () => {
  const file = captured((cmux, ppp) => {
    cmux.sent(Uint8Array.of(0xf9, 0x03, 0x3f, 0x01, 0x1c, 0xf9));
    ppp.received(Uint8Array.of(0xff, 0x03, 0xc0, 0x21), 'a comment');
    cmux.received(Uint8Array.of(0xf9, 0x03, 0x73, 0x01, 0xd7, 0xf9));
  });

  it('reads what a capture wrote', () => {
    expect(isPcapng(file)).toBe(true);
    expect(readPcapng(file)).toEqual({
      wrong: undefined,
      records: [
        { linkType: 236, timeS: 1000, octets: Uint8Array.of(0, 0, 0xf9, 0x03, 0x3f, 0x01, 0x1c, 0xf9) },
        { linkType: 204, timeS: 1000, octets: Uint8Array.of(0, 0xff, 0x03, 0xc0, 0x21) },
        { linkType: 236, timeS: 1000, octets: Uint8Array.of(0, 1, 0xf9, 0x03, 0x73, 0x01, 0xd7, 0xf9) },
      ],
    });
  });

  it('reads the other byte order, and times of another resolution', () => {
    const bigEndian = fromHex(
      '0A0D0D0A 0000001C 1A2B3C4D 0001 0000 FFFFFFFFFFFFFFFF 0000001C' +
        '00000001 00000020 00EC 0000 00000000 0009 0001 03000000 0000 0000 00000020' +
        '00000006 00000024 00000000 00000000 000007D0 00000001 00000001 F9000000 00000024',
    );
    expect(readPcapng(bigEndian ?? new Uint8Array())).toEqual({
      wrong: undefined,
      records: [{ linkType: 236, timeS: 2, octets: Uint8Array.of(0xf9) }],
    });
  });

  it('gives what is whole of a file that ends anywhere, and says so', () => {
    for (let length = 12; length < file.length; length++) {
      const { records, wrong } = readPcapng(file.subarray(0, length));
      expect(records.length).toBeLessThan(4);
      if (wrong === undefined) expect(readPcapng(file.subarray(0, length + 1)).wrong).toBeDefined();
    }
  });

  it('never throws, whatever the file holds', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { maxLength: 8 }), (changes) => {
        const damaged = file.slice();
        for (const [index, octet] of changes) damaged[index] = octet;
        readPcapng(damaged);
      }),
    );
  });
});
