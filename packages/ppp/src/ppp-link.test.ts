import { hasCode, memoryPair } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import { describe, expect, it } from 'vitest';
import { PppLink, type PppClientOptions, type PppServerOptions } from './index.ts';

const SERVER = {
  role: 'server',
  localAddress: '10.0.0.1',
  peerAddress: '10.0.0.2',
  dns: ['1.1.1.1', '8.8.8.8'],
} as const;

function pair(client: PppClientOptions, server: Partial<PppServerOptions>) {
  const clock = new VirtualClock();
  const line = memoryPair();
  const dte = new PppLink(line.dte, { clock, ...client });
  const dce = new PppLink(line.dce, { clock, ...SERVER, ...server });
  return { clock, line, dte, dce };
}

describe('a link', () => {
  it('comes up with PAP, carries packets both ways and ends in order', async () => {
    const { clock, dte, dce } = pair(
      { user: 'web', password: 'secret' },
      { auth: 'pap', verify: (user) => (user === 'web' ? 'secret' : undefined) },
    );
    const phases: string[] = [];
    dte.phase$.subscribe((phase) => phases.push(phase));
    void dce.open();
    const network = await clock.run(dte.open());
    expect(network).toMatchObject({
      localAddress: '10.0.0.2',
      peerAddress: '10.0.0.1',
      dns: ['1.1.1.1', '8.8.8.8'],
      mtu: 1500,
    });
    const heard: Uint8Array[] = [];
    dce.packets$.subscribe((packet) => heard.push(packet));
    const packet = Uint8Array.from({ length: 300 }, (_, index) => (index === 0 ? 0x45 : index & 0xff));
    await clock.run(dte.send(packet));
    await clock.advance(10);
    expect(heard).toEqual([packet]);
    await clock.run(dte.close());
    expect((await dte.ended).reason).toBe('closedHere');
    await clock.advance(10_000);
    expect((await dce.ended).reason).toBe('closedByPeer');
    expect(phases).toEqual(['dead', 'establish', 'authenticate', 'network', 'running', 'terminate', 'dead']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('tells a wrong password, with the words of the peer and without ours', async () => {
    const { clock, dte, dce } = pair({ user: 'web', password: 'S3NTINEL' }, { auth: 'pap', verify: () => 'right' });
    void dce.open();
    const error = await clock.run(dte.open().catch((reason: unknown) => reason));
    expect(hasCode(error, 'ERR_PPP_AUTH_FAILED')).toBe(true);
    expect(error).toMatchObject({ context: { message: 'Login incorrect' } });
    expect(JSON.stringify(error)).not.toContain('S3NTINEL');
    expect((await clock.run(dce.ended)).reason).toBe('authFailed');
  });

  it('gives up on a line that never answers, and says so', async () => {
    const clock = new VirtualClock();
    const { dte } = memoryPair();
    const link = new PppLink(dte, { clock });
    const error = await clock.run(link.open().catch((reason: unknown) => reason));
    expect(hasCode(error, 'ERR_PPP_NO_ANSWER')).toBe(true);
    expect(clock.now()).toBe(30_000);
  });
});
