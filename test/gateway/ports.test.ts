import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { AtClient } from '@cellmux/at';
import { Gateway } from '@cellmux/gateway';
import { VirtualHe863 } from '@cellmux/he863';
import { memoryPair } from '@cellmux/port';
import { openSerial } from '@cellmux/port/serial';
import { dialPpp } from '@cellmux/ppp';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cellmux-ports-'));
});
afterEach(() => rm(folder, { recursive: true }));

it('gives the virtual ports out as ptys for any program: AT on one, PPP on another, and again after a reset', async () => {
  await using module = new VirtualHe863({ bootMs: 100, machineNames: false });
  await using gateway = new Gateway({
    line: () => {
      const { dte, dce } = memoryPair();
      module.serve(dce);
      return Promise.resolve({ port: dte, close: () => dte.close() });
    },
    ports: join(folder, 'ports'),
    keepAliveMs: 1000,
  });
  await gateway.start();
  expect(gateway.listeners.map(({ what, where }) => [what, where])).toEqual(
    [1, 2, 3].map((dlci) => ['port', join(folder, 'ports', String(dlci))]),
  );
  expect((await stat(join(folder, 'ports'))).mode & 0o077).toBe(0);

  const open = (dlci: number) =>
    openSerial({ path: join(folder, 'ports', String(dlci)), baudRate: 115_200, rtscts: false });
  await using third = await open(3);
  const at = new AtClient(third);
  expect((await at.command('AT+CGSN')).lines).toEqual([expect.stringMatching(/^\d{15}$/)]);

  await using first = await open(1);
  const dialler = new AtClient(first);
  await dialler.command('AT+CGDCONT=1,"IP",""');
  const call = await dialPpp(dialler);
  expect(call.network.localAddress).toBe('10.64.0.1');
  await call.close();

  module.faults.inject({ kind: 'reset' });
  await expect.poll(() => gateway.status.pastOutages.length, { timeout: 30_000 }).toBe(1);
  await expect
    .poll(
      () =>
        at
          .command('AT')
          .then(({ result }) => result)
          .catch(() => ''),
      { timeout: 30_000 },
    )
    .toBe('OK');
});

it('and then has no port for anything of its own', () => {
  const wanted = { line: { kind: 'virtual' }, ports: folder, proxy: { host: '127.0.0.1', port: 0 } } as const;
  expect(() => new Gateway(wanted)).toThrow(expect.objectContaining({ code: 'ERR_OPTION_EXCLUDES' }));
});
