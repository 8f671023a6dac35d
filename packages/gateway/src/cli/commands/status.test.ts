import pc from 'picocolors';
import { describe, expect, it } from 'vitest';
import { Gateway } from '../../gateway/gateway.ts';
import type { GatewayStatus } from '../../gateway/gateway-status.ts';
import { renderStatus } from './status.ts';

const PLAIN = pc.createColors(false);
const idle = new Gateway({ line: { kind: 'virtual' } }).status;

describe('renderStatus', () => {
  it('fits 80 columns whatever there is to show, and survives JSON', () => {
    const long = 'x'.repeat(300);
    const status: GatewayStatus = {
      ...idle,
      line: { ...idle.line, name: long },
      network: { ...idle.network, operator: long },
      sockets: {
        ...idle.sockets,
        rows: [{ connId: 1, state: 'open', remoteAddress: long, remotePort: 80, bytesRead: 2.5e6, bytesWritten: 1e9 }],
      },
    };
    const text = renderStatus(JSON.parse(JSON.stringify(status)) as GatewayStatus, PLAIN);
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(text).toMatch(/│ socket 1 +│ open +│ +1\.00 GB │ +2\.50 MB │/);
  });

  it('tells an outage in words', () => {
    const outage = {
      id: 1,
      cause: 'lineLost',
      words: 'the line is gone',
      services: ['ppp', 'sockets', 'at'],
      sinceMs: 0,
      lastsMs: 1000,
      steps: [],
    } as const;
    expect(renderStatus({ ...idle, state: 'degraded', outages: [outage] }, PLAIN)).toContain(
      'down: ppp, sockets, at: the line is gone',
    );
  });
});
