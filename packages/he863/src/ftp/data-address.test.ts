import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { activeCommand, passivePort } from './data-address.ts';

describe('passivePort', () => {
  const read = (number: number, line: string): number | undefined => passivePort({ code: number, lines: [line] });

  it('reads the forms of servers, and nothing that is no port', () => {
    expect(read(227, '227 Entering Passive Mode (127,0,0,1,195,80).')).toBe(50_000);
    expect(read(227, '227 =10,0,0,1,0,21')).toBe(21);
    expect(read(229, '229 Entering Extended Passive Mode (|||6446|)')).toBe(6446);
    expect(read(227, '227 nonsense')).toBeUndefined();
    expect(read(227, '227 (1,2,3,4,999,1)')).toBeUndefined();
    expect(read(229, '229 (|||99999|)')).toBeUndefined();
    expect(read(227, '227 (1,2,3,4,0,0)')).toBeUndefined();
  });

  it('is what PORT says', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.integer({ min: 1, max: 65_535 }), (address, port) => {
        expect(read(227, `227 (${activeCommand(address, port).slice('PORT '.length)})`)).toBe(port);
      }),
    );
    expect(activeCommand('::1', 5000)).toBe('EPRT |2|::1|5000|');
  });
});
