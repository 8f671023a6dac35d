import { describe, expect, it } from 'vitest';
import { setUp } from '../test/set-up.ts';

describe('contexts', () => {
  it('are defined with what is asked for, and a name that is long still fits the line', async () => {
    const { clock, module, ipEasy } = setUp();
    await clock.run(
      ipEasy.defineContext({
        cid: 3,
        apn: 'internet',
        type: 'PPP',
        address: '10.1.2.3',
        dataCompression: 2,
        headerCompression: 3,
      }),
    );
    expect(module.lines.at(-1)).toBe('AT+CGDCONT=3,"PPP","internet","10.1.2.3",2,3');
    const apn = `${'a'.repeat(50)}.example`;
    await clock.run(ipEasy.defineContext({ cid: 1, apn }));
    expect(module.lines.at(-1)).toBe(`AT+CGDCONT=1,"IP","${apn}"`);
    await expect(clock.run(ipEasy.defineContext({ cid: 1, apn, address: '10.1.2.3' }))).rejects.toMatchObject({
      code: 'ERR_AT_LINE_TOO_LONG',
    });
  });

  it('refuse what would end up in another parameter, without a word to the module', async () => {
    const { clock, module, ipEasy } = setUp();
    await clock.run(ipEasy.prepare());
    const before = module.lines.length;
    for (const wrong of [
      { cid: 0 },
      { cid: 6 },
      { apn: 'a","b' },
      { apn: 'a\r' },
      { address: '1.2.3' },
      { address: '1.2.3.4",1' },
      { dataCompression: 3 as 2 },
      { headerCompression: 4 as 3 },
      { type: 'IPV6' as 'IP' },
    ]) {
      await expect(clock.run(ipEasy.defineContext({ cid: 1, apn: 'a', ...wrong }))).rejects.toMatchObject({
        code: expect.stringMatching(/^ERR_(OPTION_RANGE|AT_UNSAFE_TEXT)$/) as unknown,
      });
    }
    for (const wrong of [{ user: 'a"' }, { password: 'a\r' }, { cid: 6 }]) {
      await expect(clock.run(ipEasy.activate({ cid: 1, ...wrong }))).rejects.toMatchObject({
        code: expect.stringMatching(/^ERR_(OPTION_RANGE|AT_UNSAFE_TEXT)$/) as unknown,
      });
    }
    expect(module.lines.slice(before).filter((line) => !line.startsWith('AT#SCFG'))).toEqual([]);
  });

  it.each([
    [555, 'ERR_IPEASY_ACTIVATION_FAILED', 'activation failed', /access point/],
    [567, 'ERR_IPEASY_ACTIVATION_FAILED', 'wrong APN', /access point/],
    [570, 'ERR_IPEASY_ACTIVATION_FAILED', 'QOS not accepted', /quality of service/],
    [149, 'ERR_IPEASY_AUTH_FAILED', 'PDP authentication failure', /password/],
    [30, 'ERR_IPEASY_NO_NETWORK', 'no network service', /signal/],
    [11, 'ERR_IPEASY_SIM', 'SIM PIN required', /PIN/],
    [133, 'ERR_IPEASY_ACTIVATION_FAILED', 'requested service option not subscribed', /SIM/],
    [100, 'ERR_IPEASY_UNKNOWN', 'unknown', /registered \(AT\+CGREG\?\)/],
    [99, 'ERR_IPEASY_MODULE_ERROR', undefined, /registered \(AT\+CGREG\?\)/],
  ])('that are refused with %i say why and what to check', async (cme, code, words, hint) => {
    const { clock, ipEasy } = setUp({ module: { refuse: (line) => (line.startsWith('AT#SGACT=') ? cme : undefined) } });
    const error = (await clock.run(ipEasy.activate({ cid: 2 }).catch((reason: unknown) => reason))) as Error;
    expect(error).toMatchObject({ code, hint: expect.stringMatching(hint) as unknown, context: { cme } });
    if (words !== undefined) expect(error).toMatchObject({ context: { words } });
    expect(error.message).toContain('context 2');
  });

  it('that are refused without a reason say what to check', async () => {
    const { clock, ipEasy } = setUp({ module: { refuse: (line) => line.startsWith('AT#SGACT=') || undefined } });
    await expect(clock.run(ipEasy.activate({ cid: 1 }))).rejects.toMatchObject({
      code: 'ERR_IPEASY_MODULE_ERROR',
      hint: expect.stringContaining('AT+CGREG?') as unknown,
    });
  });

  it('show no password in an error, whatever goes wrong', async () => {
    const { clock, ipEasy, module } = setUp({
      module: { refuse: (line) => (line.includes('SGACT') ? 149 : undefined) },
    });
    const error: unknown = await clock.run(
      ipEasy.activate({ cid: 1, user: 'sentinel-user', password: 'sentinel-7' }).catch((reason: unknown) => reason),
    );
    expect(module.lines.at(-1)).toContain('sentinel-7');
    const seen: unknown[] = [];
    for (let current = error; current instanceof Error; current = current.cause) {
      seen.push(current.message, (current as { context?: unknown }).context, (current as { hint?: unknown }).hint);
    }
    expect(JSON.stringify(seen)).not.toContain('sentinel');
  });

  it('of which the second is used get a connId before they are activated', async () => {
    const { clock, module, ipEasy } = setUp();
    await clock.run(ipEasy.activate({ cid: 2 }));
    const bound = module.lines.findIndex((line) => line.startsWith('AT#SCFG=6,2,'));
    expect(bound).toBeGreaterThan(0);
    expect(bound).toBeLessThan(module.lines.findIndex((line) => line.startsWith('AT#SGACT=2,1')));
  });
});
