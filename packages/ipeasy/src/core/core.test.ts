import { CME_ERRORS, errorTextKey } from '@cellmux/at';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dialLine, hostProblem, isIpv4 } from './command-lines.ts';
import { fromHexText, toHexText } from './hex-text.ts';
import { MODULE_ERRORS, moduleError } from './module-errors.ts';
import { parseReceiveHeader } from './receive-header.ts';
import {
  extendedSocketConfigLine,
  lastMaximum,
  parseExtendedSocketConfig,
  parseSocketConfig,
  socketConfigLine,
} from './socket-config.ts';
import { parseSocketInfo, parseSocketStatus } from './socket-status.ts';
import { splitFields, splitList } from './split-fields.ts';
import { parseSocketUrc } from './urc.ts';

describe('lines of the module', () => {
  it('#SS as the guide prints it', () => {
    expect(parseSocketStatus('#SS: 1,4,217.201.131.110,21')).toEqual({
      connId: 1,
      state: 'listening',
      localAddress: '217.201.131.110',
      localPort: 21,
    });
    expect(parseSocketStatus('#SS: 3,3,217.201.131.110,1034,194.185.15.73,10510')).toEqual({
      connId: 3,
      state: 'suspendedWithData',
      localAddress: '217.201.131.110',
      localPort: 1034,
      remoteAddress: '194.185.15.73',
      remotePort: 10510,
    });
    expect(parseSocketStatus('#SS: 5,0')).toEqual({ connId: 5, state: 'closed' });
    expect(parseSocketStatus('#SS: 5,9')).toBeUndefined();
    expect(parseSocketStatus('#SSX: 5,0')).toBeUndefined();
  });

  it('#SI as the guide prints it', () => {
    expect(parseSocketInfo('#SI: 2,10,0,10,0')).toEqual({
      connId: 2,
      sentBytes: 10,
      receivedBytes: 0,
      waitingBytes: 10,
      unacknowledgedBytes: 0,
    });
    expect(parseSocketInfo('#SI: 2,10')).toBeUndefined();
  });

  it.each([
    ['SRING: 1', { type: 'sring', connId: 1 }],
    ['SRING : 3', { type: 'sring', connId: 3 }],
    ['+SRING: 3', { type: 'sring', connId: 3 }],
    ['SRING: 2,10', { type: 'sring', connId: 2, waitingBytes: 10 }],
    ['SRING: 1,5,hello', { type: 'sring', connId: 1, waitingBytes: 5 }],
    ['NO CARRIER', { type: 'noCarrier' }],
    ['NO CARRIER:3', { type: 'noCarrier', connId: 3 }],
    ['NO CARRIER:2,1', { type: 'noCarrier', connId: 2, cause: 1 }],
    ['#SL: ABORTED', { type: 'listenerAborted' }],
    ['#SKTL: ABORTED', { type: 'listenerAborted' }],
    ['+SL:ABORTED', { type: 'listenerAborted' }],
    ['#SGACT: 10.141.2.165', { type: 'contextActivated', address: '10.141.2.165' }],
    ['RING', undefined],
    ['SRING: x', undefined],
    ['NO CARRIER:x', undefined],
  ])('%s', (line, urc) => {
    expect(parseSocketUrc(line)).toEqual(urc);
  });

  it('#SRECV, with and without the source of a datagram', () => {
    expect(parseReceiveHeader('#SRECV: 1,5')).toEqual({ connId: 1, bytes: 5 });
    expect(parseReceiveHeader('#SRECV: "192.0.2.1",53,1,5,0')).toEqual({
      connId: 1,
      bytes: 5,
      source: { address: '192.0.2.1', port: 53 },
      leftBytes: 0,
    });
    expect(parseReceiveHeader('#SRECV: 1,')).toBeUndefined();
    expect(parseReceiveHeader('#SRECV: 192.0.2.1,x,1,5')).toBeUndefined();
  });

  it('settings, there and back', () => {
    const config = parseSocketConfig('#SCFG: 2,3,512,30,300,100');
    expect(config).toEqual({ connId: 2, cid: 3, pktSz: 512, maxTo: 30, connTo: 300, txTo: 100 });
    expect(config && socketConfigLine(config)).toBe('AT#SCFG=2,3,512,30,300,100');
    const extended = parseExtendedSocketConfig('#SCFGEXT: 1,2,1,0,0,1');
    expect(extended && extendedSocketConfigLine(extended)).toBe('AT#SCFGEXT=1,2,1,0,0,1');
    const short = parseExtendedSocketConfig('#SCFGEXT: 1,1,0,0');
    expect(short && extendedSocketConfigLine(short)).toBe('AT#SCFGEXT=1,1,0,0');
    expect(parseSocketConfig('#SCFGEXT: 2,3,512,30,300,100')).toBeUndefined();
    expect(lastMaximum('#SSENDEXT: (1-6),(1-1500)')).toBe(1500);
    expect(lastMaximum('#SSENDEXT: (1-6)')).toBe(6);
    expect(lastMaximum('')).toBeUndefined();
  });

  it('any text is read or refused, never thrown at, and quotes hide commas', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 200 }),
        fc.constantFrom('', '#SS: ', '#SI: ', '#SRECV: ', 'SRING: ', 'NO CARRIER:', '#SCFG: '),
        (text, prefix) => {
          const line = prefix + text;
          parseSocketStatus(line);
          parseSocketInfo(line);
          parseReceiveHeader(line);
          parseSocketUrc(line);
          parseSocketConfig(line);
          parseExtendedSocketConfig(line);
          lastMaximum(line);
        },
      ),
    );
    expect(splitFields('#X: "a,b", c ,""', '#X')).toEqual(['a,b', 'c', '']);
    expect(splitList('')).toEqual(['']);
  });
});

describe('lines for the module', () => {
  it('are as short as they can be', () => {
    const dial = {
      connId: 2,
      transport: 'tcp',
      host: 'www.telit.com',
      port: 80,
      closureType: 0,
      localPort: 0,
      mode: 'online',
    } as const;
    expect(dialLine(dial)).toBe('AT#SD=2,0,80,"www.telit.com"');
    expect(dialLine({ ...dial, mode: 'command' })).toBe('AT#SD=2,0,80,"www.telit.com",0,0,1');
    expect(dialLine({ ...dial, closureType: 255 })).toBe('AT#SD=2,0,80,"www.telit.com",255');
    expect(dialLine({ ...dial, transport: 'udp', localPort: 7 })).toBe('AT#SD=2,1,80,"www.telit.com",0,7');
  });

  it('hold no host that could say more than its name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (host) => {
        if (hostProblem(host) === undefined) expect(host).toMatch(/^[A-Za-z0-9._-]{1,253}$/);
      }),
      { numRuns: 500 },
    );
    for (const host of ['example.org', '192.0.2.1', 'xn--bcher-kva.example', 'a_b'])
      expect(hostProblem(host)).toBeUndefined();
    for (const host of ['', 'a b', 'a"', 'a,1', 'a;+CFUN=0', 'a\r', 'ü', '::1', 'fe80::1', 'a'.repeat(254)])
      expect(hostProblem(host)).toBeDefined();
    expect(isIpv4('255.255.255.255')).toBe(true);
    for (const text of ['256.1.1.1', '1.2.3', '1.2.3.4.5', 'a.b.c.d', '1..2.3']) expect(isIpv4(text)).toBe(false);
  });
});

describe('hex text', () => {
  it('comes back as it was, in either case', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const text = toHexText(bytes);
        expect(fromHexText(text)).toEqual(bytes);
        expect(fromHexText(text.map((character) => (character >= 0x41 ? character | 0x20 : character)))).toEqual(bytes);
      }),
    );
    for (const wrong of ['0', '0g', 'g0', ' 0', '@0', '`0'])
      expect(fromHexText(Uint8Array.from(Buffer.from(wrong)))).toBeUndefined();
  });
});

describe('error codes', () => {
  it('have a code, words and a hint, in all ranges of the guide', () => {
    for (const [first, last] of [
      [550, 573],
      [600, 612],
    ] as const) {
      for (let cme = first; cme <= last; cme++) expect(moduleError(cme), `${cme}`).toBeDefined();
    }
    for (const [cme, { code, words, hint }] of Object.entries(MODULE_ERRORS)) {
      expect(code, cme).toMatch(/^ERR_IPEASY_[A-Z_]+$/);
      expect(words.length, cme).toBeGreaterThan(0);
      expect(hint, cme).toMatch(/\.$/);
    }
  });

  it('have the words that the AT engine reads, so that +CMEE=2 means the same', () => {
    for (const [cme, { words }] of Object.entries(MODULE_ERRORS)) {
      // 3GPP TS 27.007 puts the cause of 3GPP TS 24.008 behind some.
      const read = CME_ERRORS[Number(cme)]?.replace(/ \(#\d+\)$/, '');
      if (Number(cme) >= 100 || read !== undefined) expect(errorTextKey(read ?? ''), cme).toBe(errorTextKey(words));
    }
  });

  it('of older modules mean the same', () => {
    expect(moduleError(408)).toBe(moduleError(558));
    expect(moduleError(414)).toBe(moduleError(564));
    expect(moduleError(420)).toBe(moduleError(600));
    expect(moduleError(415)).toBeUndefined();
    expect(moduleError(9999)).toBeUndefined();
  });
});
