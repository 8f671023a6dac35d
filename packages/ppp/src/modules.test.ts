import { memoryPair } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import { describe, expect, it } from 'vitest';
import { ip, lcp, MODULES, ModulePeer, type ModuleProfile } from '../test/module-peer.ts';
import { CODE, PppLink, PROTOCOL, type PppClientOptions } from './index.ts';

const packet = Uint8Array.from({ length: 60 }, (_, index) => (index === 0 ? 0x45 : index));
const plain = MODULES[0] as ModuleProfile;

function call(profile: ModuleProfile, options: PppClientOptions = {}) {
  const clock = new VirtualClock();
  const { dte, dce } = memoryPair();
  const module = new ModulePeer(dce, profile);
  const link = new PppLink(dte, { clock, ...options });
  return { clock, module, link, dte, dce };
}

describe('modules as they are', () => {
  it.each(MODULES.map((profile) => [profile.name, profile] as const))('%s', async (_name, profile) => {
    const { clock, module, link } = call(profile, { keepAlive: { intervalMs: 10_000, failures: 2 } });
    module.start();
    const heard: Uint8Array[] = [];
    link.packets$.subscribe((got) => heard.push(got));
    const network = await clock.run(link.open());
    expect(network.localAddress).toBe('10.36.9.1');
    expect(network.dns).toEqual(['172.30.8.5', '172.30.8.6']);
    await clock.run(link.send(packet));
    module.send(packet);
    await clock.advance(1);
    expect(module.delivered).toEqual([packet]);
    expect(heard).toEqual([packet]);
    // Whatever its echoes look like, they show that it lives.
    await clock.advance(600_000);
    expect(link.phase).toBe('running');
    expect(module.peer.of(PROTOCOL.LCP, CODE.echoRequest).length).toBeGreaterThanOrEqual(30);
    await clock.run(link.close());
    expect((await link.ended).reason).toBe('closedHere');
  });

  it('one that answers no echo lives by default, and is given up where a keep-alive was asked for', async () => {
    const mute = { ...plain, echo: 'ignores' } as const;
    const patient = call(mute);
    patient.module.start();
    await patient.clock.run(patient.link.open());
    await patient.clock.advance(3_600_000);
    expect(patient.link.phase).toBe('running');
    const strict = call(mute, { keepAlive: { intervalMs: 10_000, failures: 2 } });
    strict.module.start();
    await strict.clock.run(strict.link.open());
    expect(await strict.clock.run(strict.link.ended)).toMatchObject({ reason: 'silence' });
  });

  it('Qualcomm: PAP where CHAP is naked', async () => {
    const profile = MODULES.find(({ name }) => name.startsWith('Qualcomm')) as ModuleProfile;
    const { clock, module, link } = call(profile, { auth: 'pap', user: 'u', password: 'p' });
    module.start();
    await clock.run(link.open());
    expect(module.peer.of(PROTOCOL.LCP, CODE.configureNak)).toHaveLength(1);
    expect(module.peer.of(PROTOCOL.PAP, 1)).toHaveLength(1);
  });

  it('old GPRS: PAP is proposed where CHAP is asked for and not allowed', async () => {
    const profile = MODULES.find(({ name }) => name.startsWith('old GPRS')) as ModuleProfile;
    const { clock, module, link } = call(profile, { auth: 'pap', user: 'u', password: 'p' });
    module.start();
    await clock.run(link.open());
    const [request] = module.peer.of(PROTOCOL.PAP, 1);
    expect([...(request?.data ?? [])]).toEqual([1, 0x75, 1, 0x70]);
  });

  it('rejecting authentication: one module yields, one insists for ever and is given up', async () => {
    const yields = call({ ...plain, onAuthRejected: 'yields' }, { auth: 'none' });
    yields.module.start();
    await yields.clock.run(yields.link.open());

    const insists = call({ ...plain, onAuthRejected: 'insists' }, { auth: 'none' });
    insists.module.start();
    const error = await insists.clock.run(insists.link.open().catch((reason: unknown) => reason));
    expect(error).toMatchObject({ code: 'ERR_PPP_REFUSED' });
    expect(insists.module.peer.of(PROTOCOL.LCP, CODE.configureReject).length).toBeLessThanOrEqual(200);
  });

  it('gives up a context that never comes, with the time and the count bounded', async () => {
    const { clock, module, link } = call({
      ...plain,
      ipcpStalls: { times: Infinity, options: [ip(129, '10.11.12.13'), ip(131, '10.11.12.14')] },
    });
    module.start();
    const error = await clock.run(link.open().catch((reason: unknown) => reason));
    expect(error).toMatchObject({ code: 'ERR_PPP_NETWORK_FAILED' });
    expect(clock.now()).toBeLessThanOrEqual(100_000);
    expect(module.peer.of(PROTOCOL.IPCP, CODE.configureRequest).length).toBeLessThanOrEqual(220);
  });

  it('a network without name servers gives none', async () => {
    const nothing = call({ ...plain, ipcpNak: [ip(3, '10.0.0.9'), ip(129, '0.0.0.0'), ip(131, '0.0.0.0')] });
    nothing.module.start();
    expect((await nothing.clock.run(nothing.link.open())).dns).toEqual([]);
    const rejects = call({ ...plain, ipcpNak: [ip(3, '10.0.0.9')], ipcpRejects: [129, 131] });
    rejects.module.start();
    expect((await rejects.clock.run(rejects.link.open())).dns).toEqual([]);
    const stalls = call({
      ...plain,
      ipcpStalls: { times: 1000, options: [ip(3, '10.0.0.9'), ip(129, '10.11.12.13'), ip(131, '10.11.12.14')] },
      ipcpNak: [ip(3, '10.0.0.9')],
    });
    stalls.module.start();
    // A module that names placeholders for ever is not worth more patience than its bound.
    await stalls.clock.run(stalls.link.open().catch(() => undefined));
    expect(stalls.clock.now()).toBeLessThan(120_000);
  });

  it('hangs up on IPV6CP: only where it was asked for, and told as a lost call', async () => {
    const profile = { ...plain, hangsUpOnIpv6: true };
    const without = call(profile);
    without.module.start();
    await without.clock.run(without.link.open());
    const withIt = call(profile, { ipv6: true });
    withIt.module.start();
    const error = await withIt.clock.run(withIt.link.open().catch((reason: unknown) => reason));
    expect(error).toMatchObject({ code: 'ERR_PPP_CARRIER_LOST', context: { message: 'NO CARRIER', phase: 'network' } });
  });

  it('a Protocol-Reject of IPV6CP leaves IPv4 alone', async () => {
    const { clock, module, link } = call(plain, { ipv6: true });
    module.start();
    const network = await clock.run(link.open());
    expect(network.ipv6).toBeUndefined();
    await clock.run(link.send(packet));
    await clock.advance(1);
    expect(module.delivered).toHaveLength(1);
  });

  it('loses the call at NO CARRIER between frames, in pieces, and not at the same octets inside a frame', async () => {
    const { clock, module, link } = call(plain);
    module.start();
    await clock.run(link.open());
    const text = Uint8Array.from('E   \r\nNO CARRIER\r\n', (c) => c.charCodeAt(0));
    module.send(text);
    await clock.advance(1000);
    expect(link.phase).toBe('running');
    module.peer.text('\r\nNO CA');
    await clock.advance(1000);
    module.peer.text('RRIER\r\n');
    await clock.advance(299);
    expect(link.phase).toBe('running');
    await clock.advance(1);
    const end = await link.ended;
    expect(end).toMatchObject({ reason: 'carrierLost', text: 'NO CARRIER', isWorthRetrying: true });
    expect(Buffer.from(end.leftover).toString()).toBe('\r\nNO CARRIER\r\n');
    await expect(link.send(packet)).rejects.toMatchObject({ code: 'ERR_PPP_CARRIER_LOST' });
  });

  it('NO CARRIER right behind the Terminate-Ack belongs to whoever has the port next', async () => {
    const { clock, module, link } = call(plain);
    module.start();
    await clock.run(link.open());
    await clock.run(link.close());
    let text = '';
    link.released.received$.subscribe((chunk) => (text += Buffer.from(chunk).toString()));
    await clock.advance(1);
    expect(text).toBe('\r\nNO CARRIER\r\n');
    expect(link.released).toBe(link.released);
  });

  it('twenty requests and NO CARRIER from a module that hears nothing of us: the answer is late, not lost', async () => {
    const clock = new VirtualClock();
    const { dte, dce } = memoryPair();
    const module = new ModulePeer(dce, plain);
    // Before anybody listens: what came behind CONNECT waits in the port.
    module.start();
    module.start();
    await clock.advance(5000);
    const link = new PppLink(dte, { clock });
    const { localAddress } = await clock.run(link.open());
    expect(localAddress).toBe('10.36.9.1');
    expect(clock.now()).toBeLessThan(5500);
  });

  it('data behind the Ack of LCP in one chunk is taken as agreed there', async () => {
    const { clock, module, link } = call({ ...plain, lcpRequest: [lcp.accm(0)] });
    module.start();
    await clock.run(link.open());
    expect(link.counters.fcsErrors).toBe(0);
  });
});
