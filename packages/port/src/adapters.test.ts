import { existsSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstValueFrom } from 'rxjs';
import { afterAll, describe, expect, it } from 'vitest';
import { concatBytes } from './core/bytes.ts';
import { toDuplex } from './duplex/index.ts';
import { memoryPair } from './memory-pair.ts';
import type { Port } from './port.ts';
import { openPty } from './pty/index.ts';
import { openSerial } from './serial/index.ts';
import { connectTcp, listenTcp } from './tcp/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'cellmux-port-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const MEBIBYTE = 1024 * 1024;
const pattern = (seed: number): Uint8Array => {
  let state = seed;
  return new Uint8Array(MEBIBYTE).map(() => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state >> 16;
  });
};

function receive(port: Port, octets: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let got = 0;
    port.received$.subscribe({
      next: (chunk) => {
        chunks.push(chunk);
        got += chunk.length;
        if (got >= octets) resolve(concatBytes(chunks));
      },
      error: reject,
      complete: () => {
        if (got < octets) reject(new Error(`ended after ${got} of ${octets}`));
      },
    });
  });
}

/** A mebibyte each way at once, and a pause that holds. */
async function carriesBothWays(one: Port, other: Port): Promise<void> {
  const [down, up] = [pattern(1), pattern(2)];
  const results = await Promise.all([receive(one, MEBIBYTE), receive(other, MEBIBYTE), one.send(down), other.send(up)]);
  expect(Buffer.compare(results[0], up)).toBe(0);
  expect(Buffer.compare(results[1], down)).toBe(0);
}

describe('TCP', () => {
  it('carries a mebibyte each way, and ends on both sides', async () => {
    await using listener = await listenTcp({ port: 0 });
    const incoming = firstValueFrom(listener.ports$);
    const client = await connectTcp({ host: '127.0.0.1', port: listener.address.port });
    const server = await incoming;
    await carriesBothWays(client, server);
    const ended = new Promise<void>((resolve) => server.received$.subscribe({ complete: resolve }));
    await client.close();
    await ended;
    await server.close();
    expect(server.isClosed).toBe(true);
    await expect(server.send(new Uint8Array(3))).rejects.toMatchObject({
      code: 'ERR_PORT_CLOSED',
      context: { unsentBytes: 3 },
    });
  });

  it('says what to do when nobody listens', async () => {
    const listener = await listenTcp({ port: 0 });
    const { port } = listener.address;
    await listener.close();
    await expect(connectTcp({ host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'ERR_PORT_NOT_FOUND',
      hint: expect.stringContaining('Nothing listens'),
    });
  });

  it('refuses an address in use', async () => {
    await using listener = await listenTcp({ port: 0 });
    await expect(listenTcp({ port: listener.address.port })).rejects.toMatchObject({ code: 'ERR_PORT_CANNOT_LISTEN' });
  });
});

describe('pty and serial device', () => {
  it('carries a mebibyte each way between our pty and serialport on its device', async () => {
    const link = join(folder, 'modem');
    const pty = await openPty({ link });
    expect(readlinkSync(link)).toBe(pty.path);
    const serial = await openSerial({ path: link, rtscts: false });
    await carriesBothWays(serial, pty);
    await serial.close();
    // The device was closed: the pty lives on for the next one.
    const again = await openSerial({ path: link, rtscts: false });
    const got = receive(pty, 2);
    await again.send(Uint8Array.of(0x0d, 0x11));
    expect(await got).toEqual(Uint8Array.of(0x0d, 0x11));
    await again.close();
    await pty.close();
    expect(existsSync(link)).toBe(false);
  });

  it('does not write over a file', async () => {
    const link = join(folder, 'file');
    writeFileSync(link, '');
    await expect(openPty({ link })).rejects.toMatchObject({ code: 'ERR_PORT_LINK_TAKEN' });
  });

  it('says what is wrong with a device that is not there', async () => {
    await expect(openSerial({ path: join(folder, 'none') })).rejects.toMatchObject({
      code: 'ERR_PORT_NOT_FOUND',
      hint: expect.stringContaining('plugged in'),
    });
  });

  it('a reader that stops holds the writer, and nothing is lost', async () => {
    const pty = await openPty();
    const serial = await openSerial({ path: pty.path, rtscts: false });
    const sent = pattern(3);
    let taken = false;
    serial.pause();
    const sending = pty.send(sent).then(() => (taken = true));
    for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(taken).toBe(false);
    const got = receive(serial, MEBIBYTE);
    serial.resume();
    expect(Buffer.compare(await got, sent)).toBe(0);
    await sending;
    await Promise.all([serial.close(), pty.close()]);
  });
});

describe('toDuplex', () => {
  it('has back-pressure both ways and ends with the port', async () => {
    const { dte, dce } = memoryPair();
    const duplex = toDuplex(dte, { highWaterMarkBytes: 1000 });
    let sent = 0;
    const sending = (async () => {
      for (; sent < 100; sent++) await dce.send(new Uint8Array(500).fill(sent));
      await dce.close();
    })();
    await new Promise((resolve) => setImmediate(resolve));
    expect(sent).toBeLessThan(10);
    const chunks: Buffer[] = [];
    for await (const chunk of duplex) chunks.push(chunk as Buffer);
    await sending;
    expect(Buffer.concat(chunks).length).toBe(50_000);
    expect(dte.isClosed).toBe(true);
  });

  it('writes wait for the far side, and end() closes after them', async () => {
    const { dte, dce } = memoryPair();
    const duplex = toDuplex(dte);
    const got = receive(dce, 5);
    duplex.end('hello');
    expect(Buffer.from(await got).toString()).toBe('hello');
    await new Promise<void>((resolve) => dce.received$.subscribe({ complete: resolve }));
  });
});
