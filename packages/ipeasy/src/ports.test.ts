import { AtClient } from '@cellmux/at';
import { memoryPair } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import { describe, expect, it } from 'vitest';
import { ScriptedModule, type Peer } from '../test/scripted-module.ts';
import { setUp } from '../test/set-up.ts';
import { IpEasy } from './ip-easy.ts';
import type { IpEasyOptions } from './ip-easy-options.ts';
import type { AtPortState } from './lanes.ts';

/** Two modules as if they were two ports of one: enough for what is told apart here. */
function twoPorts(options: IpEasyOptions = {}) {
  const clock = new VirtualClock();
  const peers: Peer[] = [];
  const clients = [1, 2].map(() => {
    const { dte, dce } = memoryPair();
    new ScriptedModule(dce, { clock, onConnect: (peer) => void peers.push(peer) });
    return new AtClient(dte, { clock });
  });
  const ipEasy = new IpEasy(clients, { clock, ...options });
  return { clock, ipEasy, peers };
}

describe('several AT ports', () => {
  it('share the sockets in command mode', async () => {
    const { clock, ipEasy } = twoPorts();
    const states: (readonly AtPortState[])[] = [];
    ipEasy.ports$.subscribe((now) => states.push(now));
    const opened: number[] = [];
    ipEasy.events$.subscribe((event) => {
      if (event.type === 'socketOpened') opened.push(event.portIndex);
    });
    for (let index = 0; index < 3; index++) await clock.run(ipEasy.connect({ host: 'example.org', port: 80 }));
    expect(opened).toEqual([0, 1, 0]);
    expect(states.at(-1)).toEqual([
      { index: 0, state: 'command', sockets: 2 },
      { index: 1, state: 'command', sockets: 1 },
    ]);
  });

  it('give a stream one that nobody uses, and wait where as many are online as may be', async () => {
    const { clock, ipEasy, peers } = twoPorts({ maxOnlinePorts: 1 });
    const shared = await clock.run(ipEasy.connect({ host: 'example.org', port: 80 }));
    const stream = await clock.run(ipEasy.connect({ host: 'example.org', port: 81, mode: 'online' }));
    expect([shared.mode, stream.mode]).toEqual(['command', 'online']);
    let second: unknown;
    const waiting = ipEasy
      .connect({ host: 'example.org', port: 82, mode: 'online' })
      .then((socket) => (second = socket));
    await clock.advance(60_000);
    expect(second).toBeUndefined();
    stream.resume();
    peers[1]?.end();
    await clock.run(waiting);
    expect(second).toMatchObject({ mode: 'online' });
  });

  it('refuse a stream where none may be online', async () => {
    const { clock, ipEasy } = twoPorts({ maxOnlinePorts: 0 });
    await expect(clock.run(ipEasy.connect({ host: 'example.org', port: 80, mode: 'online' }))).rejects.toMatchObject({
      code: 'ERR_IPEASY_NO_ONLINE_PORT',
    });
    expect((await clock.run(ipEasy.connect({ host: 'example.org', port: 80 }))).mode).toBe('command');
  });
});

describe('what the library tells of itself', () => {
  it('settings and contexts, typed', async () => {
    const { clock, ipEasy } = setUp();
    await clock.run(ipEasy.prepare());
    const { sockets, extended } = await clock.run(ipEasy.settings());
    expect(sockets[2]).toEqual({ connId: 3, cid: 1, pktSz: 1420, maxTo: 0, connTo: 600, txTo: 1 });
    expect(extended[2]).toMatchObject({ connId: 3, srMode: 1, recvDataMode: 0 });
    expect(await clock.run(ipEasy.contexts())).toEqual([{ cid: 1, isActive: true, address: '10.0.0.1' }]);
  });

  it('when sockets open and close, and by whom', async () => {
    const peers: Peer[] = [];
    const { clock, ipEasy, until } = setUp({ module: { onConnect: (peer) => void peers.push(peer) } });
    const told: unknown[] = [];
    ipEasy.events$.subscribe((event) => {
      if (event.type === 'socketClosed') told.push([event.connId, event.by]);
    });
    const byPeer = await clock.run(ipEasy.connect({ host: 'example.org', port: 80 }));
    byPeer.resume();
    peers[0]?.end();
    await until(() => byPeer.destroyed);
    (await clock.run(ipEasy.connect({ host: 'example.org', port: 80 }))).destroy();
    (await clock.run(ipEasy.connect({ host: 'example.org', port: 80, transport: 'udp' }))).close();
    await clock.advance(1000);
    expect(told).toEqual([
      [1, 'peer'],
      [2, 'here'],
      [3, 'here'],
    ]);
  });
});
