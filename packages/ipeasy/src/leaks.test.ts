import { getEventListeners } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { ScriptedFtp } from '../test/scripted-ftp.ts';
import { setUp } from '../test/set-up.ts';
import type { Peer } from '../test/scripted-module.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** The same stream, and how many subscribe to it. */
function counted<T>(source: Observable<T>): { readonly stream: Observable<T>; readonly count: () => number } {
  let count = 0;
  const stream = new Observable<T>((subscriber) => {
    count++;
    const subscription = source.subscribe(subscriber);
    return () => {
      count--;
      subscription.unsubscribe();
    };
  });
  return { stream, count: () => count };
}

describe('nothing is left behind', () => {
  it('by sockets that have closed: however they did, nobody holds them', async () => {
    const peers: Peer[] = [];
    const { clock, module, ipEasy, until } = setUp({ module: { onConnect: (peer) => void peers.push(peer) } });
    const gone: WeakRef<object>[] = [];
    const use = async (round: number): Promise<void> => {
      const socket = await clock.run(
        ipEasy.connect({ host: 'a.example', port: 1, mode: round % 4 === 3 ? 'online' : 'command' }),
      );
      gone.push(new WeakRef(socket));
      socket.on('error', () => undefined).resume();
      socket.setTimeout(1000);
      socket.write('hello');
      await clock.advance(200);
      const peer = peers.at(-1);
      if (round % 4 === 0) peer?.end();
      else if (round % 4 === 1) socket.destroy();
      else if (round % 4 === 2) socket.destroy(new Error('enough'));
      else socket.end();
      await until(() => socket.destroyed);
      await clock.advance(5000);
    };
    for (let round = 0; round < 40; round++) await use(round);
    peers.length = 0;
    module.peers.clear();
    expect(ipEasy.sockets).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
    for (let attempt = 0; attempt < 10 && gone.some((socket) => socket.deref() !== undefined); attempt++) {
      await new Promise((resolve) => setImmediate(resolve));
      collectGarbage();
    }
    // The last one may still stand in a register or on the stack.
    expect(gone.filter((socket) => socket.deref() !== undefined).length).toBeLessThanOrEqual(2);
  });

  it('by signals: who has finished listens to none', async () => {
    const ftp = new ScriptedFtp();
    const { clock, module, ipEasy, until } = setUp({ module: { more: ftp.commands } });
    const { signal } = new AbortController();
    await clock.run(ipEasy.prepare({ signal }));
    await clock.run(ipEasy.defineContext({ cid: 1, apn: 'a' }, { signal }));
    await clock.run(ipEasy.activate({ cid: 1 }, { signal }));
    await clock.run(ipEasy.status({ signal }));
    await clock.run(ipEasy.info({ signal }));
    await clock.run(ipEasy.settings({ signal }));
    await clock.run(ipEasy.contexts({ signal }));
    await clock.run(ipEasy.firewall.allow('1.2.3.4', '255.255.255.255', { signal }));
    const socket = await clock.run(ipEasy.connect({ host: 'a.example', port: 1, signal }));
    const datagrams = await clock.run(ipEasy.connect({ host: 'a.example', port: 1, transport: 'udp', signal }));
    const server = await clock.run(ipEasy.listen({ port: 80, signal }));
    await expect(clock.run(ipEasy.listen({ port: 80, signal }))).rejects.toMatchObject({
      code: 'ERR_IPEASY_ALREADY_LISTENING',
    });
    const session = await clock.run(ipEasy.ftp({ host: 'ftp.example', user: 'user', password: 'pass', signal }));
    ftp.files.set('a', Buffer.alloc(5000));
    const download = session.get('a', { signal });
    let isOver = false;
    download.on('close', () => (isOver = true)).resume();
    await until(() => isOver);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    socket.destroy();
    datagrams.close();
    server.close();
    await clock.run(ipEasy.close());
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(module.listeners.size).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  it('by the library: no subscription, no timer, no stream that does not end; the AT port is as it was', async () => {
    const ends: string[] = [];
    const { clock, module, at, ipEasy: unused } = setUp();
    await clock.run(unused.close());
    const [urcs, calls] = [counted(at.urcs$), counted(at.incomingCalls$)];
    Object.defineProperty(at, 'urcs$', { value: urcs.stream });
    Object.defineProperty(at, 'incomingCalls$', { value: calls.stream });
    const { IpEasy } = await import('./ip-easy.ts');
    for (let round = 0; round < 3; round++) {
      const ipEasy = new IpEasy([at], { clock });
      expect(urcs.count()).toBe(1);
      for (const name of ['events$', 'sockets$', 'ports$'] as const) {
        (ipEasy[name] as Observable<unknown>).subscribe({ complete: () => ends.push(name) });
      }
      await clock.run(ipEasy.connect({ host: 'a.example', port: 1 }));
      await clock.run(ipEasy.listen({ port: 80, automatic: true }));
      expect(calls.count()).toBe(1);
      // Also what has not come about yet.
      const waiting = ipEasy.connect({ host: 'a.example', port: 2 }).catch((error: unknown) => error);
      const closing = ipEasy.close();
      expect(ipEasy.close()).toBe(closing);
      await clock.run(closing, 400_000);
      expect(await clock.run(waiting)).toMatchObject({ code: 'ERR_IPEASY_CLOSED' });
      expect([urcs.count(), calls.count(), clock.pendingTimers]).toEqual([0, 0, 0]);
      await expect(ipEasy.connect({ host: 'a.example', port: 1 })).rejects.toMatchObject({ code: 'ERR_IPEASY_CLOSED' });
      await expect(ipEasy.status()).rejects.toMatchObject({ code: 'ERR_IPEASY_CLOSED' });
    }
    expect(ends.sort()).toEqual([
      'events$',
      'events$',
      'events$',
      'ports$',
      'ports$',
      'ports$',
      'sockets$',
      'sockets$',
      'sockets$',
    ]);
    expect([module.peers.size, module.listeners.size]).toEqual([0, 0]);
    expect((await clock.run(at.command('AT#SS'))).lines).toHaveLength(6);
  });
});
