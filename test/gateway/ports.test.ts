import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { AtClient } from '@cellmux/at';
import { Gateway } from '@cellmux/gateway';
import { VirtualHe863 } from '@cellmux/he863';
import { fromLatin1, memoryPair, type Port } from '@cellmux/port';
import { openSerial } from '@cellmux/port/serial';
import { dialPpp } from '@cellmux/ppp';
import { firstValueFrom } from 'rxjs';

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
  expect((await stat(join(folder, 'ports'))).mode & 0o777).toBe(0o700);
  for (const name of ['1', '2', '3']) expect((await stat(join(folder, 'ports', name))).mode & 0o777).toBe(0o600);

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

it('gives DTR on: a call ends with the program that dialled it, however that ends', async () => {
  await using module = new VirtualHe863({ bootMs: 100, machineNames: false });
  await using gateway = new Gateway({
    line: () => {
      const { dte, dce } = memoryPair();
      module.serve(dce);
      return Promise.resolve({ port: dte, close: () => dte.close() });
    },
    ports: join(folder, 'ports'),
  });
  await gateway.start();
  const open = () => openSerial({ path: join(folder, 'ports/1'), baudRate: 115_200, rtscts: false });
  const heard = textOf(gateway.multiplexer?.ports.get(1));
  const first = await open();
  const dialler = new AtClient(first);
  for (const line of ['AT&D2', 'AT+CGDCONT=1,"IP",""']) await dialler.command(line);
  const call = await dialler.connect('ATD*99***1#');
  await firstValueFrom(call.received$);
  // Killed: no Terminate-Request, no escape, no ATH.
  await first.close({ signal: AbortSignal.abort() });
  await expect.poll(() => heard.text, { timeout: 10_000 }).toContain('NO CARRIER');

  // A program that flushes nothing, as serialport does.
  const second = openSync(join(folder, 'ports/1'), constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  writeSync(second, 'ATV0\r');
  const buffer = Buffer.alloc(1000);
  let shown = '';
  const look = (): string => {
    try {
      shown += buffer.toString('latin1', 0, readSync(second, buffer));
    } catch {
      // EAGAIN: nothing there.
    }
    return shown;
  };
  await expect.poll(look, { timeout: 10_000 }).toBe('ATV0\r0\r');
  closeSync(second);
});

function textOf(port: Port | undefined): { text: string } {
  const heard = { text: '' };
  port?.received$.subscribe({ next: (chunk) => (heard.text += fromLatin1(chunk)), error: () => undefined });
  return heard;
}

it('and then has no port for anything of its own', () => {
  const wanted = { line: { kind: 'virtual' }, ports: folder, proxy: { host: '127.0.0.1', port: 0 } } as const;
  expect(() => new Gateway(wanted)).toThrow(expect.objectContaining({ code: 'ERR_OPTION_EXCLUDES' }));
});
