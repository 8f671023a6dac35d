import { concatBytes, fromHex, latin1, toHex } from '@cellmux/port';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeFrames, type DecodedFrame, type DecodedMessage } from './decode-frames.ts';
import { describeFrame } from './describe-frame.ts';
import { encodeBasicFrame } from './frame-encoder.ts';

const bytes = (hex: string): Uint8Array => fromHex(hex) ?? new Uint8Array();
const say = (hex: string, option: 'basic' | 'advanced' = 'basic'): string[] =>
  decodeFrames(bytes(hex), { option }).items.map(describeFrame);

interface VectorMessage {
  msg: string;
  cr: number;
  value: string;
  dlci?: number;
  [field: string]: unknown;
}
interface Vector {
  id: string;
  option: 'basic' | 'advanced';
  hex: string;
  maxInfo?: number;
  frames: { fcsOk: boolean; fcsExpected?: string; messages?: VectorMessage[] }[];
}
const file = JSON.parse(readFileSync(new URL('../../vectors/cmux.json', import.meta.url), 'utf8')) as {
  vectors: Vector[];
};

/** A message in the words of the vectors. */
function inWordsOfVectors(message: DecodedMessage): Record<string, unknown> {
  const { type, typeOctet, isCommand, value, dlci, modemStatus, parameters, remotePort, lineStatus } = message;
  const bit = (flag: boolean): number => (flag ? 1 : 0);
  const named: Record<string, unknown> = {
    msg: type === undefined ? `0x${toHex(Uint8Array.of(typeOctet))}` : type === 'Test' ? 'TEST' : type,
    cr: bit(isCommand),
    value: toHex(value),
  };
  if (dlci !== undefined) named['dlci'] = dlci;
  if (modemStatus !== undefined) {
    const { fc, rtc, rtr, ic, dv, breakMs } = modemStatus;
    const ea = (value[1] ?? 0) & 1;
    named['v24'] = { ea, fc: bit(fc), rtc: bit(rtc), rtr: bit(rtr), ic: bit(ic), dv: bit(dv) };
    if (value.length === 3) named['brk'] = { on: bit(breakMs !== undefined), ms: breakMs ?? 0 };
  }
  if (parameters !== undefined) {
    const { frameType, convergence, priority, t1Ms, n1, n2, k } = parameters;
    Object.assign(named, { frame: frameType, cl: convergence, prio: priority, t1_ms: t1Ms, n1, n2, k });
  }
  if (remotePort !== undefined) {
    named['query'] = remotePort.settings === undefined;
    if (remotePort.settings !== undefined) {
      const { baudRate, dataBits, stopBits, parity, flowControl, xon, xoff } = remotePort.settings;
      Object.assign(named, { baud: baudRate, databits: dataBits, stop: stopBits, parity, flc: flowControl, xon, xoff });
      named['mask'] = remotePort.mask;
    }
  }
  if (lineStatus !== undefined) {
    const { isError, overrun, parity, framing } = lineStatus;
    Object.assign(named, {
      error: bit(isError),
      overrun: bit(overrun),
      parity: bit(parity),
      framing: bit(framing),
    });
  }
  return named;
}

it.each(file.vectors.map((vector) => [vector.id, vector] as const))('names all that vector %s says', (_id, vector) => {
  const decoded = decodeFrames(bytes(vector.hex), { option: vector.option, n1: vector.maxInfo ?? 2048 });
  const frames = decoded.items.filter((item): item is DecodedFrame => item.kind === 'frame');
  expect(frames.map(({ isFcsRight }) => isFcsRight)).toEqual(vector.frames.map(({ fcsOk }) => fcsOk));
  for (const [index, { messages, fcsExpected }] of vector.frames.entries()) {
    const frame = frames[index] as DecodedFrame;
    if (fcsExpected !== undefined) expect(toHex(Uint8Array.of(frame.expectedFcs))).toBe(fcsExpected);
    if (messages !== undefined) expect(frame.messages?.map(inWordsOfVectors)).toEqual(messages);
  }
});

describe('frames in words', () => {
  it('name every field', () => {
    expect(say('F9 03 3F 01 1C F9')).toEqual(['DLCI 0 C/R=1 SABM P/F=1 FCS 1C']);
    expect(say('F9 07 EF 05 41 54 30 F9')).toEqual(['DLCI 1 C/R=1 UIH P/F=0 FCS 30: 2 octets 41 54 "AT"']);
    expect(say('F9 03 EF 09 E3 05 07 8D FB F9')).toEqual([
      'DLCI 0 C/R=1 UIH P/F=0 FCS FB: MSC command DLCI 1: FC=0 RTC=1 RTR=1 IC=0 DV=1',
    ]);
    expect(say('F9 03 EF 0B E3 07 07 8C 13 18 F9')[0]).toContain('break=200 ms');
    expect(say('F9 03 EF 15 83 11 01 00 07 0A 40 00 03 02 EE F9')[0]).toContain(
      'PN command DLCI 1: UIH layer=1 priority=7 T1=100 ms N1=64 N2=3 k=2',
    );
    expect(say('F9 03 EF 15 93 11 07 03 03 00 11 13 7F 3F EE F9')[0]).toContain(
      '9600 Bd data=8 parity=none stop=1 flow=00 XON=11 XOFF=13 mask=3F7F',
    );
    expect(say('F9 03 EF 09 53 05 1F 03 FB F9')[0]).toContain('error=1 overrun=1 parity=0 framing=0');
    expect(say('F9 03 EF 11 E3 05 07 8D E3 05 0B 8D E9 F9')[0]).toMatch(/MSC .*DLCI 1.*; MSC .*DLCI 2/);
    expect(say('F9 07 03 07 41 54 0D 9A F9')[0]).toContain('FCS 9A (over the header alone; 44 is right)');
    expect(say('7E 07 A6 64 61 74 61 F9 7E', 'advanced')[0]).toContain('I P/F=0 N(S)=3 N(R)=5 FCS F9');
    expect(say('7E 07 49 39 7E', 'advanced')).toEqual(['DLCI 1 C/R=1 REJ P/F=0 N(R)=2 FCS 39']);
  });

  it('say what is wrong with damaged ones, and what is noise or has no end', () => {
    expect(say('F9 03 3F 01 1D F9')).toEqual(['a damaged frame: FCS is 1D, should be 1C: 03 3F 01 1D']);
    expect(say('F9 03 3F 05 1C F9')).toEqual(['a damaged frame: its length says 2, there are 0 octets: 03 3F 05 1C']);
    expect(say('F9 03 EF 05 C3')).toEqual(['the beginning of a frame that does not end: 03 EF 05 C3']);
    expect(say('7E 03 EF C3', 'advanced')).toEqual(['the beginning of a frame that does not end: 03 EF C3']);
    const text = toHex(latin1('OK\r\n'));
    expect(say(text)).toEqual(['octets of no frame: 4F 4B 0D 0A "OK\\r\\n"']);
  });
});

it('puts every octet besides flags into exactly one item, and never throws', () => {
  const octet = fc.oneof(fc.constantFrom(0xf9, 0x03, 0x3f, 0x01, 0x1c, 0xef), fc.nat(255));
  const withoutFlags = (octets: Iterable<number>): string => toHex(Uint8Array.from(octets).filter((o) => o !== 0xf9));
  fc.assert(
    fc.property(fc.array(octet, { maxLength: 80 }), (line) => {
      const { items } = decodeFrames(Uint8Array.from(line));
      const advanced = decodeFrames(Uint8Array.from(line), { option: 'advanced' });
      for (const item of [...items, ...advanced.items]) expect(describeFrame(item)).not.toBe('');
      // A frame is shown in its parts; here it is put together again.
      const whole = items.map((item) => (item.kind === 'frame' ? octetsOf(item) : item.octets));
      expect(withoutFlags(concatBytes(whole))).toBe(withoutFlags(line));
    }),
  );
});

function octetsOf({ dlci, commandResponse, type, pollFinal, info, fcs }: DecodedFrame): Uint8Array {
  const controls = { SABM: 0x2f, UA: 0x63, DM: 0x0f, DISC: 0x43, UIH: 0xef, UI: 0x03 };
  const control = controls[type as keyof typeof controls] | (pollFinal ? 0x10 : 0);
  const octets = encodeBasicFrame((dlci << 2) | (commandResponse << 1) | 1, control, info).slice(1, -1);
  octets[octets.length - 1] = fcs;
  return octets;
}
