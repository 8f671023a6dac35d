import { countOctets, fitExponent } from '@cellmux/port/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FCS16_GOOD, FCS16_INITIAL, fcs16 } from './fcs16.ts';
import { FrameDecoder } from './frame-decoder.ts';
import { FrameEncoder, maximumFrameBytes } from './frame-encoder.ts';
import { DEFAULT_FORMAT, type FrameFormat } from './frame-format.ts';
import { PROTOCOL } from './protocol-numbers.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));

/** CRC-32 bit by bit. */
function crc32(bytes: Uint8Array, previous = 0): number {
  let register = ~previous;
  for (const octet of bytes) {
    register ^= octet;
    for (let bit = 0; bit < 8; bit++) register = register & 1 ? (register >>> 1) ^ 0xedb88320 : register >>> 1;
  }
  return ~register >>> 0;
}

interface Got {
  protocol: number;
  information: Uint8Array;
}

function decoder(maximumInformationBytes = 1600) {
  const got: Got[] = [];
  const made = new FrameDecoder({
    maximumInformationBytes,
    onFrame: (protocol, information) => got.push({ protocol, information }),
  });
  return { decoder: made, got };
}

function encode(protocol: number, information: Uint8Array, format: FrameFormat = DEFAULT_FORMAT): Uint8Array {
  const target = new Uint8Array(maximumFrameBytes(information.length));
  return target.slice(0, new FrameEncoder(format).encode(protocol, information, target, 0));
}

/** Cuts bytes at the places given. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const edges = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return edges.slice(1).map((end, index) => bytes.slice(edges[index], end));
}

describe('FCS-16', () => {
  it.each([
    ['313233343536373839', 0x906e],
    ['', 0],
    ['00', 0xf078],
    ['ff03c021', 0x2c49],
    ['ff03c0210101000c', 0x3999],
  ])('of %s', (data, expected) => {
    expect(~fcs16(FCS16_INITIAL, hex(data)) & 0xffff).toBe(expected);
  });

  it('is the same in any pieces, and good over itself', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, place) => {
        const split = Math.min(place, bytes.length);
        const whole = fcs16(FCS16_INITIAL, bytes);
        expect(fcs16(fcs16(FCS16_INITIAL, bytes, 0, split), bytes, split)).toBe(whole);
        const fcs = ~whole & 0xffff;
        expect(fcs16(whole, Uint8Array.of(fcs & 0xff, fcs >>> 8))).toBe(FCS16_GOOD);
      }),
    );
  });
});

const octets = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc
    .array(fc.constantFrom(0x7d, 0x7e, 0x11, 0x13, 0x00, 0x5d, 0x5e, 0x41), { maxLength: 300 })
    .map((list) => Uint8Array.from(list)),
);
const protocols = fc.constantFrom<number>(PROTOCOL.IPv4, PROTOCOL.IPv6, PROTOCOL.LCP, PROTOCOL.IPCP, 0x00fd, 0x4025);
const accms = fc.oneof(fc.constantFrom(0, 0xffffffff, 0x000a0000), fc.nat(0xffffffff));

describe('framing', () => {
  it('gives back what was put in, with any ACCM, compression, FCS and chunks', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ protocol: protocols, information: octets }), { maxLength: 8 }),
        accms,
        fc.record({ pfc: fc.boolean(), acfc: fc.boolean(), fcs32: fc.boolean(), share: fc.boolean() }),
        fc.array(fc.nat(4000), { maxLength: 40 }),
        (frames, accm, { pfc, acfc, fcs32, share }, places) => {
          const encoder = new FrameEncoder({ accm, pfc, acfc, crc32: fcs32 ? crc32 : undefined });
          const target = new Uint8Array(8000);
          let end = 0;
          for (const [index, { protocol, information }] of frames.entries())
            end = encoder.encode(protocol, information, target, end, index === 0 || !share);
          const wire = target.slice(0, end);
          for (const octet of wire) if (octet < 32) expect((accm >>> octet) & 1).toBe(0);
          const { decoder: taker, got } = decoder();
          taker.accm = accm;
          taker.crc32 = fcs32 ? crc32 : undefined;
          for (const chunk of cut(wire, places)) expect(taker.decode(chunk)).toBe(chunk.length);
          // A frame of fewer than four octets is no frame: both compressions and no information.
          const kept = frames.filter(
            ({ protocol, information }) =>
              information.length + (acfc ? 0 : 2) + (pfc && protocol < 256 ? 1 : 2) + (fcs32 ? 4 : 2) >=
              (fcs32 ? 6 : 4),
          );
          expect(got).toEqual(kept);
        },
      ),
    );
  });

  it('decodes anything the same however it is cut, and never throws', () => {
    const noise = fc.oneof(
      octets,
      octets.map((information) => encode(PROTOCOL.IPv4, information)),
    );
    fc.assert(
      fc.property(
        fc.array(noise, { maxLength: 12 }),
        fc.array(fc.nat(4000), { maxLength: 60 }),
        accms,
        (parts, places, accm) => {
          const wire = Uint8Array.from(parts.flatMap((part) => [...part]));
          const [whole, pieces] = [decoder(400), decoder(400)];
          whole.decoder.accm = accm;
          pieces.decoder.accm = accm;
          whole.decoder.decode(wire);
          for (const chunk of cut(wire, places)) pieces.decoder.decode(chunk);
          expect(pieces.got).toEqual(whole.got);
          expect(pieces.decoder.counters).toEqual(whole.decoder.counters);
          expect(pieces.decoder.pending).toEqual(whole.decoder.pending);
        },
      ),
    );
  });

  it('never changes the chunk, and what it gives is never changed later', () => {
    const { decoder: taker, got } = decoder();
    const chunks = Array.from({ length: 50 }, (_, index) => encode(PROTOCOL.IPv4, new Uint8Array(500).fill(index)));
    const copies = chunks.map((chunk) => chunk.slice());
    for (const chunk of chunks) taker.decode(chunk);
    expect(chunks).toEqual(copies);
    for (const [index, { information }] of got.entries()) expect(information).toEqual(new Uint8Array(500).fill(index));
  });
});

describe('a frame decoder', () => {
  const packet = Uint8Array.of(0x45, 1, 2, 0x11, 0x7e, 0x7d, 9);
  const good = encode(PROTOCOL.IPv4, packet);

  it('drops an aborted frame and takes the next', () => {
    const { decoder: taker, got } = decoder();
    taker.decode(hex('7eff03002145007d7e'));
    taker.decode(good);
    taker.decode(hex('ff0300214500'));
    taker.decode(hex('7d'));
    taker.decode(hex('7e'));
    taker.decode(good.subarray(1));
    expect(got).toEqual([
      { protocol: 0x21, information: packet },
      { protocol: 0x21, information: packet },
    ]);
    expect(taker.counters.aborts).toBe(2);
    expect(taker.counters.fcsErrors).toBe(0);
  });

  it('ignores empty frames, a valid FCS of nothing, and runts', () => {
    const { decoder: taker, got } = decoder();
    taker.decode(hex('7e7e7e00007e0102037e7e'));
    expect(got).toEqual([]);
    expect(taker.counters).toMatchObject({ runts: 2, fcsErrors: 0, frames: 0 });
  });

  it('takes compressed headers that nobody negotiated', () => {
    for (const format of [
      { pfc: true, acfc: false },
      { pfc: false, acfc: true },
      { pfc: true, acfc: true },
    ]) {
      const { decoder: taker, got } = decoder();
      taker.decode(encode(PROTOCOL.IPv4, packet, { accm: 0, ...format }));
      expect(got).toEqual([{ protocol: 0x21, information: packet }]);
    }
  });

  it('refuses headers that are none', () => {
    const { decoder: taker, got } = decoder();
    const raw = (text: string): void => {
      const body = hex(text);
      const fcs = ~fcs16(FCS16_INITIAL, body);
      taker.decode(Uint8Array.of(0x7e, ...body, fcs & 0xff, (fcs >>> 8) & 0xff, 0x7e));
    };
    raw('ff044021');
    raw('ff034020');
    raw('4020ffff');
    raw('ff0340');
    raw('ff03');
    expect(got).toEqual([]);
    expect(taker.counters.badHeaders).toBe(5);
  });

  it('takes out characters of the ACCM that a line inserted, even behind an escape', () => {
    const { decoder: taker, got } = decoder();
    const stuffed = [...good].flatMap((octet) =>
      octet === 0x7d ? [0x7d, 0x13] : octet === 0x45 ? [0x11, octet, 0x13] : [octet],
    );
    taker.decode(Uint8Array.from(stuffed));
    expect(got).toEqual([{ protocol: 0x21, information: packet }]);
    expect(taker.counters.droppedCharacters).toBeGreaterThan(2);
  });

  it('understands a peer that escapes nothing although its ACCM says so', () => {
    const { decoder: taker, got } = decoder();
    taker.decode(encode(PROTOCOL.IPv4, packet, { accm: 0, pfc: false, acfc: false }));
    expect(got).toHaveLength(1);
  });

  it('drops a frame above its bound, holds no more than it, and takes the next', () => {
    const { decoder: taker, got } = decoder(200);
    taker.decode(hex('7e'));
    for (let i = 0; i < 100; i++) taker.decode(new Uint8Array(100).fill(0x41));
    expect(taker.pending.length).toBeLessThanOrEqual(2 * 208 + 64);
    taker.decode(good);
    taker.decode(good);
    expect(taker.counters.giants).toBe(1);
    expect(got).toHaveLength(2);
    taker.decode(Uint8Array.of(...new Uint8Array(5000).fill(0x41), 0x7e));
    expect(taker.counters.giants).toBe(2);
  });

  it('ignores what comes before the first flag, and takes a frame without an opening flag', () => {
    const { decoder: taker, got } = decoder();
    taker.decode(Uint8Array.from([...'CONNECT 100000\r\n'].map((c) => c.charCodeAt(0))));
    taker.decode(good);
    expect(got).toHaveLength(1);
    expect(taker.counters).toMatchObject({ garbageBytes: 16, fcsErrors: 0 });
    const bare = decoder();
    bare.decoder.decode(good.subarray(1));
    expect(bare.got).toHaveLength(1);
  });

  it('applies what a frame changes to the next one of the same chunk', () => {
    const formats: number[] = [];
    const taker = new FrameDecoder({
      maximumInformationBytes: 100,
      onFrame: () => {
        formats.push(taker.crc32 === undefined ? 16 : 32);
        taker.crc32 = crc32;
      },
    });
    taker.decode(Uint8Array.of(...good, ...encode(PROTOCOL.IPv4, packet, { ...DEFAULT_FORMAT, crc32 })));
    expect(formats).toEqual([16, 32]);
  });

  it('takes LCP with FCS-16 where FCS-32 was agreed on, and nothing else', () => {
    const { decoder: taker, got } = decoder();
    taker.crc32 = crc32;
    taker.decode(encode(PROTOCOL.LCP, packet));
    taker.decode(good);
    expect(got.map(({ protocol }) => protocol)).toEqual([PROTOCOL.LCP]);
  });

  it('stops behind the frame at hand', () => {
    const taker: FrameDecoder = new FrameDecoder({
      maximumInformationBytes: 100,
      onFrame: () => {
        taker.stop();
      },
    });
    const tail = Uint8Array.from([...'\r\nNO CARRIER\r\n'].map((c) => c.charCodeAt(0)));
    expect(taker.decode(Uint8Array.of(...good, ...tail))).toBe(good.length);
    expect(taker.decode(tail)).toBe(0);
  });

  it('is linear: a chunk of many frames without escapes costs no more per frame than a small one', () => {
    const clean = encode(PROTOCOL.IPv4, new Uint8Array(10).fill(0x41), { accm: 0, pfc: true, acfc: true });
    const exponent = fitExponent(
      (frames) =>
        countOctets(() => {
          const chunk = new Uint8Array(clean.length * frames + 1);
          for (let i = 0; i < frames; i++) chunk.set(clean, i * clean.length);
          chunk[chunk.length - 1] = 0x7d;
          decoder().decoder.decode(chunk);
        }),
      500,
    );
    expect(exponent).toBeLessThan(1.1);
  });
});
