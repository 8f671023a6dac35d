import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Gateway } from '@cellmux/gateway';
import { VirtualHe863 } from '@cellmux/he863';
import { memoryPair } from '@cellmux/port';
import { EchoServer, GatewayTraffic } from './gateway-traffic.ts';
import { systemClock } from '@cellmux/port';

const CHROMIUM = '/usr/bin/chromium';
const ARTEFACTS = join(import.meta.dirname, '../../test-artefacts');
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
    for (const name of ['cellmux_line_bytes_total', 'cellmux_ppp_count_total', 'process_resident_memory_bytes']) {
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
    const open = new Gateway(other);
    await expect(open.start()).rejects.toMatchObject({ code: 'ERR_GATEWAY_USAGE' });
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

const without = existsSync(CHROMIUM) ? undefined : 'needs chromium: apt-get install chromium';
if (without !== undefined && process.env['CI'] !== undefined) throw new Error(without);

describe.skipIf(without !== undefined)(
  `the dashboard in a real Chromium${without === undefined ? '' : ` (${without})`}`,
  () => {
    it(
      'shows ports, sockets, PPP and events as they are, follows an outage, and reads well small and dark',
      { timeout: 120_000 },
      async () => {
        await using echo = await EchoServer.start();
        const traffic = new GatewayTraffic({ gateway, clock: systemClock, echo, connections: 2, everyMs: 100 });
        traffic.start();
        const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
        try {
          const tab = await browser.newPage({ viewport: { width: 1200, height: 1000 }, colorScheme: 'light' });
          const complaints: string[] = [];
          tab.on('console', (message) => {
            if (message.type() === 'error') complaints.push(message.text());
          });
          tab.on('pageerror', (error) => complaints.push(String(error)));
          await tab.goto(page);
          await tab.getByText('up', { exact: true }).first().waitFor();
          await expect.poll(() => tab.textContent('#ppp'), { timeout: 30_000 }).toContain('10.64.0.1');
          expect(await tab.textContent('#line-name')).toContain('test line');
          await expect.poll(() => tab.textContent('#sockets'), { timeout: 30_000 }).toContain(`127.0.0.1:${echo.port}`);
          expect(await tab.locator('#sockets tbody tr').count()).toBe(6);
          await expect.poll(() => tab.textContent('#network'), { timeout: 30_000 }).toContain('-71 dBm');
          expect(await tab.textContent('#events')).toContain('registration: registered');
          await expect.poll(() => tab.textContent('#port-1 [data-rates]'), { timeout: 30_000 }).toMatch(/↑ [1-9]/);
          expect(await tab.locator('#port-3 .circuits .on').count()).toBeGreaterThan(0);

          line.fail(new Error('unplugged'));
          await expect.poll(() => tab.textContent('#outages'), { timeout: 30_000 }).toContain('lineLost');
          await expect.poll(() => tab.textContent('#state'), { timeout: 30_000 }).toBe('up');

          await mkdir(ARTEFACTS, { recursive: true });
          await tab.screenshot({ path: join(ARTEFACTS, 'dashboard.png'), fullPage: true });
          await tab.emulateMedia({ colorScheme: 'dark' });
          const back = await tab.evaluate('getComputedStyle(document.body).backgroundColor');
          expect(back).toBe('rgb(15, 20, 26)');
          await tab.setViewportSize({ width: 360, height: 740 });
          // Nothing is wider than the phone.
          expect(await tab.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
          await tab.screenshot({ path: join(ARTEFACTS, 'dashboard-phone-dark.png'), fullPage: true });
          expect(complaints).toEqual([]);
        } finally {
          await browser.close();
          await traffic.stop();
        }
        expect(traffic.unexplained).toEqual({});
      },
    );
  },
);
