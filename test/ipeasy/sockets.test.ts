import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Multiplexer, type DlcPort } from '@cellmux/cmux';
import type { IpEasy, IpEasyDatagramSocket, IpEasySocket } from '@cellmux/ipeasy';
import { faultyLine, type FaultyLine } from '@cellmux/port';
import { firstValueFrom } from 'rxjs';
import { crc32 } from './crc-32.ts';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort, setUpModule, testBytes } from './module-setup.ts';

async function serveTcp(onConnection: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
  });
  return { server, port: (server.address() as AddressInfo).port };
}

async function readAll(socket: IpEasySocket | Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/**
 * Six sockets at once to a real server: 1 MiB each way on each, every octet compared at this end, and what arrived at the
 * server by its CRC-32, which it sends back. Gives what was right.
 */
async function exchangeOnSix(ipEasy: IpEasy): Promise<boolean[]> {
  const size = 1 << 20;
  const { port } = await serveTcp((socket) => {
    let head: Buffer = Buffer.alloc(0);
    let sum = 0;
    let received = 0;
    socket.on('data', (chunk: Buffer) => {
      head = head.length < 1 ? chunk.subarray(0, 1) : head;
      sum = crc32(chunk, sum);
      received += chunk.length;
      if (received === size) {
        const check = Buffer.alloc(4);
        check.writeUInt32BE(sum);
        socket.write(check);
      }
    });
    void once(socket, 'data').then(() => socket.write(testBytes(size, head[0])));
  });
  return Promise.all(
    Array.from({ length: 6 }, async (_, index) => {
      const socket = await ipEasy.connect({ host: '127.0.0.1', port });
      const body = testBytes(size, index + 1);
      socket.write(body);
      const chunks: Buffer[] = [];
      let got = 0;
      for await (const chunk of socket) {
        chunks.push(chunk as Buffer);
        got += (chunk as Buffer).length;
        if (got >= size + 4) break;
      }
      const all = Buffer.concat(chunks);
      const expected = testBytes(size, body[0]);
      // The check value comes somewhere in the middle of nothing: it is the last thing the server writes.
      const check = Buffer.alloc(4);
      check.writeUInt32BE(crc32(body));
      return all.equals(Buffer.concat([expected, check])) || all.equals(Buffer.concat([check, expected]));
    }),
  );
}

/** Three DLCs in error-recovery mode over a line that drops and flips; the module's ends and the host's, by index. */
async function damagedPorts(seed: number): Promise<{ line: FaultyLine; ports: { dte: DlcPort; dce: DlcPort }[] }> {
  const line = faultyLine({ seed });
  const options = { option: 'advanced', n1: 512, n2: 20 } as const;
  const host = new Multiplexer(line.dte, options);
  const responder = new Multiplexer(line.dce, { ...options, role: 'responder' });
  onTestFinished(async () => {
    line.setFaults({ dropRate: 0, flipRate: 0 });
    await host.close();
  });
  await Promise.all([responder.start(), host.start()]);
  const ports: { dte: DlcPort; dce: DlcPort }[] = [];
  for (const dlci of [1, 2, 3]) {
    const incoming = firstValueFrom(responder.incoming$);
    const dte = await host.open(dlci, { frameType: 'I', k: 7 });
    ports.push({ dte, dce: await incoming });
  }
  return { line, ports };
}

describe('IP Easy sockets on the virtual module', () => {
  it('moves 1 MiB each way on six sockets at once, over three ports', { timeout: 60_000 }, async () => {
    const { ipEasy } = await setUpModule({ ports: 3 });
    expect(await exchangeOnSix(ipEasy)).toEqual([true, true, true, true, true, true]);
  });

  it(
    'moves as much over three DLCs in error-recovery mode, on a line that drops and flips',
    // An FCS of eight bits takes one of 256 frames that lack an octet for a good one: one run in some twenty or thirty sees that.
    { timeout: 120_000, retry: 2 },
    async () => {
      const { line, ports } = await damagedPorts(11);
      const { ipEasy } = await setUpModule({
        ports: 3,
        line: (index) => ports[index] as { dte: DlcPort; dce: DlcPort },
      });
      line.setFaults({ dropRate: 2e-6, flipRate: 2e-6 });
      expect(await exchangeOnSix(ipEasy)).toEqual([true, true, true, true, true, true]);
      const { dteToDce, dceToDte } = line.stats;
      expect(dteToDce.flipped + dteToDce.dropped).toBeGreaterThan(5);
      expect(dceToDte.flipped + dceToDte.dropped).toBeGreaterThan(5);
    },
  );

  it.each(['command', 'online'] as const)(
    'takes no more than the peer, and loses none of it when it reads again: %s mode',
    { timeout: 60_000 },
    async (mode) => {
      const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }).listen(0, '127.0.0.1');
      onTestFinished(() => void server.close());
      await once(server, 'listening');
      const accepted = once(server, 'connection') as Promise<[Socket]>;
      const { ipEasy } = await setUpModule();
      const socket = await ipEasy.connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, mode });
      const [peer] = await accepted;
      // More than the buffers of the machine between module and peer.
      const body = testBytes(12 << 20, 9);
      let taken = 0;
      const sent = (async () => {
        for (let offset = 0; offset < body.length; offset += 16_384) {
          const part = body.subarray(offset, offset + 16_384);
          await new Promise<void>((resolve, reject) =>
            socket.write(part, (error) => (error ? reject(error) : resolve())),
          );
          taken += part.length;
        }
        socket.end();
      })();
      for (let before = -1; before !== taken;) {
        before = taken;
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
      expect(peer.bytesRead).toBe(0);
      expect(taken).toBeLessThan(body.length);
      const [arrived] = await Promise.all([readAll(peer), sent]);
      expect(arrived.equals(body)).toBe(true);
      peer.end();
    },
  );

  it('leaves with the peer what nobody reads, and says by how much', async () => {
    const body = testBytes(16 << 20, 5);
    let sender: Socket | undefined;
    const { port } = await serveTcp((socket) => {
      sender = socket;
      socket.write(body);
      socket.end();
    });
    const { ipEasy } = await setUpModule({ ipEasy: { highWaterMarkBytes: 4096 } });
    const socket = await ipEasy.connect({ host: '127.0.0.1', port });
    const waiting = async (): Promise<number> => (await ipEasy.info())[(socket.connId ?? 0) - 1]?.waitingBytes ?? 0;
    while ((await waiting()) < 16_384) await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, 100));
    // Here what was asked for and one read more, in the module its window, and the rest at the peer's.
    expect(socket.readableLength).toBeLessThanOrEqual(4096 + 1500);
    expect(await waiting()).toBe(16_384);
    expect(sender?.writableLength).toBeGreaterThan(4 << 20);
    expect(socket.bytesRead).toBe(socket.readableLength);
    const got = testBytes(1 << 20, 5);
    let length = 0;
    for await (const chunk of socket) {
      const part = (chunk as Buffer).subarray(0, got.length - length);
      expect(part.equals(got.subarray(length, length + part.length))).toBe(true);
      length += (chunk as Buffer).length;
      if (length >= got.length) break;
    }
    socket.destroy();
  });

  it('keeps the borders of datagrams, whether or not the module can', async () => {
    const echo = createSocket('udp4');
    echo.on('message', (message, { port, address }) => echo.send(message, port, address));
    echo.bind(0, '127.0.0.1');
    await once(echo, 'listening');
    onTestFinished(() => {
      echo.close();
    });
    const { port } = echo.address();
    for (const udpInfo of [true, false]) {
      const { ipEasy } = await setUpModule({ module: { udpInfo } });
      const socket = await ipEasy.connect({ host: '127.0.0.1', port, transport: 'udp' });
      const got: number[] = [];
      const sizes = Array.from({ length: 60 }, (_, index) => 1 + ((index * 131) % 1020));
      const done = new Promise<void>((resolve) => {
        socket.on('message', (message, remote) => {
          got.push(message.length);
          expect(remote).toMatchObject({ address: '127.0.0.1', port, size: message.length });
          if (got.length === sizes.length) resolve();
        });
      });
      for (const size of sizes) await socket.send(Buffer.alloc(size, size));
      await done;
      expect(got).toEqual(sizes);
      socket.close();
    }
  });

  it('accepts connections whom the firewall lets in, and no others', async () => {
    const port = await freePort();
    const { ipEasy } = await setUpModule();
    const warnings: unknown[] = [];
    ipEasy.events$.subscribe((event) => {
      if (event.type === 'warning') warnings.push(event.code);
    });
    const server = await ipEasy.listen({ port }, (socket) => {
      socket.on('data', (chunk: Buffer) => socket.write(Buffer.from(chunk.toString().toUpperCase())));
    });
    const outside = connect(port, '127.0.0.1');
    outside.on('error', () => undefined);
    await new Promise((resolve) => outside.once('close', resolve));
    expect(warnings).toEqual(['WARN_IPEASY_NO_FIREWALL_RULE']);
    await ipEasy.firewall.allow('127.0.0.1');
    for (let round = 0; round < 3; round++) {
      const inside = connect(port, '127.0.0.1');
      inside.write('hello');
      const [answer] = (await once(inside, 'data')) as [Buffer];
      expect(answer.toString()).toBe('HELLO');
      inside.end();
      await once(inside, 'close');
      while (server.connections.length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
      while (!(await ipEasy.status()).some(({ state }) => state === 'listening'))
        await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await server[Symbol.asyncDispose]();
    expect((await ipEasy.status()).every(({ state }) => state === 'closed')).toBe(true);
  });

  it('lets two modules talk, by TCP and by UDP', async () => {
    const [tcpPort, udpPort] = [await freePort(), await freePort()];
    const a = await setUpModule();
    const b = await setUpModule();
    await b.ipEasy.firewall.allow('127.0.0.0', '255.0.0.0');
    const body = testBytes(300_000);
    await b.ipEasy.listen({ port: tcpPort }, (socket) => void socket.end(body));
    const socket = await a.ipEasy.connect({ host: '127.0.0.1', port: tcpPort });
    expect((await readAll(socket)).equals(body)).toBe(true);
    const served: IpEasyDatagramSocket[] = [];
    const server = b.ipEasy.createDatagramServer({}, (peer) => {
      served.push(peer);
      peer.on('message', (message) => void peer.send(`re: ${message.toString()}`));
    });
    server.listen(udpPort);
    await once(server, 'listening');
    const datagrams = await a.ipEasy.connect({ host: '127.0.0.1', port: udpPort, transport: 'udp' });
    const answers: string[] = [];
    datagrams.on('message', (message) => answers.push(message.toString()));
    for (const text of ['one', 'two', 'three']) await datagrams.send(text);
    while (answers.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(answers).toEqual(['re: one', 're: two', 're: three']);
  });

  it('moves a socket under load between the modes', { timeout: 60_000 }, async () => {
    const body = testBytes(400_000);
    const { port } = await serveTcp((socket) => socket.pipe(socket));
    const { ipEasy } = await setUpModule({ ports: 2 });
    const socket = await ipEasy.connect({ host: '127.0.0.1', port });
    const received: Buffer[] = [];
    let length = 0;
    socket.on('data', (chunk: Buffer) => {
      received.push(chunk);
      length += chunk.length;
    });
    const half = body.length / 2;
    socket.write(body.subarray(0, half));
    await socket.goOnline();
    expect(socket.mode).toBe('online');
    socket.write(body.subarray(half, half + 1000));
    await new Promise((resolve) => setTimeout(resolve, 30));
    await socket.goToCommandMode();
    expect(socket.mode).toBe('command');
    socket.write(body.subarray(half + 1000));
    await socket.goOnline();
    while (length < body.length) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(Buffer.concat(received).equals(body)).toBe(true);
    socket.destroy();
  });

  it('ends with typed errors when the module is reset, and works again', async () => {
    const { port } = await serveTcp(() => undefined);
    const { ipEasy, module } = await setUpModule({ module: { bootMs: 0 }, ipEasy: { watchMs: 1000 } });
    const socket = await ipEasy.connect({ host: '127.0.0.1', port });
    const failed = once(socket, 'error');
    await module.reset();
    const [error] = (await failed) as [unknown];
    expect(error).toMatchObject({ code: 'ERR_IPEASY_MODULE_RESET' });
    await ipEasy.activate({ cid: 1 });
    const again = await ipEasy.connect({ host: '127.0.0.1', port });
    expect(again.readyState).toBe('open');
    again.destroy();
  });

  it('ends with typed errors when the context is deactivated', async () => {
    const { port } = await serveTcp(() => undefined);
    const { ipEasy } = await setUpModule();
    const sockets = await Promise.all([1, 2].map(() => ipEasy.connect({ host: '127.0.0.1', port })));
    const failures = sockets.map((socket) => once(socket, 'error'));
    await ipEasy.deactivate(1);
    for (const [error] of await Promise.all(failures)) {
      expect(error).toMatchObject({ code: 'ERR_IPEASY_CONTEXT_LOST' });
    }
  });

  it('clears what an earlier run left behind', async () => {
    const { port } = await serveTcp(() => undefined);
    const { clients, ipEasy } = await setUpModule();
    await clients[0]?.command(`AT#SD=3,0,${port},"127.0.0.1",0,0,1`);
    expect((await ipEasy.status())[2]?.state).toBe('suspended');
    await ipEasy.prepare();
    expect((await ipEasy.status()).every(({ state }) => state === 'closed')).toBe(true);
  });

  it('reads in hex as well, and sends so that no octet acts', async () => {
    const { port } = await serveTcp((socket) => socket.pipe(socket));
    const { ipEasy } = await setUpModule({ ipEasy: { sockets: { dataMode: 'hex' } } });
    const socket = await ipEasy.connect({ host: '127.0.0.1', port });
    const body = Buffer.concat([Buffer.from([0x1a, 0x1b, 0x08, 0x0d, 0x0a]), testBytes(20_000)]);
    const chunks: Buffer[] = [];
    let length = 0;
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
    });
    socket.write(body);
    while (length < body.length) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(Buffer.concat(chunks).equals(body)).toBe(true);
    socket.destroy();
  });
});
