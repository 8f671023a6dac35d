import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Capture, concatBytes, memoryPair } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import { describe, expect, it } from 'vitest';
import { PppLink } from './index.ts';

// In CI a missing tshark is a failure, not a skip.
const hasTshark = spawnSync('tshark', ['--version']).status === 0;
if (!hasTshark) process.stdout.write('tshark is missing: apt-get install tshark, for the tests of captures\n');

const PASSWORD = 'S3NTINEL';

/** A whole call, recorded at the terminal's end. */
async function record(): Promise<Uint8Array> {
  const clock = new VirtualClock();
  const { dte, dce } = memoryPair();
  const blocks: Uint8Array[] = [];
  const capture = new Capture({ clock, startedAtMs: 1_700_000_000_000, sink: (block) => void blocks.push(block) });
  const tap = capture.tap('ppp', { name: 'DLCI 1' });
  const onFrame = (direction: 'sent' | 'received', frame: Uint8Array): void => {
    tap[direction](frame);
  };
  const link = new PppLink(dte, { clock, user: 'web', password: PASSWORD, onFrame });
  const server = new PppLink(dce, {
    clock,
    role: 'server',
    auth: 'chap-md5',
    verify: () => PASSWORD,
    localAddress: '10.0.0.1',
    peerAddress: '10.0.0.2',
    dns: ['1.1.1.1'],
  });
  void server.open();
  await clock.run(link.open());
  const ping = Uint8Array.from([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0x66, 0xde, 10, 0, 0, 2, 10, 0, 0, 1]);
  await clock.run(link.send(concatBytes([ping, Uint8Array.from([8, 0, 0xf7, 0xfd, 0, 1, 0, 1])])));
  await clock.run(link.close());
  await clock.run(server.ended);
  return concatBytes(blocks);
}

describe.runIf(hasTshark || process.env['CI'] !== undefined)('tshark', () => {
  it('reads a recorded call frame by frame, both directions, and finds nothing wrong', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cellmux-pcapng-'));
    const path = join(folder, 'call.pcapng');
    writeFileSync(path, await record());
    const fields = ['ppp.direction', '_ws.col.Protocol', '_ws.col.Info', '_ws.malformed', '_ws.expert.severity'];
    const words = ['-r', path, '-T', 'fields', ...fields.flatMap((field) => ['-e', field])];
    const shown = execFileSync('tshark', words, { stdio: ['ignore', 'pipe', 'ignore'] });
    const lines = shown
      .toString()
      .replace(/\n$/, '')
      .split('\n')
      .map((line) => line.split('\t'));
    rmSync(folder, { recursive: true });
    // From 0x400000 on: notes, warnings, errors.
    for (const [, , info, malformed, severity] of lines)
      expect([malformed, Number(severity) < 0x400000], info).toEqual(['', true]);
    // The field says 0 for what was sent (DTE to DCE), whatever the octet in the file is.
    const info = (sent: boolean, protocol: string): string[] =>
      lines
        .filter(([direction, name]) => (Number(direction) === 0) === sent && name === protocol)
        .map(([, , text = '']) => text.trim());
    expect(info(true, 'PPP LCP')).toEqual(['Configuration Request', 'Configuration Ack', 'Termination Request']);
    expect(info(false, 'PPP LCP')).toEqual(['Configuration Request', 'Configuration Ack', 'Termination Ack']);
    expect(info(false, 'PPP CHAP')[0]).toMatch(/Challenge \(NAME='cellmux'/);
    expect(info(true, 'PPP CHAP')[0]).toMatch(/Response \(NAME='web'/);
    expect(info(false, 'PPP CHAP')[1]).toMatch(/Success/);
    expect(info(true, 'PPP IPCP').at(-1)).toBe('Configuration Request');
    expect(info(false, 'PPP IPCP')).toContain('Configuration Nak');
    expect(info(true, 'ICMP')[0]).toMatch(/Echo \(ping\) request/);
    expect(shown.includes(PASSWORD)).toBe(false);
  });
});
