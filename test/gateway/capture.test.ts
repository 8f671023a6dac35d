import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Gateway, type GatewayOptions } from '@cellmux/gateway';
import { VirtualHe863 } from '@cellmux/he863';
import { memoryPair } from '@cellmux/port';
import { openPty } from '@cellmux/port/pty';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readCapture } from './capture-file.ts';
import { RunningProgram } from './running-program.ts';

/** With octets that PPP escapes. */
const PASSWORD = 'S3NTINEL~}word';
const PIN = '7391';

// In CI a missing tshark is a failure, not a skip.
const hasTshark = spawnSync('tshark', ['--version']).status === 0;
const wanted = hasTshark || process.env['CI'] !== undefined;

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cellmux-capture-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** A gateway on a module that wants PIN and PAP, with a capture from the first frame on. */
async function recordedGateway(options: Partial<GatewayOptions>) {
  const user = 'me';
  const module = new VirtualHe863({ machineNames: false, pin: PIN, ppp: { auth: 'pap', user, password: PASSWORD } });
  const { dte, dce } = memoryPair({ name: 'line' });
  module.serve(dce);
  const gateway = new Gateway({
    line: dte,
    apn: 'internet',
    user,
    password: PASSWORD,
    pin: PIN,
    pollMs: 0,
    ...options,
  });
  await gateway.start();
  return { gateway, module };
}

describe.runIf(wanted)(
  `captures${hasTshark ? '' : ' (needs tshark: apt-get install tshark)'}`,
  { timeout: 120_000 },
  () => {
    it.each([
      ['by default without a secret', false],
      ['with the secrets where that is wanted', true],
    ])('CMUX and PPP in one file that tshark reads without a complaint, %s', async (_, captureSecrets) => {
      const capture = join(folder, 'line.pcapng');
      const { gateway, module } = await recordedGateway({ capture, captureSecrets });
      await gateway.packets.ping('10.64.64.64');
      await gateway.at.command('AT+CSQ');
      await gateway.stop();
      await module.close();
      const { records, protocols, complaints } = await readCapture(capture);
      expect(complaints).toEqual([]);
      const cmux = protocols.filter((one) => one.includes('mux27010')).length;
      const ppp = protocols.filter((one) => one.startsWith('ppp')).length;
      expect(cmux).toBeGreaterThan(60);
      expect(ppp).toBeGreaterThan(10);
      expect(Object.keys(records)).toHaveLength(2);
      for (const layer of [/^ppp:lcp/, /^ppp:pap/, /^ppp:ipcp/, /^ppp:ip:icmp/])
        expect(protocols.filter((one) => layer.test(one)).length, String(layer)).toBeGreaterThanOrEqual(2);

      const file = await readFile(capture, 'latin1');
      // On DLCI 1 it is escaped as well, and cut by frames of 127 octets perhaps.
      const passwords = [PASSWORD, 'S3NTINEL}^}]word', 'S3NTINEL'];
      expect(passwords.some((text) => file.includes(text))).toBe(captureSecrets);
      expect(file.includes(`AT+CPIN="${PIN}"`)).toBe(captureSecrets);
      expect(file.includes(PIN)).toBe(captureSecrets);
      expect(file.includes('AT+CPIN="****"')).toBe(!captureSecrets);
      expect(file.includes('AT+CSQ')).toBe(true);
      expect((await stat(capture)).mode & 0o777).toBe(0o600);
    });

    it('rotates by size and number; nothing is lost between two files, and tshark reads each', async () => {
      const capture = join(folder, 'line.pcapng');
      const rotateBytes = 16_384;
      const { gateway, module } = await recordedGateway({ capture, captureRotation: { rotateBytes, keep: 1000 } });
      const pingsSent = 60;
      for (let count = 0; count < pingsSent; count++) await gateway.packets.ping('10.64.64.64');
      await gateway.stopCapture();
      const { framesSent, framesReceived } = gateway.multiplexer.counters;
      const files = (await readdir(folder)).sort();
      expect(files.length).toBeGreaterThan(2);
      let cmux = 0;
      let pings = 0;
      for (const file of files) {
        const { size } = await stat(join(folder, file));
        expect(size, file).toBeLessThanOrEqual(rotateBytes);
        if (file !== 'line.pcapng') expect(size, file).toBeGreaterThan(rotateBytes / 2);
        const { protocols, complaints } = await readCapture(join(folder, file));
        expect(complaints, file).toEqual([]);
        cmux += protocols.filter((one) => one.includes('mux27010')).length;
        pings += protocols.filter((one) => one.startsWith('ppp:ip:icmp')).length;
      }
      expect(cmux).toBe(framesSent + framesReceived);
      expect(pings).toBe(2 * pingsSent);

      // It begins again, also where it was stopped amidst a change of files.
      const again = join(folder, 'again.pcapng');
      await gateway.startCapture(again);
      await gateway.packets.ping('10.64.64.64');
      await gateway.stopCapture();
      expect((await readCapture(again)).protocols.filter((one) => one.startsWith('ppp:ip:icmp'))).toHaveLength(2);
      await gateway.stop();
      await module.close();
    });

    it('keeps as many files as it is told', async () => {
      const capture = join(folder, 'line.pcapng');
      const { gateway, module } = await recordedGateway({ capture, captureRotation: { rotateBytes: 4096, keep: 3 } });
      for (let count = 0; count < 60; count++) await gateway.packets.ping('10.64.64.64');
      await gateway.stop();
      await module.close();
      expect((await readdir(folder)).sort()).toEqual(['line.pcapng', 'line.pcapng.1', 'line.pcapng.2']);
      const ages = await Promise.all(
        ['line.pcapng.2', 'line.pcapng.1', 'line.pcapng'].map(async (file) => (await stat(join(folder, file))).mtimeMs),
      );
      expect(ages).toEqual(ages.toSorted((a, b) => a - b));
    });

    it('is switched on and off while `cellmux up` runs: by `cellmux status --capture`, SIGUSR1 and SIGUSR2', async () => {
      const [link, control] = [join(folder, 'modem'), join(folder, 'control')];
      const [first, second] = [join(folder, 'first.pcapng'), join(folder, 'second.pcapng')];
      await using module = new VirtualHe863({ machineNames: false });
      await using pty = await openPty({ link });
      module.serve(pty);
      await using up = RunningProgram.cellmux(['up', '--line', link, '--control', control, '--poll', '1000'], {
        CELLMUX_CAPTURE: second,
      });
      await up.says(/all three ports work/);
      // The capture of the configuration runs from the start; a signal does not write over it.
      up.signal('SIGUSR1');
      await up.says(/already recording .*second\.pcapng/);
      up.signal('SIGUSR2');
      await up.says(/capture ended/);
      const { protocols, complaints } = await readCapture(second);
      expect(complaints).toEqual([]);
      expect(protocols.length).toBeGreaterThan(60);

      await using on = RunningProgram.cellmux(['status', '--json', '--control', control, '--capture', first]);
      const shown = await on.exit();
      expect([shown.code, JSON.parse(shown.stdout)]).toEqual([0, expect.objectContaining({ capture: first })]);
      await up.says(/capture to .*first\.pcapng/);
      await using at = RunningProgram.cellmux(['at', '--control', control, 'AT+CGSN']);
      expect((await at.exit()).code).toBe(0);
      await using off = RunningProgram.cellmux(['status', '--json', '--control', control, '--no-capture']);
      expect(JSON.parse((await off.exit()).stdout)).not.toHaveProperty('capture');
      expect((await readFile(first, 'latin1')).includes('AT+CGSN')).toBe(true);
      expect((await readCapture(first)).complaints).toEqual([]);

      const before = (await stat(second)).mtimeMs;
      up.signal('SIGUSR1');
      await up.says(/capture ended[\s\S]*capture ended[\s\S]*capture to .*second\.pcapng/);
      await new Promise((resolve) => setTimeout(resolve, 1500));
      up.signal('SIGUSR2');
      await up.says(/capture ended[\s\S]*capture ended[\s\S]*capture ended/);
      expect((await stat(second)).mtimeMs).toBeGreaterThan(before);
      const again = await readCapture(second);
      expect(again.complaints).toEqual([]);
      expect(again.protocols.length).toBeGreaterThan(0);
      expect(again.protocols.length).toBeLessThan(protocols.length);
      expect((await up.stop()).code).toBe(130);
    });
  },
);
