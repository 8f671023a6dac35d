import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { filter, firstValueFrom } from 'rxjs';
import { afterAll, describe, expect, test } from 'vitest';
import { fromLatin1, latin1 } from '../core/bytes.ts';
import type { Port } from '../port.ts';
import { openPty } from '../pty/open-pty.ts';
import { openSerial } from './open-serial.ts';

const directory = mkdtempSync(join(tmpdir(), 'cellmux-port-'));
afterAll(() => {
  rmSync(directory, { recursive: true });
});

const pattern = (length: number, seed: number): Uint8Array =>
  new Uint8Array(length).map((_, index) => (index * 31 + (index >> 8) * 7 + seed) & 0xff);

function receive(port: Port, length: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const whole = new Uint8Array(length);
    let at = 0;
    const subscription = port.received$.subscribe({
      next: (chunk) => {
        whole.set(chunk, at);
        at += chunk.length;
        if (at < length) return;
        queueMicrotask(() => {
          subscription.unsubscribe();
        });
        resolve(whole);
      },
      error: reject,
      complete: () => {
        reject(new Error(`ended after ${at}`));
      },
    });
  });
}

describe.runIf(process.platform === 'linux')('pty and serial device', () => {
  test('1 MiB each way at once, intact, of every octet there is', async () => {
    await using pty = await openPty();
    await using serial = await openSerial({ path: pty.path });
    const [up, down] = [pattern(1 << 20, 1), pattern(1 << 20, 99)];
    const [gotUp, gotDown] = await Promise.all([
      receive(pty, up.length),
      receive(serial, down.length),
      serial.send(up),
      pty.send(down),
    ]);
    expect(Buffer.compare(gotUp, up)).toBe(0);
    expect(Buffer.compare(gotDown, down)).toBe(0);
  });

  test('a slow reader holds the sender back, on either side', async () => {
    await using pty = await openPty();
    await using serial = await openSerial({ path: pty.path });
    for (const [from, to] of [
      [serial, pty],
      [pty, serial],
    ] as const) {
      to.pause();
      let sent = false;
      const sending = from.send(pattern(1 << 20, 3)).then(() => (sent = true));
      await new Promise((resolve) => setTimeout(resolve, 60));
      expect(sent).toBe(false);
      const receiving = receive(to, 1 << 20);
      to.resume();
      expect(Buffer.compare(await receiving, pattern(1 << 20, 3))).toBe(0);
      await sending;
    }
  });

  test('programs come and go: DTR says so, and the device is fresh for the next', async () => {
    await using pty = await openPty();
    expect(pty.circuits.dtr).toBe(false);
    for (const greeting of ['one', 'two']) {
      const serial = await openSerial({ path: pty.path });
      await firstValueFrom(pty.circuits$.pipe(filter(({ dtr }) => dtr)));
      const hello = receive(pty, 3);
      await serial.send(latin1(greeting));
      expect(fromLatin1(await hello)).toBe(greeting);
      await serial.close();
      await firstValueFrom(pty.circuits$.pipe(filter(({ dtr }) => !dtr)));
      expect(pty.isClosed).toBe(false);
    }
  });

  test('what was sent before the pty closes still reaches the program, and then its port ends', async () => {
    const pty = await openPty();
    const serial = await openSerial({ path: pty.path });
    await firstValueFrom(pty.circuits$.pipe(filter(({ dtr }) => dtr)));
    await pty.send(latin1('NO CARRIER\r\n'));
    const closing = pty.close();
    expect(fromLatin1(await receive(serial, 12))).toBe('NO CARRIER\r\n');
    await closing;
    const end = await new Promise((resolve) =>
      serial.received$.subscribe({ error: resolve, complete: () => resolve(0) }),
    );
    expect(end).toMatchObject({ code: 'ERR_PORT_LOST' });
    expect(serial.isClosed).toBe(true);
    await expect(serial.send(latin1('AT\r'))).rejects.toMatchObject({ code: 'ERR_PORT_CLOSED' });
    await serial.close();
  });

  test('the link leads to the device, replaces an old link, is removed, and spares what is not a link', async () => {
    const link = join(directory, 'module');
    symlinkSync('/dev/pts/nothing', link);
    const pty = await openPty({ link });
    expect(readlinkSync(link)).toBe(pty.path);
    expect(statSync(pty.path).mode & 0o777).toBe(0o600);
    await expect((await openSerial({ path: link })).close()).resolves.toBeUndefined();
    await pty.close();
    await pty.close();
    expect(lstatSync(link, { throwIfNoEntry: false })).toBeUndefined();
    const file = join(directory, 'file');
    writeFileSync(file, 'mine');
    await expect(openPty({ link: file })).rejects.toMatchObject({ code: 'ERR_PORT_LINK_TAKEN' });
    expect(statSync(file).size).toBe(4);
    await expect(openPty({ link: join(directory, 'no/such') })).rejects.toMatchObject({ code: 'ERR_PORT_NOT_FOUND' });
    const taken = await openPty({ link });
    rmSync(link);
    writeFileSync(link, 'theirs');
    await taken.close();
    expect(existsSync(link)).toBe(true);
  });

  test('a device that is not there, in use, or no device', async () => {
    await expect(openSerial({ path: '/dev/ttyNONE9' })).rejects.toMatchObject({
      code: 'ERR_PORT_NOT_FOUND',
      hint: expect.any(String) as string,
    });
    await expect(openSerial({ path: '/dev/null' })).rejects.toMatchObject({ code: 'ERR_PORT_NOT_A_DEVICE' });
    await expect(openSerial({ path: '/dev/null', baudRate: 1 })).rejects.toMatchObject({ code: 'ERR_OPTION_RANGE' });
    await using pty = await openPty();
    await using serial = await openSerial({ path: pty.path });
    await expect(openSerial({ path: serial.name })).rejects.toMatchObject({ code: 'ERR_PORT_BUSY' });
    await expect(openSerial({ path: pty.path, signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow(
      'enough',
    );
  });

  test('leaves no descriptor open', async () => {
    const { readdirSync } = await import('node:fs');
    const open = (): number => readdirSync('/proc/self/fd').length;
    await (await openPty()).close();
    const before = open();
    for (let round = 0; round < 20; round++) {
      const pty = await openPty();
      const serial = await openSerial({ path: pty.path });
      await serial.close();
      await pty.close();
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(open()).toBeLessThanOrEqual(before + 1);
  });
});
