import pc from 'picocolors';
import { describe, expect, it } from 'vitest';
import type { DemoProgress } from './demo.ts';
import type { DemoReport } from './demo-report.ts';
import { renderProgressLine, renderReport, renderScreen } from './render-demo.ts';
import { bar, formatBytes, formatMs, formatShare, groupDigits, visibleLength } from './render-text.ts';

const roundTrip = { count: 10, p50Ms: 12.34, p99Ms: 98.7, maxMs: 123.4 };
const echo = { sent: 10, verified: 10, lost: 0, payloadBytes: 12345, roundTrip };
const port = { bytesSent: 632_000, bytesReceived: 2_160_000, framesSent: 5554, framesReceived: 22_440, errors: 0 };
const body = {
  connId: 1,
  bytes: 1_048_576,
  expectedBytes: 1_048_576,
  crc32: '01EB8516',
  expectedCrc32: '01EB8516',
  seconds: 17.6,
  verified: true,
};
const report: DemoReport = {
  ok: true,
  problems: [],
  baudRate: 3_000_000,
  seconds: 21.6,
  busySeconds: 17.6,
  line: {
    toModule: { bytes: 703_000, utilisation: 0.11 },
    fromModule: { bytes: 2_970_000, utilisation: 0.46 },
    badFrames: 0,
  },
  ports: [
    { port: 1, what: 'PPP', ...port, goodputBytesPerSecond: 67_300, shareOfLine: 0.37 },
    { port: 2, what: 'IP Easy', ...port, goodputBytesPerSecond: 119_000, shareOfLine: 0.624 },
    { port: 3, what: 'AT', ...port, goodputBytesPerSecond: 631, shareOfLine: 0.005 },
  ],
  ppp: { address: '10.64.0.1', peer: '10.64.64.64', icmp: echo, udp: echo },
  bodies: [
    { url: 'http://files.demo:35067/one.bin', ...body },
    { url: 'http://files.demo:35067/two.bin', ...body },
  ],
  at: { ...roundTrip, failed: 0, lastSignal: '+CSQ: 21,0' },
  end: { socketsClosed: true, pppTerminated: true, multiplexerClosed: true, moduleInCommandMode: true },
};
const progress: DemoProgress = {
  phase: 'working',
  elapsedMs: 12_345,
  report,
  fetches: [
    { path: '/one.bin', bytes: 500_000, expectedBytes: 1_000_000 },
    { path: '/two.bin', bytes: 250_000, expectedBytes: 1_000_000 },
  ],
  ended: ['sockets', 'ppp'],
};
const plain = pc.createColors(false);
const coloured = pc.createColors(true);

describe('the screen of the demo', () => {
  it.each([72, 80, 100, 200])('fits a terminal of %i columns', (columns) => {
    for (const colours of [plain, coloured]) {
      const lines = renderScreen(progress, { columns, colours }).split('\n');
      expect(Math.max(...lines.map(visibleLength))).toBeLessThan(Math.min(columns, 101));
      expect(lines.length).toBeLessThan(24);
    }
  });

  it('shows each port, and the same with colours', () => {
    const text = renderScreen(progress, { columns: 80, colours: plain });
    for (const words of ['line', 'port 1', 'port 2', 'port 3', '50 %', '25 %', '119 kB/s', '10.64.0.1', '+CSQ: 21,0']) {
      expect(text).toContain(words);
    }
    expect(text).toContain('sockets closed, PPP terminated');
    const withColours = renderScreen(progress, { columns: 80, colours: coloured });
    expect(withColours).not.toBe(text);
    expect(withColours.replace(/\u001b\[[\d;]*m/g, '')).toBe(text);
  });

  it('has one line for readers that are no terminal', () => {
    expect(renderProgressLine(progress)).toBe(' 12.3 s  working: bodies 38 %, 20 echoes, 10 AT answers');
  });
});

describe('the report of the demo', () => {
  it('has a table that fits 80 columns', () => {
    const lines = renderReport(report, plain).split('\n');
    const table = lines.filter((line) => /^[│┌├└]/.test(line));
    expect(table).toHaveLength(8);
    expect(Math.max(...table.map(visibleLength))).toBeLessThan(80);
    expect(lines.at(-1)).toBe('everything verified in 21.6 s');
  });

  it('names what was not verified', () => {
    const bad = { ...report, ok: false, problems: ['2 of 10 pings did not come back'] };
    const text = renderReport({ ...bad, ppp: { ...report.ppp, icmp: { ...echo, verified: 8, lost: 2 } } }, plain);
    expect(text).toMatch(/ICMP 8 of 10 echoes verified.* NOT OK/);
    expect(text).toContain('! 2 of 10');
    expect(text).toContain('not everything was verified');
  });
});

describe('figures', () => {
  it('are short', () => {
    expect([0, 999, 1000, 12_345, 999_999, 1_000_000, 2_970_000].map(formatBytes)).toEqual([
      '0 B',
      '999 B',
      '1.00 kB',
      '12.3 kB',
      '1.00 MB',
      '1.00 MB',
      '2.97 MB',
    ]);
    expect([0, 12.34, 999.94, 1234].map(formatMs)).toEqual(['0.0 ms', '12.3 ms', '999.9 ms', '1.23 s']);
    expect([0, 0.005, 0.099, 0.5, 1].map(formatShare)).toEqual(['0.0 %', '0.5 %', '9.9 %', '50 %', '100 %']);
    expect([0, 999, 1000, 1_048_576].map(groupDigits)).toEqual(['0', '999', '1 000', '1 048 576']);
  });

  it('draw bars of a fixed width', () => {
    for (const share of [-1, 0, 0.01, 0.33, 0.5, 0.999, 1, 2]) {
      const { full, rest } = bar(share, 10);
      expect(full.length + rest.length).toBe(10);
    }
    expect(bar(0.5, 4)).toEqual({ full: '██', rest: '░░' });
  });
});
