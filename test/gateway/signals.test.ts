import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { VirtualHe863 } from '@cellmux/he863';
import { openPty } from '@cellmux/port/pty';
import { RunningProgram } from './running-program.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cellmux-signals-'));
});
afterEach(() => rm(folder, { recursive: true }));

it(
  'status by the control socket, a capture switched on and off while it runs, and a second signal that ends at once',
  { timeout: 180_000 },
  async () => {
    const [link, control, capture] = [join(folder, 'modem'), join(folder, 'control'), join(folder, 'c.pcapng')];
    await using module = new VirtualHe863({ machineNames: false });
    await using pty = await openPty({ link });
    module.serve(pty);
    await using up = RunningProgram.cellmux(['up', '--line', link, '--control', control]);
    await up.says(/all three ports work/);
    await using on = RunningProgram.cellmux(['status', '--json', '--control', control, '--capture', capture]);
    const { code, stdout } = await on.exit();
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ state: 'up', capture, ppp: { localAddress: '10.64.0.1' } });
    await using at = RunningProgram.cellmux(['at', '--control', control, 'AT+CGSN']);
    expect((await at.exit()).stdout).toContain('004999010640000');
    await using off = RunningProgram.cellmux(['status', '--control', control, '--no-capture']);
    const table = await off.exit();
    expect(table.stdout).toContain('PPP 10.64.0.1');
    expect(Math.max(...table.stdout.split('\n').map((row) => row.length))).toBeLessThanOrEqual(80);
    const recorded = await readFile(capture);
    expect(recorded.subarray(0, 4).toString('hex')).toBe('0a0d0d0a');
    // The command of `cellmux at` went through DLCI 3 meanwhile, cut at frames.
    expect(recorded.includes('AT+CGSN')).toBe(true);

    // The module falls silent: an end in order would take its time.
    module.faults.inject({ kind: 'stuck', port: 0, forMs: 600_000 });
    module.faults.inject({ kind: 'silence', port: 0, forMs: 600_000 });
    up.signal('SIGINT');
    await up.says(/listener closed/);
    const beganMs = performance.now();
    expect((await up.stop('SIGINT')).code).toBe(130);
    expect(performance.now() - beganMs).toBeLessThan(5000);
  },
);
