import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { firstValueFrom } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { concatBytes, fromLatin1, latin1 } from '../core/bytes.ts';
import type { Port } from '../port.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { connectTcp } from './connect-tcp.ts';
import { listenTcp } from './listen-tcp.ts';

async function pair(): Promise<{ dte: Port; dce: Port; [Symbol.asyncDispose](): Promise<void> }> {
  const listener = await listenTcp({ port: 0 });
  const accepted = firstValueFrom(listener.ports$);
  const dte = await connectTcp(listener.address);
  const dce = await accepted;
  await listener.close();
  return {
    dte,
    dce,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([dte.close(), dce.close()]);
    },
  };
}

const pattern = (length: number): Uint8Array =>
  new Uint8Array(length).map((_, index) => (index * 13 + (index >> 10)) & 0xff);

function whole(port: Port): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    port.received$.subscribe({
      next: (chunk) => chunks.push(chunk),
      error: reject,
      complete: () => {
        resolve(concatBytes(chunks));
      },
    });
  });
}

describe('TCP', () => {
  test('2 MiB each way at once arrive whole before the ends do', async () => {
    await using ports = await pair();
    const sent = pattern(2 << 20);
    const received = whole(ports.dce);
    await Promise.all([ports.dte.send(sent), ports.dce.send(pattern(100))]);
    await ports.dte.close();
    expect(Buffer.compare(await received, sent)).toBe(0);
    expect(ports.dce.isClosed).toBe(true);
  });

  test('bytes unread at the end that closes do not take from the other what it has not read', async () => {
    await using ports = await pair();
    ports.dte.pause();
    const received = whole(ports.dce);
    await ports.dce.send(pattern(100_000));
    await ports.dte.send(pattern(1 << 20));
    await ports.dte.close();
    expect((await received).length).toBe(1 << 20);
  });

  test('what was sent into a connection whose other side has finished is sent, then it closes', async () => {
    const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
    const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
    await new Promise((resolve) => server.once('listening', resolve));
    const port = await connectTcp({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
    const socket = await accepted;
    const sending = port.send(pattern(4 << 20));
    socket.end('bye');
    expect(fromLatin1(await whole(port))).toBe('bye');
    let octets = 0;
    for await (const chunk of socket) octets += (chunk as Buffer).length;
    await sending;
    expect(octets).toBe(4 << 20);
    await port.close();
    server.close();
  });

  test('a paused or unread end holds its sender back', async () => {
    await using ports = await pair();
    for (const prepare of [() => undefined, () => ports.dce.pause()]) {
      prepare();
      let sent = false;
      const sending = ports.dte.send(new Uint8Array(16 << 20)).then(() => (sent = true));
      await new Promise((resolve) => setTimeout(resolve, 150));
      expect(sent).toBe(false);
      let octets = 0;
      const subscription = ports.dce.received$.subscribe((chunk) => (octets += chunk.length));
      ports.dce.resume();
      await sending;
      while (octets < 16 << 20) await new Promise((resolve) => setTimeout(resolve, 5));
      subscription.unsubscribe();
      expect(octets).toBe(16 << 20);
    }
  });

  test('a reset ends the stream with ERR_PORT_LOST', async () => {
    await using listener = await listenTcp({ port: 0 });
    const accepted = firstValueFrom(listener.ports$);
    const socket = connect(listener.address.port);
    const port = await accepted;
    socket.resetAndDestroy();
    await expect(whole(port)).rejects.toMatchObject({ code: 'ERR_PORT_LOST' });
    await expect(port.send(latin1('x'))).rejects.toMatchObject({ code: 'ERR_PORT_CLOSED' });
    await port.close();
  });

  test('nobody listens, no such name, no answer, given up', async () => {
    const listener = await listenTcp({ port: 0 });
    const { port } = listener.address;
    await expect(listenTcp({ port })).rejects.toMatchObject({ code: 'ERR_PORT_CANNOT_LISTEN' });
    await listener.close();
    await listener.close();
    await expect(connectTcp({ host: '127.0.0.1', port })).rejects.toMatchObject({ code: 'ERR_PORT_NOT_FOUND' });
    await expect(connectTcp({ host: '127.0.0.1', port: 0 })).rejects.toMatchObject({ code: 'ERR_OPTION_RANGE' });
    const abort = new AbortController();
    const connecting = connectTcp({ host: '127.0.0.1', port, signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(connecting).rejects.toThrow('enough');
    const clock = new VirtualClock();
    // 192.0.2.0/24 is nobody's: no answer, or no way there.
    const lost = connectTcp({ host: '192.0.2.1', port: 9, timeoutMs: 10, clock });
    void clock.advance(20);
    await expect(lost).rejects.toMatchObject({
      code: 'ERR_PORT_NOT_FOUND',
    });
  });

  test('a connection that nobody waits for is closed', async () => {
    await using listener = await listenTcp({ port: 0 });
    const port = await connectTcp(listener.address);
    await whole(port).catch(() => undefined);
    expect(port.isClosed).toBe(true);
  });
});
