import { once } from 'node:events';
import { Multiplexer, type DlcPort } from '@cellmux/cmux';
import type { Port } from '@cellmux/port';
import { toDuplex } from '@cellmux/port/duplex';
import { openPty, type PtyPort } from '@cellmux/port/pty';
import { openSerial } from '@cellmux/port/serial';
import { PppLink, type PppClientOptions, type PppEvent, type PppServerOptions } from '@cellmux/ppp';
import { afterAll, describe, expect, it, onTestFailed, vi } from 'vitest';
import { EchoHost } from './echo-host.ts';
import { describeWithPeers } from './peer-programs.ts';
import { UmlPppd, type PppdSession } from './uml-pppd.ts';

interface Run {
  readonly pppd: UmlPppd;
  readonly link: PppLink;
  readonly events: PppEvent[];
}

const COMMON = ['novj', 'noccp', 'noipx', 'lcp-restart', '1', 'ipcp-restart', '1', 'lcp-max-terminate', '3'];
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
const WEB = { user: 'web', password: 'right horse' };
/** The guest's clock and ours run at different paces on a busy machine: asked often, waited for long. */
const PATIENT = { watchCarrier: false, timing: { restartMs: 500, maxConfigure: 100, maxTerminate: 20 } };

const caught = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );

/** Longer than a session takes that goes on by itself. */
const POKE_MS = 5000;
const LIMIT_MS = 90_000;

/** The guest of all these tests and the pty that is its serial line; made when first needed, and again after a failure. */
class Peer {
  #current: { readonly line: PtyPort; readonly pppd: UmlPppd } | undefined;

  async get(): Promise<{ readonly line: PtyPort; readonly pppd: UmlPppd }> {
    if (this.#current === undefined) {
      const line = await openPty();
      this.#current = { line, pppd: new UmlPppd(line.path, { pings: 3 }) };
    }
    return this.#current;
  }

  async end(): Promise<void> {
    const ended = this.#current;
    this.#current = undefined;
    await ended?.pppd.stop();
    await ended?.line.close();
  }
}

const peer = new Peer();

/** Runs a link against one session of pppd, over the guest's line or what `over` makes of it. */
async function withPppd(
  session: PppdSession,
  options: PppClientOptions | PppServerOptions,
  over: (line: PtyPort, body: (port: Port) => Promise<void>) => Promise<void>,
  body: (run: Run) => Promise<void>,
): Promise<void> {
  const { line, pppd } = await peer.get();
  // Of no other test, should this one run into its limit.
  onTestFailed(() => peer.end());
  // User-mode Linux may stop until something arrives: a flag, between frames of a line that is silent by then, is nothing to PPP.
  const poke = setInterval(() => {
    line.send(Uint8Array.of(0x7e)).catch(() => undefined);
  }, POKE_MS);
  try {
    await pppd.begin({ secrets: SECRETS, ...session });
    await over(line, async (port) => {
      const link = new PppLink(port, { ...PATIENT, ...options });
      const events: PppEvent[] = [];
      link.events$.subscribe((event) => events.push(event));
      await body({ pppd, link, events });
      await link.close({ signal: AbortSignal.abort() });
    });
  } catch (error) {
    const shown = `${String(error)}\n${pppd.console.slice(-4000)}`;
    await peer.end();
    throw new Error(shown, { cause: error });
  } finally {
    clearInterval(poke);
  }
}

const bare = (line: PtyPort, body: (port: Port) => Promise<void>): Promise<void> => body(line);

/** Sends on one port what another receives, with back-pressure, until it is stopped or either ends. */
function relay(from: Port, to: Port): () => void {
  let sending = 0;
  const subscription = from.received$.subscribe({
    next: (chunk) => {
      if (++sending === 2) from.pause();
      to.send(chunk).then(
        () => {
          if (--sending === 1) from.resume();
        },
        () => {
          subscription.unsubscribe();
        },
      );
    },
    error: () => undefined,
  });
  return () => {
    subscription.unsubscribe();
    from.resume();
  };
}

/**
 * Our multiplexer at the host's end of a second pty, our multiplexer as the module at its device, and behind its DLCI 1 the
 * guest. DLCI 2 carries something else all the while, which must come back whole.
 */
async function throughCmux(line: PtyPort, body: (port: Port) => Promise<void>): Promise<void> {
  const middle = await openPty();
  const device = await openSerial({ path: middle.path });
  const module = new Multiplexer(device, { role: 'responder' });
  const host = new Multiplexer(middle, { role: 'initiator' });
  let stopRelay = (): void => undefined;
  try {
    module.incoming$.subscribe((dlc: DlcPort) => {
      if (dlc.dlci === 1) {
        relay(dlc, line);
        stopRelay = relay(line, dlc);
      } else relay(dlc, dlc);
    });
    await Promise.all([module.start(), host.start()]);
    const port = await host.open(1);
    const beside = toDuplex(await host.open(2));
    let [sent, heard] = [0, 0];
    beside.on('error', () => undefined);
    beside.on('data', (chunk: Uint8Array) => {
      for (const octet of chunk) expect(octet).toBe(heard++ & 0xff);
    });
    const talk = setInterval(() => {
      beside.write(Uint8Array.from({ length: 100 }, () => sent++ & 0xff));
    }, 20);
    try {
      await body(port);
    } finally {
      clearInterval(talk);
    }
    expect(sent).toBeGreaterThan(0);
    while (heard < sent) await once(beside, 'data');
    await host.close();
  } finally {
    stopRelay();
    await host.close({ signal: AbortSignal.timeout(2000) }).catch(() => undefined);
    await module.close({ signal: AbortSignal.timeout(2000) }).catch(() => undefined);
    await middle.close();
    await device.close();
  }
}

vi.setConfig({ testTimeout: LIMIT_MS });

describeWithPeers('pppd in a user-mode kernel', ['linux.uml', 'pppd', 'gcc', 'perl', 'insmod', 'ping'], () => {
  afterAll(() => peer.end());

  describe.each([
    { way: 'over a bare pty', over: bare, all: true },
    { way: 'through our CMUX, both ends of it', over: throughCmux, all: false },
  ])('$way', ({ over, all }) => {
    /** Through CMUX goes what could matter there; the rest is the same octets again. */
    const some = <T>(cases: readonly (T & { readonly cmux?: boolean })[]): (T & { readonly cmux?: boolean })[] =>
      cases.filter(({ cmux }) => all || cmux === true);

    it.each(
      some<{ name: string; options: string[]; client: PppClientOptions }>([
        { name: 'no authentication', options: [...NETWORK, 'noauth'], client: {}, cmux: true },
        { name: 'PAP', options: [...NETWORK, 'require-pap'], client: WEB },
        { name: 'CHAP-MD5', options: [...NETWORK, 'require-chap'], client: WEB, cmux: true },
        { name: 'MS-CHAPv2', options: [...NETWORK, 'require-mschap-v2'], client: WEB },
        { name: 'EAP or CHAP-MD5', options: [...NETWORK, 'require-eap', 'require-chap'], client: WEB },
        {
          name: 'ACCM ffffffff, MRU 296',
          options: [...NETWORK, 'noauth', 'default-asyncmap', 'mru', '296'],
          client: { accm: 0xffffffff, mru: 296 },
          cmux: true,
        },
        { name: 'no compression of headers', options: [...NETWORK, 'noauth', 'nopcomp', 'noaccomp'], client: {} },
        { name: 'IPv6', options: [...NETWORK, 'noauth', '+ipv6'], client: { ipv6: true }, cmux: true },
      ]),
    )('is the network that we dial: $name', async ({ options, client }) => {
      await withPppd({ options, stays: true }, client, over, async ({ pppd, link }) => {
        const host = new EchoHost(link);
        const network = await link.open();
        expect(network).toMatchObject({
          localAddress: '10.7.0.2',
          peerAddress: '10.7.0.1',
          dns: ['9.9.9.9', '149.112.112.112'],
          mtu: options.includes('296') ? 296 : 1500,
        });
        await host.ping('10.7.0.1', 3, network.mtu);
        await pppd.printed('peer: pinged\r\n');
        // User-mode Linux may keep the last one until something arrives.
        await host.answered(3);
        if (client.ipv6 === true) {
          const [, far] = await pppd.printed(/ipv6-up local=(\S+) remote=/);
          // pppd writes the zeros at the beginning of a group, which RFC 5952 leaves out.
          expect(network.ipv6?.peerAddress).toBe(far?.toLowerCase().replaceAll(/\b0{1,3}(?=[0-9a-f])/g, ''));
          await pppd.printed('peer: pinged over IPv6');
        }
        await link.close();
        expect(await link.ended).toMatchObject({ reason: 'closedHere' });
        await pppd.exited();
        expect(pppd.console).toContain('LCP terminated by peer');
        expect(link.counters).toMatchObject({ fcsErrors: 0, badHeaders: 0, giants: 0 });
      });
    });

    it.each(
      some<{ demand: string }>([
        { demand: 'require-pap' },
        { demand: 'require-chap', cmux: true },
        { demand: 'require-mschap-v2' },
      ]),
    )('refuses us with a wrong password: $demand', async ({ demand }) => {
      const wrong = { ...WEB, password: 'wrong' };
      await withPppd({ options: [...NETWORK, demand] }, wrong, over, async ({ pppd, link }) => {
        expect(await caught(link.open())).toMatchObject({ code: 'ERR_PPP_AUTH_FAILED' });
        // 11: the peer failed to authenticate itself to us.
        expect(await pppd.exited()).toBe(11);
      });
    });

    it.each(some([{ who: 'pppd', cmux: true }]))('ends the call that we dialled: $who', async () => {
      await withPppd({ options: [...NETWORK, 'noauth'] }, {}, over, async ({ pppd, link }) => {
        new EchoHost(link);
        await link.open();
        expect(await link.ended).toMatchObject({ reason: 'closedByPeer', text: 'User request' });
        // 5: ended by a signal, which ip-up sends when its pings are answered.
        expect(await pppd.exited()).toBe(5);
      });
    });

    it.each(
      some<{ name: string; options: readonly string[]; server?: Partial<PppServerOptions> }>([
        { name: 'no authentication', options: TERMINAL, cmux: true },
        { name: 'PAP', options: [...TERMINAL, 'user', 'web'], server: { auth: 'pap' } },
        { name: 'CHAP-MD5', options: [...TERMINAL, 'user', 'web'], server: { auth: 'chap-md5' }, cmux: true },
        { name: 'MS-CHAPv2', options: [...TERMINAL, 'user', 'web'], server: { auth: 'ms-chap-v2' } },
        {
          name: 'PAP, where we would rather have CHAP',
          options: [...TERMINAL, 'user', 'web', 'refuse-chap', 'refuse-mschap-v2'],
          server: { auth: ['ms-chap-v2', 'chap-md5', 'pap'] },
        },
        {
          name: 'ACCM ffffffff, MRU 296',
          options: [...TERMINAL, 'default-asyncmap', 'mru', '296'],
          server: { accm: 0xffffffff, mru: 296 },
          cmux: true,
        },
        {
          name: 'VJ and CCP wanted',
          options: TERMINAL.filter((word) => word !== 'novj' && word !== 'noccp'),
        },
        { name: 'IPv6', options: [...TERMINAL, '+ipv6'], server: { ipv6: true }, cmux: true },
      ]),
    )('dials us: $name', async ({ options, server: more = {} }) => {
      const server = { ...SERVER, verify: (user: string) => (user === 'web' ? WEB.password : undefined), ...more };
      // Else pppd would be ended in the middle of its other pings.
      const whenUp = more.ipv6 === true ? 'while [ ! -e /run/pinged6 ]; do sleep 0.05; done' : 'true';
      await withPppd({ options, whenUp }, server, over, async ({ pppd, link, events }) => {
        const host = new EchoHost(link);
        await link.open();
        await pppd.printed('ip-up local=10.8.0.2 remote=10.8.0.1 dns1=1.1.1.1 dns2=8.8.8.8');
        await host.ping('10.8.0.2', 3, link.network?.mtu);
        await pppd.printed('peer: pinged\r\n');
        if (more.ipv6 === true) await pppd.printed('peer: pinged over IPv6');
        expect(await link.ended).toMatchObject({ reason: 'closedByPeer' });
        expect(await pppd.exited()).toBe(5);
        if (more.auth !== undefined)
          expect(events).toContainEqual(expect.objectContaining({ type: 'authenticated', user: 'web' }));
        expect(link.counters).toMatchObject({ fcsErrors: 0, badHeaders: 0, giants: 0 });
      });
    });

    it.each(
      some<{ auth: 'pap' | 'chap-md5' | 'ms-chap-v2' }>([
        { auth: 'pap', cmux: true },
        { auth: 'chap-md5' },
        { auth: 'ms-chap-v2' },
      ]),
    )('is refused by us with a wrong password: $auth', async ({ auth }) => {
      const server: PppServerOptions = { ...SERVER, auth, verify: () => 'right horse' };
      const session = { options: [...TERMINAL, 'user', 'web'], secrets: 'web * "wrong" *\n' };
      await withPppd(session, server, over, async ({ pppd, link }) => {
        expect(await caught(link.open())).toMatchObject({ code: 'ERR_PPP_AUTH_FAILED' });
        // 19: we failed to authenticate ourselves to the peer.
        expect(await pppd.exited()).toBe(19);
      });
    });

    it.each(some([{ who: 'we', cmux: true }]))('is hung up on, having dialled us: $who', async () => {
      await withPppd({ options: TERMINAL, stays: true }, SERVER, over, async ({ pppd, link }) => {
        new EchoHost(link);
        await link.open();
        await pppd.printed('peer: work done');
        await link.close();
        expect(await link.ended).toMatchObject({ reason: 'closedHere' });
        await pppd.exited();
        expect(pppd.console).toContain('LCP terminated by peer (User request)');
      });
    });
  });

  it('notices that pppd was killed, by echoes', async () => {
    const session = { options: [...NETWORK, 'noauth'], stays: true, whenUp: 'kill -9 "$3"' };
    await withPppd(session, { keepAlive: { intervalMs: 500, failures: 3 } }, bare, async ({ pppd, link }) => {
      new EchoHost(link);
      await link.open();
      expect(await link.ended).toMatchObject({ reason: 'silence' });
      await pppd.printed(/pppd exit/);
    });
  });
});
