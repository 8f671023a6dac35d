import { describe, expect, it } from 'vitest';
import { setUp } from '../test/set-up.ts';
import type { IpEasySocket } from './ip-easy-socket.ts';

describe('IpEasyServer', () => {
  it('accepts a connection in command mode, serves it, and listens on', async () => {
    const { clock, module, ipEasy, until } = setUp();
    await clock.run(ipEasy.firewall.allow('0.0.0.0', '0.0.0.0'));
    const sockets: IpEasySocket[] = [];
    const warnings: unknown[] = [];
    const listening = ipEasy.listen({ port: 6543 }, (socket) => {
      sockets.push(socket);
      socket.on('data', (chunk: Buffer) => socket.write(chunk.toString().toUpperCase()));
    });
    const server = await clock.run(listening);
    server.on('warning', (warning) => warnings.push(warning));
    expect(server.address()).toEqual({ port: 6543, family: 'IPv4' });
    const first = module.knock(6543);
    first?.send('hello');
    await until(() => (first?.received.length ?? 0) === 5);
    expect(Buffer.from(first?.received ?? []).toString()).toBe('HELLO');
    expect(sockets[0]?.remoteAddress).toBe('198.51.100.9');
    await until(() => [...module.listeners.values()].some(({ port }) => port === 6543));
    const second = module.knock(6543);
    second?.send('again');
    await until(() => (second?.received.length ?? 0) === 5);
    expect(sockets).toHaveLength(2);
    expect(sockets[0]?.connId).not.toBe(sockets[1]?.connId);
    first?.end();
    second?.end();
    await until(() => sockets.every((socket) => socket.destroyed));
    let isClosed = false;
    server.close(() => (isClosed = true));
    await until(() => isClosed);
    expect(module.listeners.size).toBe(0);
    expect(warnings).toEqual([]);
  });

  it('warns when the firewall lets nobody in', async () => {
    const { clock, ipEasy, until } = setUp();
    const warnings: unknown[] = [];
    const server = ipEasy.createServer();
    server.on('warning', (warning) => warnings.push(warning));
    await clock.run(ipEasy.prepare());
    server.listen(7);
    await until(() => warnings.length === 1);
    expect(warnings[0]).toMatchObject({ code: 'WARN_IPEASY_NO_FIREWALL_RULE' });
    server.close();
  });

  it('refuses whom the callback refuses, and listens again', async () => {
    const { clock, module, ipEasy, until } = setUp();
    const asked: unknown[] = [];
    const sockets: IpEasySocket[] = [];
    const server = await clock.run(
      ipEasy.listen(
        {
          port: 80,
          accept: (incoming) => {
            asked.push(incoming);
            return asked.length > 1;
          },
        },
        (socket) => sockets.push(socket),
      ),
    );
    module.knock(80);
    await until(
      () => asked.length === 1 && [...module.listeners.values()].some(({ waiting }) => waiting === undefined),
    );
    expect(asked[0]).toMatchObject({ remoteAddress: '198.51.100.9', port: 80 });
    expect(sockets).toHaveLength(0);
    module.knock(80);
    await until(() => sockets.length === 1);
    await clock.run(ipEasy.close());
    expect(server.listening).toBe(false);
    expect(module.listeners.size).toBe(0);
  });

  it('goes on listening when who knocked has left', async () => {
    const { clock, module, ipEasy, until } = setUp();
    const sockets: IpEasySocket[] = [];
    await clock.run(ipEasy.listen({ port: 80 }, (socket) => sockets.push(socket)));
    const gone = module.knock(80);
    if (gone !== undefined) gone.hasEnded = true;
    await clock.advance(1000);
    for (const listener of module.listeners.values()) delete listener.waiting;
    module.knock(80);
    await until(() => sockets.length === 1);
    expect(sockets).toHaveLength(1);
  });

  it('fails with its code on a port that is taken', async () => {
    const { clock, ipEasy } = setUp();
    await clock.run(ipEasy.listen({ port: 80 }));
    await expect(clock.run(ipEasy.listen({ port: 80 }))).rejects.toMatchObject({
      code: 'ERR_IPEASY_ALREADY_LISTENING',
    });
  });

  it('ends with an error when its context goes', async () => {
    const { clock, module, ipEasy, until } = setUp();
    const server = await clock.run(ipEasy.listen({ port: 80 }));
    let error: unknown;
    server.on('error', (reason) => (error = reason));
    module.loseContext(1);
    await until(() => error !== undefined);
    expect(error).toMatchObject({ code: 'ERR_IPEASY_CONTEXT_LOST' });
  });

  it('refuses firewall rules that are no addresses', async () => {
    const { clock, module, ipEasy } = setUp();
    await expect(ipEasy.firewall.allow('1.2.3.4"')).rejects.toMatchObject({ code: 'ERR_IPEASY_FIREWALL_RULE' });
    await clock.run(ipEasy.firewall.allow('197.158.1.1', '255.255.0.0'));
    expect(await clock.run(ipEasy.firewall.rules())).toEqual([{ address: '197.158.1.1', mask: '255.255.0.0' }]);
    await clock.run(ipEasy.firewall.remove('197.158.1.1', '255.255.0.0'));
    expect(module.rules).toEqual([]);
  });
});
