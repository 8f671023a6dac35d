import { describe, expect, it } from 'vitest';
import { authOptionData, AUTH_PREFERENCE, type AuthProtocol } from './auth-protocol.ts';
import { option, type ControlOption } from './control-packet.ts';
import { LCP_OPTION, LcpOptions, type LcpConfiguration } from './lcp-options.ts';

let magic = 0x1000;
function options(configuration: Partial<LcpConfiguration> = {}): LcpOptions {
  return new LcpOptions({
    mru: 1500,
    accm: 0,
    magicNumber: true,
    pfc: true,
    acfc: true,
    fcs32: false,
    acceptAuth: AUTH_PREFERENCE,
    demandAuth: [],
    randomMagic: () => magic++,
    ...configuration,
  });
}
const auth = (protocol: AuthProtocol): ControlOption =>
  option(LCP_OPTION.authenticationProtocol, authOptionData(protocol));
const EAP = option(LCP_OPTION.authenticationProtocol, [0xc2, 0x27]);
const MS_CHAP = option(LCP_OPTION.authenticationProtocol, [0xc2, 0x23, 0x80]);
const raw = (list: readonly ControlOption[]): number[][] => list.map((each) => [...each.raw]);
/** The option of a type in our next request. */
const asked = (lcp: LcpOptions, type: number): number[] | undefined => {
  const found = lcp.request().find((each) => each.type === type);
  return found === undefined ? undefined : [...found.data];
};

describe('what LCP asks for', () => {
  it('is what pppd asks for, and no more', () => {
    magic = 0x11223344;
    expect(raw(options().request())).toEqual([
      [2, 6, 0, 0, 0, 0],
      [5, 6, 0x11, 0x22, 0x33, 0x44],
      [7, 2],
      [8, 2],
    ]);
    const everything = options({ mru: 296, accm: 0x000a0000, fcs32: true, demandAuth: ['chap-md5'] });
    expect(everything.request().map(({ type }) => type)).toEqual([1, 2, 3, 5, 7, 8, 9]);
    const nothing = options({ accm: 0xffffffff, magicNumber: false, pfc: false, acfc: false });
    expect(nothing.request()).toEqual([]);
  });

  it('leaves out what was rejected, and asks again for all of it in the next negotiation', () => {
    const lcp = options({ mru: 600, fcs32: true });
    const all = lcp.request();
    expect(lcp.rejected(all)).toBe('go');
    expect(lcp.request()).toEqual([]);
    expect(lcp.magicNumber).toBe(0);
    lcp.restart();
    expect(lcp.request()).toHaveLength(all.length);
  });

  it('escapes all that either end wants escaped', () => {
    const lcp = options({ accm: 0x00000100 });
    lcp.naked([option(2, [0, 0x0a, 0, 0])]);
    lcp.naked([option(2, [0x80, 0, 0, 1])]);
    expect(asked(lcp, 2)).toEqual([0x80, 0x0a, 1, 1]);
    lcp.naked([option(2, [1, 2, 3])]);
    expect(asked(lcp, 2)).toEqual([0x80, 0x0a, 1, 1]);
  });

  it.each([
    ['less than it asked for', [2, 0], [2, 0]],
    ['more, which its buffers do not hold', [6, 0x40], undefined],
    ['less than anybody may', [0, 64], undefined],
    ['no number', [1], undefined],
  ])('a Nak of MRU with %s', (_what, data, wanted) => {
    const lcp = options({ mru: 1400 });
    lcp.naked([option(1, data)]);
    // The default is not asked for: it holds anyhow.
    expect(asked(lcp, 1)).toEqual(wanted);
  });

  it('takes another Magic-Number after a Nak, and does without compression that is naked', () => {
    const lcp = options();
    const before = asked(lcp, 5);
    lcp.naked([option(5, [1, 2, 3, 4]), option(7), option(8), option(77, [1])]);
    expect(asked(lcp, 5)).not.toEqual(before);
    expect(lcp.request().map(({ type }) => type)).toEqual([2, 5]);
  });

  it('asks the peer to authenticate in the way that it proposes, where that is allowed', () => {
    const lcp = options({ demandAuth: ['ms-chap-v2', 'chap-md5', 'pap'] });
    lcp.naked([auth('pap')]);
    expect(asked(lcp, 3)).toEqual([0xc0, 0x23]);
  });

  it('goes through all that is allowed where the peer proposes what is not, as pppd does with MS-CHAP', () => {
    const lcp = options({ demandAuth: ['ms-chap-v2', 'chap-md5', 'pap'] });
    const seen = [asked(lcp, 3)];
    for (let round = 0; round < 4; round++) {
      lcp.naked([MS_CHAP]);
      seen.push(asked(lcp, 3));
    }
    const [v2, md5, pap] = (['ms-chap-v2', 'chap-md5', 'pap'] as const).map((each) => [...authOptionData(each)]);
    expect(seen).toEqual([v2, md5, pap, pap, pap]);
    expect(lcp.rejected([auth('pap')])).toEqual({ fatal: 'authRefused' });
  });

  it('tries another way after a Reject, and gives up after the last', () => {
    const lcp = options({ demandAuth: ['chap-md5', 'pap'] });
    expect(lcp.rejected([auth('chap-md5')])).toBe('go');
    expect(asked(lcp, 3)).toEqual([0xc0, 0x23]);
    expect(lcp.rejected([auth('pap')])).toEqual({ fatal: 'authRefused' });
  });

  it('never does without authentication that it demands', () => {
    const lcp = options({ demandAuth: ['pap'] });
    for (const nak of [MS_CHAP, EAP, option(3, []), option(3, [1])]) lcp.naked([nak]);
    expect(asked(lcp, 3)).toEqual([0xc0, 0x23]);
  });
});

describe('what LCP grants', () => {
  const nak = (verdict: unknown): number[] => [...(verdict as { nak: ControlOption }).nak.data];

  it('reads the map of the peer big-endian, bit n for character n', () => {
    const lcp = options();
    const map = option(2, [0, 0x0a, 0, 0]);
    expect(lcp.judge(map)).toBe('ack');
    lcp.granted([map]);
    expect(lcp.peers.accm).toBe(0x000a0000);
    expect((lcp.peers.accm >>> 0x11) & (lcp.peers.accm >>> 0x13) & 1).toBe(1);
  });

  it('is any MRU from 128, and 128 where it is less', () => {
    expect(options().judge(option(1, [0, 128]))).toBe('ack');
    expect(options().judge(option(1, [0xff, 0xff]))).toBe('ack');
    expect(nak(options().judge(option(1, [0, 127])))).toEqual([0, 128]);
  });

  it('proposes every way that it knows, that which shows the password last, where it is asked for another', () => {
    const lcp = options();
    const proposed = [EAP, MS_CHAP, EAP, EAP].map((each) => nak(lcp.judge(each)));
    const [md5, v2, pap] = AUTH_PREFERENCE.map((each) => [...authOptionData(each)]);
    expect(proposed).toEqual([md5, v2, pap, md5]);
    for (const each of AUTH_PREFERENCE) expect(lcp.judge(auth(each))).toBe('ack');
    const only = options({ acceptAuth: ['pap'] });
    expect(nak(only.judge(auth('chap-md5')))).toEqual(pap);
    expect(options({ acceptAuth: [] }).judge(auth('pap'))).toBe('reject');
  });

  it.each([0, 4, 6, 10, 11, 13, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 200])(
    'is nothing of option %i: LQR, callback, Multilink and all that nobody knows',
    (type) => {
      expect(options().judge(option(type, [1, 2, 3, 4]))).toBe('reject');
    },
  );

  it.each([
    [1, [5]],
    [2, [0, 0, 0]],
    [3, [0xc0]],
    [5, [1, 2, 3, 4, 5]],
    [7, [0]],
    [8, [0]],
    [9, [4]],
  ])('is nothing of option %i with the data %j', (type, data) => {
    expect(options().judge(option(type, data))).toBe('reject');
  });

  it('counts its own Magic-Number coming back, and forgets it when another comes', () => {
    const lcp = options();
    const own = lcp.request().find(({ type }) => type === 5) as ControlOption;
    for (let time = 1; time <= 3; time++) {
      expect(lcp.judge(own)).toMatchObject({ always: true });
      expect(lcp.loops).toBe(time);
    }
    expect(lcp.judge(option(5, [9, 9, 9, 9]))).toBe('ack');
    expect(lcp.loops).toBe(0);
    // 0 is no Magic-Number, and no sign of a loop.
    expect(lcp.judge(option(5, [0, 0, 0, 0]))).toMatchObject({ always: true });
    expect(lcp.loops).toBe(0);
  });

  it('is FCS-32 alone, where it is wanted', () => {
    const lcp = options({ fcs32: true });
    expect(lcp.judge(option(9, [4]))).toBe('ack');
    for (const bits of [1, 2, 3, 6, 7]) expect(nak(lcp.judge(option(9, [bits])))).toEqual([4]);
    lcp.naked([option(9, [2])]);
    expect(asked(lcp, 9)).toBeUndefined();
  });
});
