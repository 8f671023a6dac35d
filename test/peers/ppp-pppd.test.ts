import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPty, type PtyPort } from '@cellmux/port/pty';
import { PppLink, type PppClientOptions, type PppEvent, type PppServerOptions } from '@cellmux/ppp';
import { expect, it } from 'vitest';
import { EchoHost } from './echo-host.ts';
import { describeWithPeers } from './peer-programs.ts';
import { UmlKernel } from './uml-kernel.ts';

/** What pppd is told, and what it finds in its folder. */
interface Pppd {
  readonly options: readonly string[];
  readonly secrets?: string;
  /** pppd waits for us to end it. */
  readonly stays?: boolean;
}

interface Run {
  readonly line: PtyPort;
  readonly guest: UmlKernel;
  readonly link: PppLink;
  readonly events: PppEvent[];
}

const COMMON = ['novj', 'noccp', 'noipx', 'lcp-echo-interval', '2', 'lcp-echo-failure', '5'];
/** pppd as the network: gives us 10.7.0.2. */
const NETWORK = [...COMMON, '10.7.0.1:10.7.0.2', 'ms-dns', '9.9.9.9', 'ms-dns', '149.112.112.112'];
/** pppd as the terminal: takes what it is given. */
const TERMINAL = [...COMMON, 'noauth', 'noipdefault', 'ipcp-accept-local', 'ipcp-accept-remote', 'usepeerdns'];
const SERVER: PppServerOptions = {
  role: 'server',
  localAddress: '10.8.0.1',
  peerAddress: '10.8.0.2',
  dns: ['1.1.1.1', '8.8.8.8'],
};
const SECRETS = 'web * "right horse" *\n';

async function withPppd(pppd: Pppd, options: PppClientOptions | PppServerOptions, body: (run: Run) => Promise<void>) {
  const work = mkdtempSync(join(tmpdir(), 'cellmux-pppd-'));
  writeFileSync(join(work, 'options'), `${pppd.options.join('\n')}\n`);
  const secrets = pppd.secrets ?? SECRETS;
  writeFileSync(join(work, 'pap-secrets'), secrets);
  writeFileSync(join(work, 'chap-secrets'), secrets);
  const line = await openPty();
  const guest = new UmlKernel({
    line: line.path,
    run: 'pppd.pl',
    work,
    words: pppd.stays === true ? { stay: 1 } : {},
    limitMs: 150_000,
  });
  try {
    // pppd opens the line when the guest is up; what is sent before that waits.
    await guest.printed('peer: up');
    const link = new PppLink(line, { watchCarrier: false, ...options });
    const events: PppEvent[] = [];
    link.events$.subscribe((event) => events.push(event));
    await body({ line, guest, link, events });
  } catch (error) {
    throw new Error(`${String(error)}\n${guest.console.slice(-3000)}`, { cause: error });
  } finally {
    await guest.stop();
    await line.close();
    rmSync(work, { recursive: true });
  }
}

const caught = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );

describeWithPeers('pppd in a user-mode kernel', ['linux.uml', 'pppd', 'gcc', 'perl', 'insmod', 'ping'], () => {
  it.each([
    { name: 'no authentication', options: [...NETWORK, 'noauth'], client: {} },
    { name: 'PAP', options: [...NETWORK, 'require-pap'], client: { user: 'web', password: 'right horse' } },
    { name: 'CHAP-MD5', options: [...NETWORK, 'require-chap'], client: { user: 'web', password: 'right horse' } },
    { name: 'MS-CHAPv2', options: [...NETWORK, 'require-mschap-v2'], client: { user: 'web', password: 'right horse' } },
    {
      name: 'ACCM ffffffff, MRU 296',
      options: [...NETWORK, 'noauth', 'default-asyncmap', 'mru', '296'],
      client: { accm: 0xffffffff, mru: 296 },
    },
    { name: 'no compression of headers', options: [...NETWORK, 'noauth', 'nopcomp', 'noaccomp'], client: {} },
    { name: 'IPv6', options: [...NETWORK, 'noauth', '+ipv6'], client: { ipv6: true } },
  ] satisfies { name: string; options: string[]; client: PppClientOptions }[])(
    'is the network that we dial: $name',
    async ({ options, client }) => {
      await withPppd({ options, stays: true }, client, async ({ guest, link }) => {
        const network = await link.open();
        const host = new EchoHost(link);
        expect(network).toMatchObject({
          localAddress: '10.7.0.2',
          peerAddress: '10.7.0.1',
          dns: ['9.9.9.9', '149.112.112.112'],
          mtu: options.includes('296') ? 296 : 1500,
        });
        if (client.ipv6 === true) expect(network.ipv6?.peerAddress).toMatch(/^fe80::/);
        await host.ping('10.7.0.1', 5, network.mtu);
        await guest.printed('peer: pinged');
        expect(host.requestsAnswered).toBeGreaterThanOrEqual(5);
        await link.close();
        expect(await link.ended).toMatchObject({ reason: 'closedHere' });
        await guest.printed('peer: pppd exit');
        expect(guest.console).toContain('LCP terminated by peer');
        expect(link.counters).toMatchObject({ fcsErrors: 0, badHeaders: 0, giants: 0 });
      });
    },
  );

  it.each(['require-pap', 'require-chap', 'require-mschap-v2'])(
    'refuses us with a wrong password: %s',
    async (demand) => {
      await withPppd({ options: [...NETWORK, demand] }, { user: 'web', password: 'wrong' }, async ({ guest, link }) => {
        const error = await caught(link.open());
        expect(error).toMatchObject({ code: 'ERR_PPP_AUTH_FAILED' });
        await guest.printed('peer: pppd exit');
      });
    },
  );

  it.each([
    { name: 'no authentication', options: TERMINAL, auth: 'none' },
    { name: 'PAP', options: [...TERMINAL, 'user', 'web'], auth: 'pap' },
    { name: 'CHAP-MD5', options: [...TERMINAL, 'user', 'web'], auth: 'chap-md5' },
    { name: 'MS-CHAPv2', options: [...TERMINAL, 'user', 'web'], auth: 'ms-chap-v2' },
    {
      name: 'ACCM ffffffff, MRU 296',
      options: [...TERMINAL, 'default-asyncmap', 'mru', '296'],
      auth: 'none',
      accm: 0xffffffff,
      mru: 296,
    },
    {
      name: 'VJ and CCP wanted',
      options: TERMINAL.filter((word) => word !== 'novj' && word !== 'noccp'),
      auth: 'none',
    },
    { name: 'IPv6', options: [...TERMINAL, '+ipv6'], auth: 'none', ipv6: true },
  ] as const)('dials us: $name', async ({ options, auth, ...more }) => {
    const server: PppServerOptions = {
      ...SERVER,
      ...('accm' in more ? { accm: more.accm, mru: more.mru } : {}),
      ...('ipv6' in more ? { ipv6: true } : {}),
      auth,
      verify: (user) => (user === 'web' ? 'right horse' : undefined),
    };
    await withPppd({ options }, server, async ({ guest, link, events }) => {
      await link.open();
      const host = new EchoHost(link);
      await guest.printed('ip-up local=10.8.0.2 remote=10.8.0.1 dns1=1.1.1.1 dns2=8.8.8.8');
      await host.ping('10.8.0.2', 5);
      await guest.printed('peer: pinged');
      expect(await link.ended).toMatchObject({ reason: 'closedByPeer' });
      await guest.printed('peer: pppd exit 5');
      if (auth !== 'none')
        expect(events).toContainEqual(expect.objectContaining({ type: 'authenticated', user: 'web' }));
      expect(link.counters).toMatchObject({ fcsErrors: 0, badHeaders: 0, giants: 0 });
    });
  });

  it.each(['pap', 'chap-md5', 'ms-chap-v2'] as const)('is refused by us with a wrong password: %s', async (auth) => {
    const server: PppServerOptions = { ...SERVER, auth, verify: () => 'right horse' };
    const secrets = 'web * "wrong" *\n';
    await withPppd({ options: [...TERMINAL, 'user', 'web'], secrets }, server, async ({ guest, link }) => {
      expect(await caught(link.open())).toMatchObject({ code: 'ERR_PPP_AUTH_FAILED' });
      // 19: we failed to authenticate ourselves to the peer.
      await guest.printed('peer: pppd exit 19');
    });
  });

  it('notices that pppd was killed, by echoes', async () => {
    const options = { keepAlive: { intervalMs: 500, failures: 3 } };
    await withPppd({ options: [...NETWORK, 'noauth'], stays: true }, options, async ({ guest, link }) => {
      await link.open();
      await guest.stop();
      expect((await link.ended).reason).toMatch(/silence|carrierLost/);
    });
  });
});
