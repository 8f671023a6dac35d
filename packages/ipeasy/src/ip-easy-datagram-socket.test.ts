import { describe, expect, it } from 'vitest';
import { setUp } from '../test/set-up.ts';
import type { Peer } from '../test/scripted-module.ts';
import type { IpEasyDatagramSocket, RemoteInfo } from './ip-easy-datagram-socket.ts';

describe.each([true, false])('IpEasyDatagramSocket, module reads single datagrams: %s', (udpInfo) => {
  it('keeps message borders both ways', async () => {
    let peer: Peer | undefined;
    const { clock, module, ipEasy, until } = setUp({
      module: {
        udpInfo,
        onConnect: (connected) => {
          peer = connected;
        },
      },
    });
    const socket = await clock.run(ipEasy.connect({ host: '192.0.2.1', port: 53, transport: 'udp', localPort: 5353 }));
    expect(module.lines).toContain('AT#SD=1,1,53,"192.0.2.1",0,5353,1');
    const messages: [string, RemoteInfo][] = [];
    socket.on('message', (message, remote) => messages.push([message.toString(), remote]));
    const sizes: number[] = [];
    if (peer !== undefined) peer.onReceived = (bytes) => void sizes.push(bytes.length);
    const sent = [socket.send('one'), socket.send(['t', 'wo!']), socket.send(Buffer.alloc(1020))];
    await clock.run(Promise.all(sent));
    expect(sizes).toEqual([3, 4, 1020]);
    const words = Array.from({ length: 40 }, (_, index) => 'x'.repeat((index * 37) % 200 || 1));
    for (const word of words) peer?.send(word);
    await until(() => messages.length >= words.length);
    expect(messages.map(([text]) => text)).toEqual(words);
    expect(messages[0]?.[1]).toEqual({ address: '192.0.2.1', port: 53, family: 'IPv4', size: 1 });
    await expect(socket.send(Buffer.alloc(1501))).rejects.toMatchObject({ code: 'ERR_IPEASY_DATAGRAM_SIZE' });
    await expect(socket.send('')).rejects.toMatchObject({ code: 'ERR_IPEASY_DATAGRAM_SIZE' });
    let isClosed = false;
    socket.close(() => (isClosed = true));
    await until(() => isClosed && peer?.isClosedByModule === true);
    expect(ipEasy.sockets).toHaveLength(0);
  });

  it('sends a piece of a buffer and calls back, as dgram does', async () => {
    let peer: Peer | undefined;
    const { clock, ipEasy } = setUp({
      module: {
        udpInfo,
        onConnect: (connected) => {
          peer = connected;
        },
      },
    });
    const socket = await clock.run(ipEasy.connect({ host: '192.0.2.1', port: 53, transport: 'udp' }));
    const told: unknown[] = [];
    const note = (error: Error | null): void =>
      void told.push(error === null ? null : (error as { code?: string }).code);
    const buffer = Buffer.from('0123456789');
    await clock.run(socket.send(buffer, 2, 3, note));
    await clock.run(socket.send('abc', note));
    await clock.run(socket.send(buffer, 8, 3, note));
    await clock.run(socket.send(buffer, 11, 0, note));
    await clock.run(socket.send(buffer, 3, 0, note));
    expect(told).toEqual([null, null, 'ERR_OPTION_RANGE', 'ERR_OPTION_RANGE', 'ERR_IPEASY_DATAGRAM_SIZE']);
    expect(Buffer.from(peer?.received ?? []).toString()).toBe('234abc');
    await expect(socket.send(buffer, -1, 2)).rejects.toMatchObject({ code: 'ERR_OPTION_RANGE' });
    socket.close();
    await clock.run(socket.send('late', note));
    expect(told.at(-1)).toBe('ERR_IPEASY_CLOSED');
  });

  it('queues so much and no more, and tells everyone whose datagram did not go out', async () => {
    const { clock, module, ipEasy } = setUp({ module: { udpInfo } });
    const socket = await clock.run(ipEasy.connect({ host: '192.0.2.1', port: 53, transport: 'udp' }));
    module.mute();
    const outcomes = Array.from({ length: 257 }, () =>
      socket.send(Buffer.alloc(1000)).then(
        () => 'sent',
        (error: unknown) => (error as { code: string }).code,
      ),
    );
    expect(await clock.run(outcomes[256] as Promise<string>)).toBe('ERR_IPEASY_QUEUE_FULL');
    expect([socket.getSendQueueCount(), socket.getSendQueueSize()]).toEqual([256, 256_000]);
    socket.close();
    expect(new Set(await clock.run(Promise.all(outcomes.slice(1, 256)), 400_000))).toEqual(
      new Set(['ERR_IPEASY_CLOSED']),
    );
    expect(await clock.run(outcomes[0] as Promise<string>, 400_000)).toMatch(/^ERR_IPEASY_/);
    expect(socket.getSendQueueCount()).toBe(0);
  });

  it('leaves in the module what a paused socket does not want', async () => {
    let peer: Peer | undefined;
    const { clock, module, ipEasy, until } = setUp({
      module: {
        udpInfo,
        onConnect: (connected) => {
          peer = connected;
        },
      },
    });
    const socket = await clock.run(ipEasy.connect({ host: '192.0.2.1', port: 53, transport: 'udp' }));
    const got: string[] = [];
    socket.on('message', (message) => got.push(message.toString()));
    socket.pause();
    for (const word of ['one', 'three', 'fourteen']) peer?.send(word);
    await clock.advance(60_000);
    expect(got).toEqual([]);
    expect(module.count('AT#SRECV=1')).toBe(0);
    socket.resume();
    await until(() => got.length === 3);
    expect(got).toEqual(['one', 'three', 'fourteen']);
  });

  it('serves peers that come by themselves', async () => {
    const { clock, module, ipEasy, until } = setUp({ module: { udpInfo } });
    const sockets: IpEasyDatagramSocket[] = [];
    const server = ipEasy.createDatagramServer({}, (socket) => {
      sockets.push(socket);
      socket.on('message', (message) => void socket.send(`re: ${message.toString()}`));
    });
    await clock.run(ipEasy.prepare());
    server.listen(5000);
    await until(() => server.listening);
    const peer = module.knock(5000);
    peer?.send('ping');
    await until(() => (peer?.received.length ?? 0) > 0);
    expect(Buffer.from(peer?.received ?? []).toString()).toBe('re: ping');
    expect(module.lines).toContain('AT#SLUDP=1,1,5000');
  });
});
