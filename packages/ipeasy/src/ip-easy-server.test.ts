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
    expect(ipEasy.sockets).toEqual(sockets);
  });

  it('hands out streams with a port of their own, and whom it cannot serve yet waits', async () => {
    const { clock, module, ipEasy, until } = setUp();
    const sockets: IpEasySocket[] = [];
    await clock.run(
      ipEasy.listen({ port: 80, mode: 'online' }, (socket) => {
        sockets.push(socket);
        expect(socket.mode).toBe('online');
        socket.on('data', (chunk: Buffer) => socket.write(chunk.toString().toUpperCase()));
      }),
    );
    const first = module.knock(80);
    first?.send('hello');
    await until(() => (first?.received.length ?? 0) === 5);
    expect(Buffer.from(first?.received ?? []).toString()).toBe('HELLO');
    expect(module.lines.filter((line) => /^AT#S(A|RECV|SEND)/.test(line) && !line.includes('?'))).toEqual(['AT#SA=1']);
    first?.end();
    await until(() => [...module.listeners.values()].some(({ port }) => port === 80));
    const second = module.knock(80);
    second?.send('again');
    await until(() => (second?.received.length ?? 0) === 5);
    expect(sockets).toHaveLength(2);
    expect(sockets[0]?.destroyed).toBe(true);
  });

  it('says at once when no port may go online', async () => {
    const { clock, ipEasy } = setUp({ ipEasy: { maxOnlinePorts: 0 } });
    for (const how of [{ mode: 'online' }, { automatic: true }] as const) {
      await expect(clock.run(ipEasy.listen({ port: 80, ...how }))).rejects.toMatchObject({
        code: 'ERR_IPEASY_NO_ONLINE_PORT',
      });
    }
    expect((await clock.run(ipEasy.connect({ host: 'a.example', port: 1 }))).connId).toBe(1);
  });

  it('lets the module accept by itself, and gives it no command that could become data', async () => {
    const { clock, module, ipEasy, until } = setUp();
    const sockets: IpEasySocket[] = [];
    const warnings: unknown[] = [];
    ipEasy.events$.subscribe((event) => {
      if (event.type === 'warning') warnings.push(event.code);
    });
    const server = await clock.run(
      ipEasy.listen({ port: 80, automatic: true }, (socket) => {
        sockets.push(socket);
        socket.on('data', (chunk: Buffer) => socket.write(chunk.toString().toUpperCase()));
      }),
    );
    const before = module.lines.length;
    expect(module.lines.slice(-3)).toEqual(['AT#FRWL?', 'AT#SCFGEXT=1,1,0,0,1', 'AT#SL=1,1,80']);
    expect(warnings).toEqual(['WARN_IPEASY_NO_FIREWALL_RULE']);
    const connecting = ipEasy.connect({ host: 'a.example', port: 1 });
    let connected: IpEasySocket | undefined;
    void connecting.then((socket) => (connected = socket));
    await clock.advance(300_000);
    expect(module.lines.length).toBe(before);
    const peer = module.knock(80);
    peer?.send('hello');
    await until(() => (peer?.received.length ?? 0) === 5);
    expect(Buffer.from(peer?.received ?? []).toString()).toBe('HELLO');
    expect(sockets[0]?.mode).toBe('online');
    expect(module.lines.length).toBe(before);
    await clock.run(sockets[0]?.goToCommandMode() as Promise<void>);
    peer?.end();
    await until(() => sockets[0]?.destroyed === true && connected !== undefined);
    // Listening again: on the same port, which is kept again.
    await until(() => [...module.listeners.values()].some(({ port }) => port === 80));
    const again = module.knock(80);
    again?.send('again');
    await until(() => (again?.received.length ?? 0) === 5);
    sockets[1]?.destroy();
    await until(() => [...module.listeners.values()].some(({ port }) => port === 80));
    await clock.run(server[Symbol.asyncDispose]());
    expect(module.listeners.size).toBe(0);
    // The port is everybody's again, and a connId that accepted by itself does so no more.
    const connIds = module.lines.filter((line) => /^AT#SCFGEXT=\d,1,0,0,1$/.test(line)).map((line) => line[11]);
    const asked: unknown[] = [];
    for (let index = 0; index < 6; index++) {
      await clock
        .run(ipEasy.listen({ port: 100 + index, accept: () => Boolean(asked.push(index)), whenFull: 'fail' }))
        .catch((error: unknown) => expect(error).toMatchObject({ code: 'ERR_IPEASY_NO_FREE_SOCKET' }));
    }
    for (const connId of connIds) expect(module.scfgext.get(Number(connId))).toBe(`${connId},1,0,0,0`);
    connected?.destroy();
  });

  it('refuses options that contradict each other', () => {
    const { ipEasy } = setUp();
    const range = expect.objectContaining({ code: 'ERR_OPTION_RANGE' }) as Error;
    expect(() => ipEasy.createServer({ automatic: true, accept: () => true })).toThrow(range);
    expect(() => ipEasy.createServer({ automatic: true, mode: 'command' })).toThrow(range);
    expect(() => ipEasy.createServer({ mode: 'other' as 'online' })).toThrow(range);
    expect(() => ipEasy.createDatagramServer({ mode: 'online' })).toThrow(range);
    expect(() => ipEasy.createDatagramServer({ automatic: true })).toThrow(range);
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
