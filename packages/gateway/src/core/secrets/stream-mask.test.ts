import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AT_SECRET_FIELDS } from './at-secret-fields.ts';
import { maskPap } from './pap-secret-finder.ts';
import { StreamMask } from './stream-mask.ts';

/** What a mask makes of octets that come in pieces. */
function masked(pieces: readonly Uint8Array[]): Uint8Array {
  const mask = new StreamMask();
  return Uint8Array.from(
    pieces.flatMap((piece) => {
      const framed = Uint8Array.from([0, ...piece, 0]);
      mask.mask(framed, 1, framed.length - 1);
      return [...framed.subarray(1, -1)];
    }),
  );
}

/** Octets cut anywhere. */
function cut(octets: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [...new Set(places.map((place) => place % (octets.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, index) => octets.subarray(from, at[index] ?? octets.length));
}

const latin1 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));
const places = fc.array(fc.nat(), { maxLength: 12 });
const text = (octets: Uint8Array): string => Buffer.from(octets).toString('latin1');

describe('StreamMask on AT commands', () => {
  it.each([
    ['AT+CPIN="1234"\r', 'AT+CPIN="****"\r'],
    ['AT+CPIN=1234\r', 'AT+CPIN=****\r'],
    ['at+cpin="1234","5678"\r', 'at+cpin="****","****"\r'],
    ['AT+CPIN?\rAT+CPIN=?\rAT\r', 'AT+CPIN?\rAT+CPIN=?\rAT\r'],
    ['AT#SGACT=2,1,"web","s,e;c"\rAT+CSQ\r', 'AT#SGACT=2,1,"web","*****"\rAT+CSQ\r'],
    ['AT#SGACT=2,1\rAT#SD=1,0,80,"host"\r', 'AT#SGACT=2,1\rAT#SD=1,0,80,"host"\r'],
    ['AT+CMEE=1;+CPIN="1234";+CSQ\r', 'AT+CMEE=1;+CPIN="****";+CSQ\r'],
    ['AT#FTPOPEN="ftp.example:21","me","secret",1\r', 'AT#FTPOPEN="ftp.example:21","me","******",1\r'],
    ['AT+CPWD="SC","1111","2222"\r', 'AT+CPWD="SC","****","****"\r'],
    ['AT+CPINX="1234"\r', 'AT+CPINX="1234"\r'],
    ['AT+CPIN = "12 34"\r', 'AT+CPIN =*"*****"\r'],
    ['AT+CGAUTH?\r\r\n+CGAUTH: 1,1,"me","secret"\r\n', 'AT+CGAUTH?\r\r\n+CGAUTH: 1,1,"me","******"\r\n'],
    ['\r\n+CPIN: READY\r\n', '\r\n+CPIN: READY\r\n'],
  ])('%j is recorded as %j, however it is cut', (line, expected) => {
    fc.assert(
      fc.property(places, (where) => {
        expect(text(masked(cut(latin1(line), where)))).toBe(expected);
      }),
    );
  });

  it('masks each command of its table, and nothing before the secret', () => {
    for (const [name, [first, last]] of Object.entries(AT_SECRET_FIELDS)) {
      const fields = Array.from({ length: last + 2 }, (_, index) => `"field${index}"`);
      const shown = fields.map((field, index) => (index >= first && index <= last ? '"******"' : field));
      expect(text(masked([latin1(`AT${name}=${fields.join(',')}\r`)]))).toBe(`AT${name}=${shown.join(',')}\r`);
    }
  });

  it('never goes on without end: an argument that is none masks at most a kilobyte', () => {
    const stuck = text(masked([latin1(`AT+CPIN=${'x'.repeat(5000)}`)]));
    expect(stuck.split('*').length - 1).toBe(1024);
  });
});

/** HDLC-like framing of a frame, every octet below 0x20 escaped, as it is before a link has agreed on anything. */
function framed(frame: readonly number[]): Uint8Array {
  const escaped = frame.flatMap((octet) =>
    octet < 0x20 || octet === 0x7d || octet === 0x7e ? [0x7d, octet ^ 0x20] : [octet],
  );
  return Uint8Array.from([0x7e, ...escaped, 0x7e]);
}

function unframed(octets: Uint8Array): number[] {
  const frame: number[] = [];
  for (let at = 1; at < octets.length - 1; at++)
    frame.push(octets[at] === 0x7d ? (octets[++at] as number) ^ 0x20 : (octets[at] as number));
  return frame;
}

function papRequest(user: readonly number[], password: readonly number[], hasAddress: boolean): number[] {
  const data = [user.length, ...user, password.length, ...password];
  return [...(hasAddress ? [0xff, 0x03] : []), 0xc0, 0x23, 1, 7, 0, data.length + 4, ...data];
}
const octets = fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 40 });

describe('StreamMask on PPP', () => {
  it('masks the password of PAP and the FCS behind it, escapes or not, however it is cut, and nothing else', () => {
    fc.assert(
      fc.property(octets, octets, fc.boolean(), places, (user, password, hasAddress, where) => {
        const fcs = [0x12, 0x7e];
        const request = [...papRequest(user, password, hasAddress), ...fcs];
        const after = framed([0xff, 0x03, 0x00, 0x21, ...password]);
        const shown = masked(cut(Uint8Array.from([...framed(request), ...after]), where));
        const own = shown.subarray(0, shown.length - after.length);
        const secretBytes = password.length + fcs.length;
        expect(unframed(own)).toEqual([...request.slice(0, -secretBytes), ...Array(secretBytes).fill(0x2a)]);
        expect(shown.subarray(-after.length)).toEqual(after);
      }),
    );
  });

  it('ends with the request, also where the call breaks off in the password', () => {
    const request = [...papRequest([1], [65, 66, 67, 68], true), 0x12, 0x34];
    // All but the FCS, whose last octet is not escaped, and the flag.
    const shown = text(masked([framed(request).subarray(0, -4), latin1('\r\nNO CARRIER\r\nAT+CSQ\r')]));
    expect(shown.slice(shown.indexOf('*'))).toBe('******NO CARRIER\r\nAT+CSQ\r');
  });

  it('leaves what is no request of PAP as it is', () => {
    fc.assert(
      fc.property(octets, places, (payload, where) => {
        for (const head of [
          [0xff, 0x03, 0xc0, 0x21, 1],
          [0xff, 0x03, 0xc0, 0x23, 2],
          [0xff, 0x03, 0xc2, 0x23, 1],
          [0x00, 0x21],
        ]) {
          const frame = framed([...head, ...payload]);
          expect(masked(cut(frame, where))).toEqual(frame);
        }
      }),
    );
  });

  it('masks a frame without escapes and FCS', () => {
    const request = papRequest([1, 2], [65, 66, 67], true);
    const frame = Uint8Array.from(request);
    maskPap(frame);
    expect([...frame]).toEqual([...request.slice(0, -3), 0x2a, 0x2a, 0x2a]);
    const other = Uint8Array.from([0xff, 0x03, 0xc0, 0x21, 1, 1, 0, 4]);
    maskPap(other);
    expect([...other]).toEqual([0xff, 0x03, 0xc0, 0x21, 1, 1, 0, 4]);
  });
});
