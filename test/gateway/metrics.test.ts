import { Gateway } from '@cellmux/gateway';
import { VirtualHe863 } from '@cellmux/he863';
import { memoryPair } from '@cellmux/port';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseExposition, type MetricFamily } from './exposition.ts';
import { EchoServer } from './gateway-traffic.ts';

const module = new VirtualHe863({ machineNames: false });
let line = memoryPair();
let isThere = true;
const gateway = new Gateway({
  line: () => {
    if (!isThere) return Promise.reject(new Error('unplugged'));
    line = memoryPair({ name: 'line' });
    module.serve(line.dce);
    return Promise.resolve({ port: line.dte, close: () => line.dte.close() });
  },
  metrics: { host: '127.0.0.1', port: 0 },
  // One look at the start, and no other that would be counted.
  pollMs: 600_000,
  pppEchoMs: 100,
  recovery: { firstPauseMs: 50, longestPauseMs: 100 },
});
let url = '';
beforeAll(async () => {
  await gateway.start();
  url = gateway.listeners.find(({ what }) => what === 'metrics')?.where ?? '';
});
afterAll(async () => {
  await gateway.stop();
  await module.close();
});

async function scrape(): Promise<ReadonlyMap<string, MetricFamily>> {
  const response = await fetch(`${url}metrics`);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  return parseExposition(await response.text());
}

/** A sample by its name and labels. */
function of(families: ReadonlyMap<string, MetricFamily>, key: string): number | undefined {
  const name = key.slice(0, key.indexOf('{')).replace(/_(count|sum|bucket)$/, '');
  return (families.get(name) ?? families.get(key.slice(0, key.indexOf('{'))))?.samples.get(key);
}

describe('metrics', () => {
  it('have standard names, units and help in a text that keeps to the format, each layer among them', async () => {
    const families = await scrape();
    for (const [name, { help, type }] of families) {
      // Those of the process itself are prom-client's.
      if (!name.startsWith('cellmux_')) continue;
      expect(help, name).toMatch(/^[A-Z0-9].{10,}[^.]$/);
      expect(name).not.toMatch(/(ms|millis|kb|kilo|mega|percent|octets)(_|$)/i);
      expect(name.endsWith('_total'), name).toBe(type === 'counter');
      if (type === 'histogram') expect(name).toMatch(/_seconds$/);
    }
    const layers = ['line', 'cmux', 'dlc', 'at', 'ppp', 'socket', 'sockets', 'outages', 'recovery', 'signal'];
    for (const layer of layers)
      expect(
        [...families.keys()].filter((name) => name.startsWith(`cellmux_${layer}_`)),
        layer,
      ).not.toEqual([]);
    expect([...families.keys()]).toEqual(
      expect.arrayContaining(['process_cpu_seconds_total', 'process_resident_memory_bytes', 'nodejs_version_info']),
    );
  });

  it('count what has happened on each layer, and no more', async () => {
    await using echo = await EchoServer.start();
    const before = await scrape();
    const grown = async (key: string): Promise<number> => (of(await scrape(), key) ?? 0) - (of(before, key) ?? 0);
    const socket = await gateway.dial({ host: '127.0.0.1', port: echo.port });
    socket.end(Buffer.alloc(3000));
    let cameBack = 0;
    socket.on('data', (chunk: Buffer) => (cameBack += chunk.length));
    await once(socket, 'close');
    expect(cameBack).toBe(3000);
    expect(await grown('cellmux_socket_bytes_total{direction="sent"}')).toBe(3000);
    expect(await grown('cellmux_socket_bytes_total{direction="received"}')).toBe(3000);
    expect(await grown('cellmux_dlc_bytes_total{direction="sent",dlci="2"}')).toBeGreaterThan(3000);

    await expect(gateway.at.command('AT+NONSENSE')).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_AT_/) });
    expect(await grown('cellmux_at_commands_total{port="3",result="error"}')).toBe(1);
    module.faults.inject({ kind: 'late', port: 3, delayMs: 1500, lines: 1 });
    await expect(gateway.at.command('AT+CGSN', { timeoutMs: 200 })).rejects.toMatchObject({ code: 'ERR_AT_TIMEOUT' });
    expect(await grown('cellmux_at_commands_total{port="3",result="timeout"}')).toBe(1);
    expect(await grown('cellmux_at_commands_total{port="3",result="lost"}')).toBe(0);

    await gateway.packets.ping('10.64.64.64');
    expect(await grown('cellmux_ppp_packets_total{direction="sent"}')).toBe(1);
    expect(await grown('cellmux_ppp_packets_total{direction="received"}')).toBe(1);
    await expect
      .poll(() => grown('cellmux_ppp_echo_round_trip_seconds_count{}'), { timeout: 10_000 })
      .toBeGreaterThan(0);

    line.dce.send(Uint8Array.from([0x01, 0x02, 0x03])).catch(() => undefined);
    await expect.poll(() => grown('cellmux_cmux_noise_bytes_total{}'), { timeout: 10_000 }).toBe(3);
    gateway.multiplexer.ports.get(1)?.pause();
    expect(of(await scrape(), 'cellmux_dlc_stopped{by="gateway",dlci="1"}')).toBe(1);
    gateway.multiplexer.ports.get(1)?.resume();
    expect(of(await scrape(), 'cellmux_dlc_stopped{by="gateway",dlci="1"}')).toBe(0);
    expect(await grown('cellmux_dlc_stops_total{by="gateway",dlci="1"}')).toBe(1);

    const now = await scrape();
    expect(of(now, 'cellmux_up{}')).toBe(1);
    expect(of(now, 'cellmux_dlc_state{dlci="1",state="connected"}')).toBe(1);
    expect(of(now, 'cellmux_ppp_phase{phase="running"}')).toBe(1);
    expect(of(now, 'cellmux_ppp_phase{phase="dead"}')).toBe(0);
    expect(of(now, 'cellmux_signal_dbm{}')).toBe(-71);
    expect(of(now, 'cellmux_registered{domain="packet"}')).toBe(1);
    expect(of(now, 'cellmux_capture_active{}')).toBe(0);
  });

  it('and the health endpoint follow an outage: 503 with its cause while it lasts, then what helped', async () => {
    const health = async () => {
      const response = await fetch(`${url}health`);
      return { status: response.status, ...((await response.json()) as object) };
    };
    expect(await health()).toEqual({
      status: 200,
      state: 'up',
      services: { ppp: true, sockets: true, at: true },
      causes: [],
    });
    isThere = false;
    line.fail(new Error('unplugged'));
    await expect.poll(health, { timeout: 10_000 }).toEqual({
      status: 503,
      state: 'degraded',
      services: { ppp: false, sockets: false, at: false },
      causes: ['lineLost'],
    });
    const during = await scrape();
    expect(of(during, 'cellmux_up{}')).toBe(0);
    expect(of(during, 'cellmux_line_up{}')).toBe(0);
    expect(of(during, 'cellmux_service_up{service="at"}')).toBe(0);
    expect(of(during, 'cellmux_outages_active{cause="lineLost"}')).toBe(1);
    expect(of(during, 'cellmux_ppp_phase{phase="dead"}')).toBe(1);
    // Of a multiplexer that does not run nothing is told, instead of zeros.
    expect(during.get('cellmux_dlc_state')?.samples.size).toBe(0);
    isThere = true;
    await expect.poll(health, { timeout: 20_000 }).toMatchObject({ status: 200, state: 'up' });
    const after = await scrape();
    expect(of(after, 'cellmux_outages_total{cause="lineLost"}')).toBe(1);
    expect(of(after, 'cellmux_outages_active{cause="lineLost"}')).toBe(0);
    expect(of(after, 'cellmux_recoveries_total{cause="lineLost",step="reopenLine"}')).toBe(1);
    expect(of(after, 'cellmux_recovery_steps_total{ok="true",step="reopenLine"}')).toBe(1);
    expect(of(after, 'cellmux_recovery_steps_total{ok="false",step="reopenLine"}')).toBeGreaterThan(0);
    expect(of(after, 'cellmux_outage_duration_seconds_count{service="ppp"}')).toBe(1);
    // What the sockets carried before is not forgotten.
    expect(of(after, 'cellmux_socket_bytes_total{direction="sent"}')).toBe(3000);
  });
});

describe('the reader of the format', () => {
  it.each([
    ['no end', '# HELP a_total b\n# TYPE a_total counter\na_total 1'],
    ['a counter without _total', '# HELP a b\n# TYPE a counter\na 1\n'],
    ['no help', '# TYPE a gauge\na 1\n'],
    ['twice', '# HELP a b\n# TYPE a gauge\na 1\na 2\n'],
    ['another family', '# HELP a b\n# TYPE a gauge\nc 1\n'],
    ['an escape', '# HELP a b\n# TYPE a gauge\na{l="\\x"} 1\n'],
    ['no number', '# HELP a b\n# TYPE a gauge\na one\n'],
    ['buckets', '# HELP a b\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n'],
  ])('refuses %s', (_, text) => {
    expect(() => parseExposition(text)).toThrow();
  });
});
