import { latin1 } from '@cellmux/port';
import { settle, VirtualClock } from '@cellmux/port/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NetworkServer } from './testing/network-peer.ts';
import { scriptedModule, type ScriptedHost, type ScriptedModule } from './testing/scripted-host.ts';

let clock: VirtualClock;
let network: NetworkServer;
let module: ScriptedModule;
let host: ScriptedHost;

beforeEach(async () => {
  clock = new VirtualClock();
  network = await NetworkServer.listen();
  module = scriptedModule({ clock, hosts: { peer: `127.0.0.1:${network.port}` } });
  host = module.host();
  await host.run('#SGACT', 1, 1);
});
afterEach(async () => {
  await module.table.closeAll();
  network.close();
  expect(clock.pendingTimers).toBe(0);
});

const stateOf = (connId: number): string => module.table.socket(connId).state;

describe('<txTo>', () => {
  it('sends what is short of a packet five seconds after its first byte', async () => {
    const phase = await host.online('#SD', 1, 0, 80, 'peer');
    await phase.type(latin1('GET'));
    await clock.advance(3000);
    await phase.type(latin1(' /'));
    await clock.advance(1999);
    await settle();
    expect(network.peer.text).toBe('');
    await clock.advance(1);
    await host.until(() => network.peer.text === 'GET /');
  });

  it('counts from the last byte where the module is told so', async () => {
    const later = scriptedModule({ clock, hosts: { peer: `127.0.0.1:${network.port}` }, txTimerFrom: 'last' });
    const other = later.host();
    await other.run('#SGACT', 1, 1);
    const phase = await other.online('#SD', 1, 0, 80, 'peer');
    await phase.type(latin1('GET'));
    await clock.advance(3000);
    await phase.type(latin1(' /'));
    await clock.advance(4999);
    await settle();
    expect(network.peer.text).toBe('');
    await clock.advance(1);
    await host.until(() => network.peer.text === 'GET /');
    await later.table.closeAll();
  });

  it('0 waits for ever, #PADFWD does not', async () => {
    await host.run('#SCFG', 1, 1, 300, 0, 600, 0);
    await host.run('#PADFWD', 10);
    await host.run('#PADCMD', 1);
    const phase = await host.online('#SD', 1, 0, 80, 'peer');
    await phase.type(latin1('abc'));
    await clock.advance(1_000_000);
    await settle();
    expect(network.peer.text).toBe('');
    await phase.type(latin1('d\nef'));
    await host.until(() => network.peer.text === 'abcd\n');
  });
});

describe('<maxTo>', () => {
  it('closes an online socket on which nothing moves, and flushes what was typed', async () => {
    await host.run('#SCFG', 1, 1, 300, 5, 600, 0);
    const phase = await host.online('#SD', 1, 0, 80, 'peer');
    await clock.advance(4000);
    await phase.type(latin1('typed'));
    // Gathered bytes are not moved bytes: the timer runs from the connection.
    await clock.advance(1000);
    await host.until(() => host.text.endsWith('\r\nNO CARRIER\r\n'));
    await host.until(() => network.peer.ended);
    expect(network.peer.text).toBe('typed');
    expect(stateOf(1)).toBe('closed');
  });

  it('starts again at every byte, and closes a suspended socket too', async () => {
    await host.run('#SCFG', 1, 1, 300, 5, 600, 50);
    await host.run('#SD', 1, 0, 80, 'peer', 0, 0, 1);
    await host.until(() => network.peers.length === 1);
    await clock.advance(4000);
    network.peer.send('x');
    await host.until(() => stateOf(1) === 'pending');
    await clock.advance(4999);
    expect(stateOf(1)).toBe('pending');
    await clock.advance(1);
    expect(stateOf(1)).toBe('closed');
    await host.until(() => host.text.endsWith('\r\nNO CARRIER\r\n'));
  });

  it('starts again at every packet online', async () => {
    await host.run('#SCFG', 1, 1, 1, 5, 600, 0);
    const phase = await host.online('#SD', 1, 0, 80, 'peer');
    for (let round = 0; round < 3; round++) {
      await clock.advance(4000);
      await phase.type(latin1('x'));
    }
    await clock.advance(4999);
    expect(stateOf(1)).toBe('online');
    await clock.advance(1);
    expect(stateOf(1)).toBe('closed');
  });

  it('0 is for ever', async () => {
    await host.run('#SCFG', 1, 1, 300, 0, 600, 50);
    await host.run('#SD', 1, 0, 80, 'peer', 0, 0, 1);
    await clock.advance(1e9);
    expect(stateOf(1)).toBe('suspended');
  });
});

describe('<connTo> and names', () => {
  it('gives up a name that nobody answers', async () => {
    const silent = scriptedModule({ clock });
    Object.assign(silent.services.resolver, { target: () => new Promise(() => undefined) });
    const other = silent.host();
    await other.run('#SGACT', 1, 1);
    const done = other.run('#SD', 1, 0, 80, 'slow.example');
    await clock.advance(20_000);
    expect(await done).toBe('\r\n+CME ERROR: 558\r\n');
  });

  it('can be given up from another port by #SH', async () => {
    Object.assign(module.services.resolver, { target: () => new Promise(() => undefined) });
    const done = host.run('#SD', 1, 0, 80, 'slow.example');
    await settle();
    expect(stateOf(1)).toBe('opening');
    const other = module.host(2);
    expect(await other.run('#SD', 1, 0, 80, 'peer')).toBe('\r\n+CME ERROR: 552\r\n');
    expect(await other.run('#SH', 1)).toBe('\r\nOK\r\n');
    expect(await done).toBe('\r\n+CME ERROR: 561\r\n');
    expect(stateOf(1)).toBe('closed');
  });
});

describe('contexts that are lost', () => {
  it('close online, suspended and pending sockets, and no others', async () => {
    await host.run('#SGACT', 2, 1);
    const second = module.host(2);
    await host.run('#SD', 2, 0, 80, 'peer', 0, 0, 1);
    await host.run('#SD', 4, 0, 80, 'peer', 0, 0, 1);
    const phase = await second.online('#SD', 3, 0, 80, 'peer');
    module.table.contextLost(1);
    await second.until(() => second.text.endsWith('\r\nNO CARRIER\r\n'));
    await host.until(() => host.text.endsWith('\r\nNO CARRIER\r\n'));
    expect(phase.isClosed).toBe(true);
    expect([2, 3, 4].map(stateOf)).toEqual(['closed', 'closed', 'suspended']);
    expect(await host.run('#SD', 2, 0, 80, 'peer')).toBe('\r\n+CME ERROR: 556\r\n');
  });

  it('are activated again where #SGACTCFG says so', async () => {
    const said: string[] = [];
    Object.assign(host.session.server, {
      urc: (text: string) => {
        said.push(text);
        return Promise.resolve();
      },
    });
    await host.run('#SGACTCFG', 1, 3, 180, 1);
    expect(await host.read('#SGACTCFG')).toContain('#SGACTCFG: 1,3,180,1\r\n');
    const { network: mobile } = module.services;
    const granted = { ...mobile };
    Object.assign(mobile, { activate: () => Promise.resolve({ cme: 555 }) });
    module.table.contextLost(1);
    await clock.advance(180_000);
    expect(module.table.contextActive(1)).toBe(false);
    Object.assign(mobile, granted);
    await clock.advance(180_000);
    expect(module.table.contextActive(1)).toBe(true);
    expect(said).toEqual(['#SGACT: 10.64.0.1']);
  });

  it('are given up after as many attempts as it says', async () => {
    await host.run('#SGACTCFG', 1, 2, 180, 1);
    let attempts = 0;
    Object.assign(module.services.network, {
      activate: () => {
        attempts++;
        return Promise.resolve({ cme: 555 });
      },
    });
    module.table.contextLost(1);
    await clock.advance(10_000_000);
    expect(attempts).toBe(2);
  });
});
