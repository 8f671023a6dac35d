import { describe, expect, test } from 'vitest';
import { commandLineFacts, textFault } from './command-line.ts';

describe('commandLineFacts', () => {
  test.each<[line: string, ownPrefixes: string[], goesOnline: boolean]>([
    ['AT', [], false],
    ['AT+CSQ', ['+CSQ:'], false],
    ['at+csq', ['+CSQ:'], false],
    ['AT+CREG?', ['+CREG:'], false],
    ['ATE0V1&C1+CSQ;#SS=1', ['+CSQ:', '#SS:'], false],
    ['AT#SGACT=1,1,"a;+CPIN","b"', ['#SGACT:'], false],
    ['ATS3?S12=50', [], false],
    ['ATH', [], false],
    ['AT&D2&F1', [], false],
    ['ATD*99***1#', [], true],
    ['ATE0DT123;', [], true],
    ['ATA', [], true],
    ['ATO', [], true],
    ['AT#SO=1', ['#SO:'], true],
    ['AT#SKTD=0,80,"h"', ['#SKTD:'], true],
    ['AT#GPRS=1', ['#GPRS:', '+IP:'], false],
    ['AT#SKTD?', ['#SKTD:'], false],
    ['AT#SD=1,0,80,"h",0,0,1', ['#SD:'], false],
  ])('%s', (line, ownPrefixes, goesOnline) => {
    expect(commandLineFacts(line)).toEqual({ ownPrefixes, goesOnline });
  });
});

describe('textFault', () => {
  test.each(['\r', '\n', '\x1a', '\x1b', '\0', '\b', '\x7f'])('refuses %j', (character) => {
    expect(textFault(`a${character}b`, { quote: false })).toBe('control');
  });

  test('refuses what is not of the alphabet, and the quotation mark where told so', () => {
    expect(textFault('é', { quote: false })).toBe('notAscii');
    expect(textFault('a\u0100', { quote: false })).toBe('notAscii');
    expect(textFault('a"b', { quote: true })).toBe('quote');
    expect(textFault('AT+X="a b~"', { quote: false })).toBeUndefined();
  });
});
