import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IpEasyDatagramSocket, IpEasySocket } from '@cellmux/ipeasy';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort, setUpModule, testBytes } from './module-setup.ts';

/** Somebody on the network who connects to the module. */
async function visitor(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  onTestFinished(() => {
    socket.destroy();
  });
  return socket;
}

async function read(socket: Socket, length: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let got = 0;
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    got += chunk.length;
  });
  while (got < length && !socket.closed) await sleep(2);
  return Buffer.concat(chunks);
}

describe('servers on the virtual module', () => {
  it('accept at most five at a time, and the next as soon as one has left', async () => {
    const port = await freePort();
    const { ipEasy } = await setUpModule({ ports: 2 });
    await ipEasy.firewall.allow('127.0.0.0', '255.0.0.0');
    const served: IpEasySocket[] = [];
    await ipEasy.listen({ port }, (socket) => {
      served.push(socket);
      socket.pipe(socket);
    });
    const visitors: Socket[] = [];
    for (let index = 0; index < 6; index++) {
      while (!(await ipEasy.status()).some(({ state }) => state === 'listening')) await sleep(2);
      const guest = await visitor(port);
      visitors.push(guest);
      guest.write(`guest ${index}`);
      expect((await read(guest, 7)).toString()).toBe(`guest ${index}`);
      // The sixth connection needs the connId that listened.
    }
    expect(new Set(served.map(({ connId }) => connId)).size).toBe(6);
    visitors[2]?.end();
    while (!(await ipEasy.status()).some(({ state }) => state === 'listening')) await sleep(2);
    const next = await visitor(port);
    next.write('next');
    expect((await read(next, 4)).toString()).toBe('next');
  });

  it.each([{ mode: 'online' }, { automatic: true }] as const)('hand out streams: %o', async (how) => {
    const port = await freePort();
    const { ipEasy, clients } = await setUpModule({ ports: 3 });
    await ipEasy.firewall.allow('127.0.0.1');
    const served: IpEasySocket[] = [];
    const server = await ipEasy.listen({ port, ...how }, (socket) => {
      served.push(socket);
      socket.pipe(socket);
    });
    const body = testBytes(60_000);
    const guests: Socket[] = [];
    for (let index = 0; index < 2; index++) {
      while (!(await ipEasy.status()).some(({ state }) => state === 'listening')) await sleep(2);
      const guest = await visitor(port);
      guests.push(guest);
      guest.write(body);
      expect((await read(guest, body.length)).equals(body)).toBe(true);
    }
    expect(served.map(({ mode }) => mode)).toEqual(['online', 'online']);
    // Both at the same time, on AT ports of their own; the third still takes commands.
    expect(clients.filter(({ mode }) => mode === 'data')).toHaveLength(2);
    expect(await ipEasy.status()).toHaveLength(6);
    for (const guest of guests) guest.end();
    while (served.some((socket) => !socket.destroyed)) await sleep(2);
    await server[Symbol.asyncDispose]();
    expect((await ipEasy.status()).every(({ state }) => state === 'closed')).toBe(true);
  });

  it('ask whom to accept, and tell who it is; a refusal closes, and they listen again', async () => {
    const port = await freePort();
    const { ipEasy } = await setUpModule({ module: { peerAddresses: { '127.0.0.1': '10.9.8.7' } } });
    await ipEasy.firewall.allow('10.9.0.0', '255.255.0.0');
    const asked: unknown[] = [];
    let served = 0;
    await ipEasy.listen(
      {
        port,
        accept: async (incoming) => {
          asked.push(incoming);
          await sleep(20);
          return asked.length === 2;
        },
      },
      (socket) => {
        served++;
        socket.end('welcome');
      },
    );
    const first = await visitor(port);
    while (!first.closed) await sleep(2);
    expect(asked[0]).toMatchObject({ remoteAddress: '10.9.8.7', port });
    while (!(await ipEasy.status()).some(({ state }) => state === 'listening')) await sleep(2);
    const second = await visitor(port);
    expect((await read(second, 7)).toString()).toBe('welcome');
    expect(served).toBe(1);
  });

  it('for datagrams: the first one makes a socket, its borders are kept both ways', async () => {
    const port = await freePort();
    const { ipEasy } = await setUpModule();
    await ipEasy.firewall.allow('127.0.0.1');
    const served: IpEasyDatagramSocket[] = [];
    const server = await ipEasy.listenDatagrams({ port, accept: () => true }, (socket) => {
      served.push(socket);
      socket.on('message', (message) => void socket.send(message));
    });
    const guest = createSocket('udp4');
    onTestFinished(() => {
      guest.close();
    });
    const answers: Buffer[] = [];
    guest.on('message', (message) => answers.push(message));
    const sent = Array.from({ length: 30 }, (_, index) => testBytes(1 + ((index * 97) % 1000), index + 1));
    for (const message of sent) {
      const before = answers.length;
      guest.send(message, port, '127.0.0.1');
      while (answers.length === before) await sleep(1);
    }
    expect(answers.map((answer) => answer.toString('hex'))).toEqual(sent.map((message) => message.toString('hex')));
    expect(served).toHaveLength(1);
    served[0]?.close();
    await server[Symbol.asyncDispose]();
    expect((await ipEasy.status()).every(({ state }) => state === 'closed')).toBe(true);
  });
});
