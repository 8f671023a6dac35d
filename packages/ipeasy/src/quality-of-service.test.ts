import { describe, expect, it } from 'vitest';
import { setUp } from '../test/set-up.ts';
import { values2g, values3g, type QualityOfService2g, type QualityOfService3g } from './quality-of-service.ts';

/** Of all these values, those that a field takes. */
function accepted<T>(candidates: readonly T[], use: (value: T) => unknown): T[] {
  return candidates.filter((value) => {
    try {
      use(value);
      return true;
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_OPTION_RANGE' });
      return false;
    }
  });
}

const upTo = (last: number): number[] => Array.from({ length: last + 3 }, (_, index) => index - 1);
const steps = (first: number, last: number, step: number): number[] =>
  Array.from({ length: (last - first) / step + 1 }, (_, index) => first + index * step);

// Guide §2.1.4.
const UPLINK = [0, ...steps(1, 63, 1), ...steps(64, 568, 8), ...steps(576, 8640, 64)];
const DOWNLINK = [...UPLINK, ...steps(8700, 16_000, 100)];

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

  it('takes of each 2G field exactly what the guide has, in its order', () => {
    const field = (name: keyof QualityOfService2g, candidates: readonly unknown[], place: number): string[] =>
      accepted(candidates, (value) => values2g({ [name]: value })).map(
        (value) => values2g({ [name]: value }).split(',')[place] ?? '',
      );
    expect(field('precedence', ['subscribed', 'high', 'normal', 'low', 'best', 0], 0)).toEqual(['0', '1', '2', '3']);
    expect(field('delayClass', upTo(5), 1)).toEqual(['0', '1', '2', '3', '4']);
    expect(field('reliabilityClass', upTo(6), 2)).toEqual(['0', '1', '2', '3', '4', '5']);
    expect(field('peakKbps', upTo(512), 3)).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    const means = [0, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000];
    expect(field('meanKbps', [...means, 'bestEffort', 3, 0.3, 100_000, 31], 4)).toEqual(
      [...means.keys(), 31].map(String),
    );
  });

  it('takes of each 3G field exactly what the guide has, in its order', () => {
    const field = (name: keyof QualityOfService3g, candidates: readonly unknown[], place: number): unknown[] =>
      accepted(candidates, (value) => values3g({ [name]: value })).map((value) => {
        const text = values3g({ [name]: value }).split(',')[place] ?? '';
        return text.startsWith('"') ? text.slice(1, -1) : Number(text);
      });
    const words = ['conversational', 'streaming', 'interactive', 'background', 'subscribed', 'best', 4];
    expect(field('trafficClass', words, 0)).toEqual([0, 1, 2, 3, 4]);
    expect(field('maximumUplinkKbps', [...upTo(17_000), 0.5, NaN], 1)).toEqual(UPLINK);
    expect(field('maximumDownlinkKbps', upTo(17_000), 2)).toEqual(DOWNLINK);
    expect(field('guaranteedUplinkKbps', upTo(17_000), 3)).toEqual(UPLINK);
    expect(field('guaranteedDownlinkKbps', upTo(17_000), 4)).toEqual(DOWNLINK);
    expect(field('deliveryOrder', ['no', 'yes', 'subscribed', 'maybe'], 5)).toEqual([0, 1, 2]);
    expect(field('maximumSduBytes', upTo(1600), 6)).toEqual([0, ...steps(10, 1500, 1), 1502, 1510, 1520]);
    const sdu = ['0E0', '1E1', '1E2', '7E3', '1E3', '1E4', '1E5', '1E6'];
    expect(field('sduErrorRatio', [...sdu, '6E8', '5E2', ''], 7)).toEqual(sdu);
    const residual = ['0E0', '5E2', '1E2', '5E3', '4E3', '1E3', '1E4', '1E5', '1E6', '6E8'];
    expect(field('residualBitErrorRatio', [...residual, '7E3', '1E1'], 8)).toEqual(residual);
    expect(field('deliverErroneousSdus', ['no', 'yes', 'noDetect', 'subscribed', ''], 9)).toEqual([0, 1, 2, 3]);
    expect(field('transferDelayMs', upTo(4100), 10)).toEqual([
      0,
      ...steps(10, 150, 10),
      ...steps(200, 950, 50),
      ...steps(1000, 4000, 50),
    ]);
    expect(field('trafficHandlingPriority', upTo(4), 11)).toEqual([0, 1, 2, 3]);
  });

  it('is sent with the context, the least first; a refusal says which of it and what to check', async () => {
    const { clock, module, ipEasy } = setUp({
      module: { refuse: (line) => (line.includes('CGEQREQ') ? 4 : line.includes('CGEQMIN') ? true : undefined) },
    });
    await clock.run(
      ipEasy.defineContext({ cid: 1, apn: 'a', quality: { minimum2g: {}, requested2g: { peakKbps: 4 } } }),
    );
    expect(module.lines.slice(-2)).toEqual(['AT+CGQMIN=1,0,0,0,0,0', 'AT+CGQREQ=1,0,0,0,3,0']);
    await expect(
      clock.run(ipEasy.defineContext({ cid: 1, apn: 'a', quality: { requested3g: {} } })),
    ).rejects.toMatchObject({
      code: 'ERR_IPEASY_NOT_SUPPORTED',
      message: expect.stringContaining('requested quality of service of 3G') as unknown,
      hint: expect.stringContaining('AT+CGEQREQ=?') as unknown,
    });
    await expect(
      clock.run(ipEasy.defineContext({ cid: 1, apn: 'a', quality: { minimum3g: {} } })),
    ).rejects.toMatchObject({
      code: 'ERR_IPEASY_MODULE_ERROR',
      message: expect.stringContaining('+CGEQMIN') as unknown,
    });
  });

  it('changes nothing when a value is wrong', async () => {
    const { clock, module, ipEasy } = setUp();
    await clock.run(ipEasy.prepare());
    const before = module.lines.length;
    await expect(
      clock.run(
        ipEasy.defineContext({ cid: 1, apn: 'a', quality: { minimum2g: {}, requested3g: { transferDelayMs: 5 } } }),
      ),
    ).rejects.toMatchObject({ code: 'ERR_OPTION_RANGE', context: { option: 'transferDelayMs', value: 5 } });
    expect(module.lines.length).toBe(before);
  });
});
