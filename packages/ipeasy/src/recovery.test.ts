import { describe, expect, it } from 'vitest';
import { setUp } from '../test/set-up.ts';
import type { Peer } from '../test/scripted-module.ts';
import type { IpEasyEvent } from './ip-easy-event.ts';
import type { IpEasySocket } from './ip-easy-socket.ts';

function watch(ipEasy: ReturnType<typeof setUp>['ipEasy']): IpEasyEvent[] {
  const events: IpEasyEvent[] = [];
  ipEasy.events$.subscribe((event) => events.push(event));
  return events;
}

describe('what happens to sockets when something is lost', () => {
  it('tells a lost context from a peer that closed, and works again', async () => {
    const { clock, module, ipEasy, until } = setUp();
    const events = watch(ipEasy);
    const errors: unknown[] = [];
    const sockets = [
      await clock.run(ipEasy.connect({ host: 'a.example', port: 1 })),
      await clock.run(ipEasy.connect({ host: 'b.example', port: 2 })),
    ];
    for (const socket of sockets) socket.on('error', (error) => errors.push(error)).resume();
    module.loseContext(1);
    await until(() => errors.length === 2);
    for (const error of errors) expect(error).toMatchObject({ code: 'ERR_IPEASY_CONTEXT_LOST', context: { cid: 1 } });
    expect(events.map(({ type }) => type)).toContain('contextLost');
    await expect(clock.run(ipEasy.connect({ host: 'a.example', port: 1 }))).rejects.toMatchObject({
      code: 'ERR_IPEASY_CONTEXT_NOT_ACTIVE',
    });
    await clock.run(ipEasy.activate({ cid: 1 }));
    const again = await clock.run(ipEasy.connect({ host: 'a.example', port: 1 }));
    expect(again.readyState).toBe('open');
  });

  it('finds out with one question which of six has died, and leaves the others alone', async () => {
    const peers: Peer[] = [];
    const { clock, module, ipEasy, until } = setUp({ module: { onConnect: (peer) => void peers.push(peer) } });
    const sockets: IpEasySocket[] = [];
    for (let index = 0; index < 6; index++) {
      sockets.push(await clock.run(ipEasy.connect({ host: 'a.example', port: index + 1 })));
    }
    for (const socket of sockets) socket.resume();
    const asked = (): string[] => module.lines.filter((line) => line === 'AT#SS' || line.startsWith('AT#SS='));
    const before = asked().length;
    peers[3]?.end();
    await until(() => sockets[3]?.destroyed === true);
    expect(sockets.map((socket) => socket.destroyed)).toEqual([false, false, false, true, false, false]);
    expect(asked().slice(before)).toEqual(['AT#SS']);
    // Two at the same moment, one of them with data that nobody has read.
    sockets[1]?.pause();
    peers[1]?.send('last words');
    peers[1]?.end();
    peers[5]?.end();
    await until(() => sockets[5]?.destroyed === true);
    expect(sockets[1]?.destroyed).toBe(false);
    const last: Buffer[] = [];
    sockets[1]?.on('data', (chunk: Buffer) => last.push(chunk)).resume();
    await until(() => sockets[1]?.destroyed === true);
    expect(Buffer.concat(last).toString()).toBe('last words');
    expect(sockets.map((socket) => socket.destroyed)).toEqual([false, true, false, true, false, true]);
    // The connIds of the dead are free again, those of the living are not.
    const again: IpEasySocket[] = [];
    for (let index = 0; index < 3; index++) {
      again.push(await clock.run(ipEasy.connect({ host: 'a.example', port: 9, whenFull: 'fail' })));
    }
    expect(again.map(({ connId }) => connId).sort()).toEqual([2, 4, 6]);
    await expect(clock.run(ipEasy.connect({ host: 'a.example', port: 9, whenFull: 'fail' }))).rejects.toMatchObject({
      code: 'ERR_IPEASY_NO_FREE_SOCKET',
    });
  });

  it('closes a connId that the module still has in use, because the command to close it was lost', async () => {
    const { clock, module, ipEasy } = setUp({
      module: { refuse: (line) => (line === 'AT#SH=1' && module.count('AT#SH=1') === 1 ? 100 : undefined) },
    });
    const first = await clock.run(ipEasy.connect({ host: 'a.example', port: 1 }));
    first.destroy();
    await clock.advance(1000);
    expect(module.peers.size).toBe(1);
    for (let index = 0; index < 6; index++) {
      expect((await clock.run(ipEasy.connect({ host: 'a.example', port: 2 }))).readyState).toBe('open');
    }
    expect(module.lines.filter((line) => line.startsWith('AT#SH='))).toEqual(['AT#SH=1', 'AT#SH=1']);
  });

  it('ends an online stream with the same error', async () => {
    const { clock, module, ipEasy, until } = setUp({
      module: {
        onConnect: (peer) => {
          connected = peer;
        },
      },
    });
    let connected: Peer | undefined;
    const socket = await clock.run(ipEasy.connect({ host: 'a.example', port: 1, mode: 'online' }));
    let error: unknown;
    socket.on('error', (reason) => (error = reason)).resume();
    module.activeCids.clear();
    connected?.end();
    await until(() => socket.destroyed);
    expect(error).toMatchObject({ code: 'ERR_IPEASY_CONTEXT_LOST' });
  });

  it('notices a reset by what the module says then, and prepares it again', async () => {
    const { clock, module, ipEasy, until } = setUp();
    const events = watch(ipEasy);
    const socket = await clock.run(ipEasy.connect({ host: 'a.example', port: 1 }));
    let error: unknown;
    socket.on('error', (reason) => (error = reason)).resume();
    module.reset();
    socket.write('x');
    await until(() => socket.destroyed);
    expect(error).toMatchObject({ code: 'ERR_IPEASY_MODULE_RESET' });
    expect(events.map(({ type }) => type)).toContain('moduleReset');
    await clock.run(ipEasy.activate({ cid: 1 }));
    expect((await clock.run(ipEasy.connect({ host: 'a.example', port: 1 }))).readyState).toBe('open');
  });

  it('notices a reset while everything was quiet', async () => {
    const { clock, module, ipEasy, until } = setUp();
    const events = watch(ipEasy);
    const socket = await clock.run(ipEasy.connect({ host: 'a.example', port: 1 }));
    let error: unknown;
    socket.on('error', (reason) => (error = reason)).resume();
    module.reset();
    await until(() => socket.destroyed, 60_000);
    expect(error).toMatchObject({ code: 'ERR_IPEASY_MODULE_RESET' });
    expect(events.map(({ type }) => type)).toContain('moduleReset');
    // Prepared again by itself.
    await clock.run(ipEasy.activate({ cid: 1 }));
    expect(module.cmee).toBe(1);
    expect((await clock.run(ipEasy.connect({ host: 'a.example', port: 1 }))).readyState).toBe('open');
  });

  it('finds data whose announcement was lost', async () => {
    let peer: Peer | undefined;
    const { clock, ipEasy, until } = setUp({
      module: {
        onConnect: (connected) => {
          peer = connected;
        },
      },
    });
    const socket = await clock.run(ipEasy.connect({ host: 'a.example', port: 1 }));
    const got: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => got.push(chunk));
    if (peer !== undefined) peer.buffer = new Uint8Array([1, 2, 3]);
    await until(() => got.length > 0, 60_000);
    expect(Buffer.concat(got)).toEqual(Buffer.from([1, 2, 3]));
  });

  it('asks nothing while no socket is open', async () => {
    const { clock, module, ipEasy } = setUp();
    await clock.run(ipEasy.prepare());
    const before = module.lines.length;
    await clock.advance(600_000);
    expect(module.lines.length).toBe(before);
    expect(clock.pendingTimers).toBe(0);
  });

  it('does not wait longer than the module takes when it is mute, and says so', async () => {
    const { clock, module, ipEasy, until } = setUp();
    const socket = await clock.run(ipEasy.connect({ host: 'a.example', port: 1 }));
    let error: unknown;
    socket.on('error', (reason) => (error = reason)).resume();
    module.mute();
    socket.write('x');
    await until(() => socket.destroyed, 400_000);
    expect(error).toMatchObject({ code: 'ERR_IPEASY_TIMEOUT' });
  });
});
