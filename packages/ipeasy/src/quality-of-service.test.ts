import { describe, expect, it } from 'vitest';
import { setUp } from '../test/set-up.ts';
import { values2g, values3g } from './quality-of-service.ts';

describe('quality of service', () => {
  it('gives the values of the guide', () => {
    expect(values2g({ precedence: 'normal', peakKbps: 16, meanKbps: 1 })).toBe('2,0,0,5,4');
    expect(values2g({})).toBe('0,0,0,0,0');
    expect(values2g({ meanKbps: 'bestEffort', delayClass: 4, reliabilityClass: 5 })).toBe('0,4,5,0,31');
    expect(values3g({})).toBe('4,0,0,0,0,2,0,"0E0","0E0",3,0,0');
    expect(values3g({ trafficClass: 'streaming', maximumDownlinkKbps: 8700, maximumSduBytes: 1502 })).toBe(
      '1,0,8700,0,0,2,1502,"0E0","0E0",3,0,0',
    );
  });

  it('refuses what is between the steps', () => {
    for (const wrong of [
      { maximumUplinkKbps: 65 },
      { maximumUplinkKbps: 8700 },
      { maximumDownlinkKbps: 8650 },
      { transferDelayMs: 15 },
      { maximumSduBytes: 9 },
      { maximumSduBytes: 1501 },
    ]) {
      expect(() => values3g(wrong)).toThrow(expect.objectContaining({ code: 'ERR_OPTION_RANGE' }));
    }
    expect(() => values2g({ peakKbps: 3 as 4 })).toThrow(expect.objectContaining({ code: 'ERR_OPTION_RANGE' }));
  });

  it('is sent with the context', async () => {
    const { clock, module, ipEasy } = setUp({
      module: { refuse: (line) => (line.includes('CGEQREQ') ? 4 : undefined) },
    });
    await clock.run(
      ipEasy.defineContext({ cid: 1, apn: 'a', quality: { minimum2g: {}, requested2g: { peakKbps: 4 } } }),
    );
    expect(module.lines.slice(-2)).toEqual(['AT+CGQMIN=1,0,0,0,0,0', 'AT+CGQREQ=1,0,0,0,3,0']);
    await expect(
      clock.run(ipEasy.defineContext({ cid: 1, apn: 'a', quality: { requested3g: {} } })),
    ).rejects.toMatchObject({ code: 'ERR_IPEASY_MODULE_ERROR' });
  });
});
