import { fromHex, toHex } from '@cellmux/port';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeAddressAnswer, encodeAddressQuery } from './dns-message.ts';

const bytes = (hex: string): Uint8Array => fromHex(hex) ?? new Uint8Array();
const HEADER = (counts: string, flags = '8180'): string => `1234${flags}${counts}00000000`;
const QUESTION = '03777777 076578616D706C65 036F7267 00 0001 0001';

describe('DNS', () => {
  it('asks for the address of a name', () => {
    expect(toHex(encodeAddressQuery(0x1234, 'www.example.org') ?? new Uint8Array())).toBe(
      `12340100000100000000000003777777076578616D706C65036F72670000010001`,
    );
    expect(encodeAddressQuery(1, 'www.example.org.')).toEqual(encodeAddressQuery(1, 'www.example.org'));
  });

  it.each(['', '.', 'a..b', 'a b', 'ü', `${'x'.repeat(64)}.org`, 'a.'.repeat(127)])('does not ask for %j', (name) => {
    expect(encodeAddressQuery(1, name)).toBeUndefined();
  });

  it('finds the address behind an alias', () => {
    const alias = 'C00C 0005 0001 0000003C 0004 0161C010';
    const address = 'C02D 0001 0001 0000003C 0004 0A000001';
    const answer = bytes(HEADER('00010002') + QUESTION + alias + address);
    expect(decodeAddressAnswer(0x1234, answer)).toEqual({ kind: 'address', address: '10.0.0.1' });
  });

  it('tells no such name, no address and a failing server apart', () => {
    const none = { kind: 'none' };
    expect(decodeAddressAnswer(0x1234, bytes(HEADER('00010000', '8183') + QUESTION))).toEqual(none);
    expect(decodeAddressAnswer(0x1234, bytes(HEADER('00010000') + QUESTION))).toEqual(none);
    expect(decodeAddressAnswer(0x1234, bytes(HEADER('00010000', '8182') + QUESTION))).toEqual({
      kind: 'failed',
      responseCode: 2,
    });
  });

  it('takes neither another answer nor a query', () => {
    const answer = bytes(HEADER('00010000') + QUESTION);
    expect(decodeAddressAnswer(0x1235, answer)).toBeUndefined();
    expect(decodeAddressAnswer(0x1234, bytes(HEADER('00010000', '0100') + QUESTION))).toBeUndefined();
  });

  it('never throws, whatever arrives', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(3), fc.nat(3), (rest, questions, answers) => {
        const header = bytes(`1234818000 0${questions} 00 0${answers} 00000000`);
        decodeAddressAnswer(0x1234, Uint8Array.from([...header, ...rest]));
      }),
    );
  });
});
