import { Gateway, type GatewayEvent, type GatewayStatus } from '@cellmux/gateway';
import { Subject } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HttpObserver } from '../../packages/gateway/src/observe/http-observer.ts';
import { ChromiumPage, withoutChromium } from './chromium-page.ts';

const HOSTILE = '<img src="/nothing" onerror="document.title = \'scripted\'">';

/** A gateway that is whatever the test says. */
class Puppet {
  readonly events$ = new Subject<GatewayEvent>();
  #status: GatewayStatus;
  constructor(status: GatewayStatus) {
    this.#status = status;
  }

  get status(): GatewayStatus {
    return { ...this.#status, at: new Date().toISOString() };
  }

  set status(status: GatewayStatus) {
    this.#status = status;
  }
}

describe.skipIf(withoutChromium !== undefined)('the page in a real Chromium, in all states', () => {
  let working!: GatewayStatus;
  let puppet!: Puppet;
  let observer!: HttpObserver;
  let chromium!: ChromiumPage;

  beforeAll(async () => {
    await using gateway = new Gateway({ line: { kind: 'virtual' } });
    await gateway.start();
    working = gateway.status;
    puppet = new Puppet(working);
    observer = await HttpObserver.listen(puppet, { local: { host: '127.0.0.1', port: 0 }, dashboard: true });
    chromium = await ChromiumPage.open(`http://127.0.0.1:${observer.address.port}/`);
  }, 60_000);
  afterAll(async () => {
    await chromium[Symbol.asyncDispose]();
    await observer.close();
  });
  const says = (selector: string) => expect.poll(() => chromium.text(selector), { timeout: 15_000 });

  it('says what is not there yet instead of leaving holes', async () => {
    await says('#state').toBe('up');
    await says('#outages').toBe('none so far');
    await says('#events').toBe('nothing so far');
    await says('#sockets tbody').toBe('1free2free3free4free5free6free');
    expect(await chromium.tab.locator('#trouble').isVisible()).toBe(false);
  });

  it('a gateway that is still starting', async () => {
    puppet.status = new Gateway({ line: { kind: 'virtual' } }).status;
    await says('#state').toBe('not started');
    await says('#multiplexer').toBe('No multiplexer runs.');
    expect(await chromium.tab.locator('#dlcs').isVisible()).toBe(false);
    await says('#port-1 h2').toBe('Port 1: PPP closed');
    await says('#port-1 [data-circuits]').toBe('no circuits: the port is not open');
    await says('#ppp').toMatch(/^phase ?dead ?address ?– ?peer ?– ?DNS ?–$/);
    await says('#network').toMatch(/^operator ?– ?registration ?– ?for packets ?– ?signal ?–$/);
    await says('#queue').toBe('no address, 0 of 6 in use, 0 waiting');
  });

  it('a module that is gone: what, for how long, and what is done about it', async () => {
    const gone = { works: false, step: 'reopenLine' } as const;
    puppet.status = {
      ...working,
      state: 'degraded',
      line: { ...working.line, ...gone, name: undefined },
      multiplexer: undefined,
      ports: working.ports.map((port) => ({ ...port, works: false, isOpen: false, circuits: undefined })),
      ppp: { ...working.ppp, phase: 'dead', localAddress: undefined, peerAddress: undefined, dns: [] },
      outages: [
        {
          id: 1,
          cause: 'lineLost',
          words: 'the line is gone',
          services: ['ppp', 'sockets', 'at'],
          sinceMs: 0,
          lastsMs: 83_000,
          steps: [],
        },
      ],
    };
    await says('#trouble').toBe('PPP, sockets, AT down for 1 min 23 s: the line is gone; opening the line again');
    await says('#state').toBe('degraded');
    await says('#line-works').toBe('opening the line again');
    await says('#port-2 h2').toBe('Port 2: sockets closed');
    expect(await chromium.tab.title()).toBe('cellmux: degraded');
    await chromium.screenshots('dashboard-module-gone');
  });

  it('whatever comes from outside is text: host of a socket, operator, boot text, event, line, file', async () => {
    puppet.status = {
      ...working,
      line: { ...working.line, name: HOSTILE },
      sockets: {
        ...working.sockets,
        rows: [{ connId: 1, state: HOSTILE, remoteAddress: HOSTILE, remotePort: 80, bytesRead: 1, bytesWritten: 2 }],
      },
      network: { ...working.network, operator: HOSTILE },
      ppp: { ...working.ppp, dns: [HOSTILE] },
      capture: HOSTILE,
    };
    puppet.events$.next({ type: 'urc', port: 3, text: HOSTILE });
    puppet.events$.next({
      type: 'proxyConnected',
      method: 'CONNECT',
      target: `${HOSTILE}:80`,
    });
    await says('#events').toContain(HOSTILE);
    await says('#sockets').toContain(`${HOSTILE}:80`);
    await says('#network').toContain(HOSTILE);
    await says('#line-name').toBe(HOSTILE);
    await says('#capture').toBe(`recording ${HOSTILE}`);
    expect(await chromium.tab.locator('img').count()).toBe(0);
    expect(await chromium.tab.title()).toBe('cellmux');
  });

  it('shows the severity of events, the latest first, and fifty of them', async () => {
    puppet.events$.next({ type: 'warning', code: 'ERR_X', message: 'something is odd' });
    puppet.events$.next({ type: 'gaveUp', cause: 'lineLost', durationMs: 5000 });
    await says('#events li:first-child').toMatch(/error ?given up after 5\.0 s: the line is gone$/);
    await says('#events li:nth-child(2)').toMatch(/warn ?something is odd \(ERR_X\)$/);
    for (let count = 0; count < 60; count++) puppet.events$.next({ type: 'urc', port: 1, text: `line ${count}` });
    await says('#events li:first-child').toMatch(/info ?port 1 {1,2}line 59$/);
    expect(await chromium.tab.locator('#events li').count()).toBe(50);
  });

  it('draws the signal over time, also what was before the page came', async () => {
    for (const dbm of [-60, -100, -60]) puppet.events$.next({ type: 'signal', dbm });
    await chromium.tab.reload();
    await says('#state').toBe('up');
    await expect.poll(() => chromium.pixels('#plot-signal', '--sent'), { timeout: 15_000 }).toBeGreaterThan(0);
    // Two of them are told from one by their height.
    const height = await chromium.tab.evaluate<number>(`(() => {
      const canvas = document.querySelector('#plot-signal');
      const { data } = canvas.getContext('2d').getImageData(canvas.width - 6, 0, 6, canvas.height);
      const rows = new Set();
      for (let at = 0; at < data.length; at += 4) if (data[at + 2] > data[at] + 60 && data[at + 3] > 100) rows.add(Math.floor(at / 24));
      return Math.max(...rows) - Math.min(...rows);
    })()`);
    expect(height).toBeGreaterThan(15);
  });

  it('says that it has lost the gateway, and goes on by itself when the server is back', async () => {
    puppet.status = working;
    const { port } = observer.address;
    await observer.close();
    await expect.poll(() => chromium.tab.locator('#stale').isVisible(), { timeout: 15_000 }).toBe(true);
    await says('#state').toBe('unknown');
    // A server that is there and refuses ends an EventSource for good, unless the page begins a new one.
    const refusing = await HttpObserver.listen(puppet, { local: { host: '127.0.0.1', port } });
    await chromium.tab.waitForResponse((response) => response.url().endsWith('/events') && response.status() === 404);
    await refusing.close();
    observer = await HttpObserver.listen(puppet, { local: { host: '127.0.0.1', port }, dashboard: true });
    await says('#state').toBe('up');
    expect(await chromium.tab.locator('#stale').isVisible()).toBe(false);
    await says('#events').toBe('nothing so far');
  });

  it('reads in the dark and on a phone', async () => {
    const { tab } = chromium;
    await tab.emulateMedia({ colorScheme: 'dark' });
    expect(await tab.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(15, 20, 26)');
    await tab.setViewportSize({ width: 360, height: 740 });
    // Nothing is wider than the phone, and nothing that has text in it is cut off.
    expect(await tab.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
    const cut = await tab.evaluate(
      `[...document.querySelectorAll('p, td, dd, li, h2, span')].filter((one) => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== 'inline').map((one) => one.textContent)`,
    );
    expect(cut).toEqual([]);
    expect(chromium.complaints.filter((text) => !text.includes('404'))).toEqual([]);
  });
});
