import { concatBytes, fromHex, latin1, toHex } from '@cellmux/port';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CONTROL } from './control-field.ts';
import { encodeMessage } from './control-message.ts';
import { decodeFrames, type DecodedFrame } from './decode-frames.ts';
import { encodeAdvanced, encodeBasicFrame } from './frame-encoder.ts';
import { encodeModemStatus } from './modem-status.ts';

const bytes = (hex: string): Uint8Array => fromHex(hex) ?? new Uint8Array();

describe('decodeFrames', () => {
  it('names every field of a frame', () => {
    expect(decodeFrames(bytes('F9 03 3F 01 1C F9 F9 0B 73 01 92 F9'))).toEqual([
      { kind: 'frame', dlci: 0, cr: 1, type: 'SABM', pf: 1, info: new Uint8Array(), messages: [] },
      { kind: 'frame', dlci: 2, cr: 1, type: 'UA', pf: 1, info: new Uint8Array(), messages: [] },
    ]);
    expect(decodeFrames(bytes('F9 07 EF 11 41 54 2B 43 47 4D 52 0D 2B F9'))).toMatchObject([
      { dlci: 1, type: 'UIH', pf: 0, info: latin1('AT+CGMR\r') },
    ]);
  });

  it('names every field of a control message', () => {
    expect(decodeFrames(bytes('F9 03 EF 05 C3 01 F2 F9'))).toMatchObject([
      { messages: [{ type: 'CLD', isCommand: true, fields: {} }] },
    ]);
    const status = { fc: false, rtc: true, rtr: true, ic: false, dv: true };
    const message = encodeMessage('MSC', false, encodeModemStatus(1, status));
    expect(decodeFrames(encodeBasicFrame(0x01, CONTROL.UIH, message))).toMatchObject([
      { dlci: 0, cr: 0, messages: [{ type: 'MSC', isCommand: false, fields: { dlci: 1, ...status } }] },
    ]);
  });

  it('says what is wrong with a damaged frame', () => {
    expect(decodeFrames(bytes('F9 03 3F 01 1D F9'))).toMatchObject([
      { kind: 'damaged', why: 'FCS is 1D, should be 1C', octets: bytes('03 3F 01 1D') },
    ]);
    expect(decodeFrames(bytes('F9 03 3F 05 1C F9'))).toMatchObject([
      { kind: 'damaged', why: 'its length says 2, there are 0 octets' },
    ]);
  });

  it('leaves what is no frame as noise', () => {
    expect(decodeFrames(latin1('AT+CMUX=0\r\r\nOK\r\n'))).toEqual([
      { kind: 'noise', octets: latin1('AT+CMUX=0\r\r\nOK\r\n') },
    ]);
  });

  it('tells the beginning of a frame that does not end', () => {
    expect(decodeFrames(bytes('F9 03 EF 05 C3'))).toEqual([{ kind: 'unfinished', octets: bytes('03 EF 05 C3') }]);
    expect(decodeFrames(bytes('7E 03 EF C3'), { option: 'advanced' })).toEqual([
      { kind: 'unfinished', octets: bytes('03 EF C3') },
    ]);
  });

  it('reads the advanced option', () => {
    const info = latin1('}~hello');
    const line = new Uint8Array(64);
    const length = encodeAdvanced(line, 0, 0x0b, CONTROL.UIH, info, 0, info.length);
    expect(decodeFrames(line.subarray(0, length), { option: 'advanced' })).toMatchObject([
      { kind: 'frame', dlci: 2, cr: 1, type: 'UIH', info },
    ]);
  });

  it('puts every octet besides flags into exactly one piece, and never throws', () => {
    const octet = fc.oneof(fc.constantFrom(0xf9, 0x03, 0x3f, 0x01, 0x1c, 0xef), fc.nat(255));
    const withoutFlags = (octets: Iterable<number>): string => toHex(Uint8Array.from(octets).filter((o) => o !== 0xf9));
    fc.assert(
      fc.property(fc.array(octet, { maxLength: 80 }), (line) => {
        const pieces = decodeFrames(Uint8Array.from(line));
        decodeFrames(Uint8Array.from(line), { option: 'advanced' });
        // A frame is shown in its parts; here it is put together again.
        const whole = pieces.map((piece) => (piece.kind === 'frame' ? octetsOf(piece) : piece.octets));
        expect(withoutFlags(concatBytes(whole))).toBe(withoutFlags(line));
      }),
    );
  });
});

function octetsOf({ dlci, cr, type, pf, info }: DecodedFrame): Uint8Array {
  if (type !== 'SABM' && type !== 'UA' && type !== 'DM' && type !== 'DISC' && type !== 'UIH' && type !== 'UI') {
    throw new Error(`${type} is no frame of the basic option`);
  }
  return encodeBasicFrame((dlci << 2) | (cr << 1) | 1, CONTROL[type] | (pf << 4), info).subarray(1, -1);
}
