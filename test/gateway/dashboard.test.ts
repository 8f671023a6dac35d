import { get } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Gateway } from '@cellmux/gateway';
import { VirtualHe863 } from '@cellmux/he863';
import { memoryPair } from '@cellmux/port';
import { ChromiumPage, withoutChromium } from './chromium-page.ts';
import { EchoServer, GatewayTraffic } from './gateway-traffic.ts';
import { systemClock } from '@cellmux/port';

const TOKEN = 'sentinel-of-the-token';

const module = new VirtualHe863({ machineNames: false });
let line = memoryPair();
const gateway = new Gateway({
  line: () => {
    line = memoryPair({ name: 'test line' });
    module.serve(line.dce);
    return Promise.resolve({ port: line.dte, close: () => line.dte.close() });
  },
  apn: 'internet',
  password: 'sentinel-of-the-password',
  user: 'me',
  proxy: { host: '127.0.0.1', port: 0 },
  metrics: { host: '127.0.0.1', port: 0 },
  dashboard: { host: '127.0.0.1', port: 0 },
  keepAliveMs: 2000,
  recovery: { firstPauseMs: 100 },
});
let page = '';
let metrics = '';

beforeAll(async () => {
  await gateway.start();
  page = gateway.listeners.find(({ what }) => what === 'dashboard')?.where ?? '';
  metrics = gateway.listeners.find(({ what }) => what === 'metrics')?.where ?? '';
});
afterAll(async () => {
  await gateway.stop();
  await module.close();
});

/** A request with any Host header, which fetch does not let one set. */
function status(url: string, headers: Record<string, string>, path = '/'): Promise<number> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    get({ host: hostname, port, path, headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    }).on('error', reject);
  });
}

describe('metrics, health and the page over HTTP', () => {
  it('serves metrics of every layer with standard names and units', async () => {
    const text = await (await fetch(`${metrics}metrics`)).text();
    for (const line of [
      'cellmux_up 1',
      'cellmux_service_up{service="ppp"} 1',
      'cellmux_dlc_open{dlci="3"} 1',
      'cellmux_outages_total{cause="lineLost"} 0',
    ]) {
      expect(text).toContain(`${line}\n`);
    }
    for (const name of ['cellmux_line_bytes_total', 'cellmux_ppp_bytes_total', 'process_resident_memory_bytes']) {
      expect(text).toMatch(new RegExp(`^${name}\\b`, 'm'));
    }
    const names = [...text.matchAll(/^# TYPE (cellmux_\S+) (\S+)/gm)];
    for (const [, name = '', kind] of names) expect(name.endsWith('_total')).toBe(kind === 'counter');
    expect((await fetch(`${metrics}status`)).status).toBe(404);
  });

  it('says how it is to supervisors', async () => {
    const health = await fetch(`${metrics}health`);
    expect(health.status).toBe(200);
    expect(await health.json()).toEqual({
      state: 'up',
      services: { ppp: true, sockets: true, at: true },
      causes: [],
    });
  });

  it('cannot be framed or scripted from elsewhere, and is not served under another name', async () => {
    const response = await fetch(page);
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    expect(response.headers.get('x-frame-options')).toBe('DENY');
    const html = await response.text();
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|\son\w+=|style=/);
    expect(await status(page, { Host: 'evil.example' })).toBe(421);
    expect(await status(page, { Host: 'localhost:1' })).toBe(200);
    expect((await fetch(page, { method: 'POST' })).status).toBe(405);
    expect(await status(page, {}, '/../package.json')).toBe(404);
  });

  it('shows no secret anywhere', async () => {
    for (const path of ['status', 'metrics', 'health']) {
      expect(await (await fetch(`${page}${path}`)).text()).not.toContain('sentinel');
    }
  });

  it('beyond loopback wants a token for page and proxy, and lets in who gives it', async () => {
    const other = { line: { kind: 'virtual' as const }, dashboard: { host: '0.0.0.0', port: 0 } };
    expect(() => new Gateway(other)).toThrow(expect.objectContaining({ code: 'ERR_OPTION_TOKEN' }));
    await using closed = new Gateway({ ...other, dashboardToken: TOKEN });
    await closed.start();
    const { port } = new URL(closed.listeners.find(({ what }) => what === 'dashboard')?.where ?? '');
    const address = `http://127.0.0.1:${port}/`;
    const basic = (password: string) => `Basic ${Buffer.from(`x:${password}`).toString('base64')}`;
    expect((await fetch(address)).status).toBe(401);
    expect((await fetch(address, { headers: { Authorization: basic('wrong') } })).status).toBe(401);
    expect((await fetch(address, { headers: { Authorization: basic(TOKEN) } })).status).toBe(200);
    expect((await fetch(`${address}status`, { headers: { Authorization: `Bearer ${TOKEN}` } })).status).toBe(200);
  });
});

describe.skipIf(withoutChromium !== undefined)(
  `the dashboard in a real Chromium${withoutChromium === undefined ? '' : ` (${withoutChromium})`}`,
  () => {
    it(
      'shows line, DLCs, ports, sockets, PPP, network and events as they are, and follows an outage',
      { timeout: 120_000 },
      async () => {
        await using echo = await EchoServer.start();
        const traffic = new GatewayTraffic({ gateway, clock: systemClock, echo, connections: 2, everyMs: 100 });
        traffic.start();
        try {
          await using chromium = await ChromiumPage.open(page);
          const { tab } = chromium;
          const says = (selector: string) => expect.poll(() => chromium.text(selector), { timeout: 30_000 });
          await says('#state').toBe('up');
          await says('#ppp').toContain('10.64.0.1');
          expect(await chromium.text('#ppp')).toMatch(/phase ?running.*peer ?10\.64\.64\.64.*DNS ?[\d.]+/);
          expect(await chromium.text('#line-name')).toContain('test line');
          expect(await chromium.text('#multiplexer')).toMatch(
            /^Control channel up; basic option, N1 127, T1 \d+ ms, T2 \d+ ms, N2 3; \d+ frames sent, \d+ received; 0 messages repeated; no damage$/,
          );
          const dlcs = await tab.locator('#dlcs tbody tr').allTextContents();
          expect(dlcs).toHaveLength(4);
          expect(dlcs[0]).toMatch(/^0 control channelconnectedUIH, layer 1, priority 0, N1 127[1-9]\d* frames/);
          expect(dlcs[1]).toMatch(/^1 port 1: PPPconnectedUIH, layer 1, priority 7, N1 127[1-9]\d* frames, .*no \(/);
          await says('#sockets').toContain(`127.0.0.1:${echo.port}`);
          expect(await tab.locator('#sockets tbody tr').count()).toBe(6);
          await expect
            .poll(() => tab.locator('#sockets tbody tr').allTextContents(), { timeout: 30_000 })
            .toContainEqual(
              expect.stringMatching(new RegExp(`^\\d127\\.0\\.0\\.1:${echo.port}open[\\d.]+ k?B[\\d.]+ k?B$`)),
            );
          await says('#queue').toMatch(/^address 10\.\d+\.\d+\.\d+, \d of 6 in use, 0 waiting$/);
          await says('#network').toMatch(/operator ?00101.*registration ?registered.*for packets ?registered.*-71 dBm/);
          expect(await chromium.text('#events')).toContain('registration: registered');
          await says('#port-1 [data-rates]').toMatch(/↑ [1-9].* ↓ [1-9]/);
          await says('#line-rates').toMatch(/↑ [1-9].* ↓ [1-9]/);
          expect(await chromium.text('#port-3 [data-circuits]')).toBe('to itDTRRTSfrom itDSRCTSDCDRI');
          expect(await tab.locator('#port-3 .circuit.on').allTextContents()).toEqual(
            expect.arrayContaining(['DTR', 'RTS', 'DSR', 'CTS']),
          );
          // Traffic of a few seconds is drawn on each of the four plots, and the signal on its own.
          for (const plot of ['#plot-line', '#plot-1', '#plot-2', '#plot-3']) {
            await expect.poll(() => chromium.pixels(plot, '--received'), { timeout: 30_000 }).toBeGreaterThan(3);
          }
          expect(await chromium.pixels('#plot-signal', '--sent')).toBeGreaterThan(0);

          line.fail(new Error('unplugged'));
          await says('#outages').toMatch(/\d PPP, sockets, AT: the line is gone, /);
          await says('#state').toBe('up');
          await expect(tab.locator('#events .level.warn').first().textContent()).resolves.toBe('warn');

          // A DLC that this end stops says so, and so do the times.
          gateway.multiplexer.ports.get(3)?.pause();
          await expect
            .poll(() => tab.locator('#dlcs tbody tr').nth(3).textContent(), { timeout: 30_000 })
            .toMatch(/by us \(module \d+×, us [1-9]\d*×\)$/);
          gateway.multiplexer.ports.get(3)?.resume();

          await tab.waitForTimeout(3000);
          await chromium.screenshots('dashboard');
          expect(chromium.complaints).toEqual([]);
        } finally {
          await traffic.stop();
        }
        expect(traffic.unexplained).toEqual({});
      },
    );
  },
);
