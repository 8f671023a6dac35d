import { latin1 } from '@cellmux/port';
import { createServer, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NetworkPeer } from './testing/network-peer.ts';
import { dialNetwork } from './testing/network-peer.ts';
import { scriptedModule, type ScriptedHost, type ScriptedModule } from './testing/scripted-host.ts';

let module: ScriptedModule;
let host: ScriptedHost;
let port: number;
let peers: NetworkPeer[];

/** A number that no socket of the machine has now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: free } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return free;
}

async function dial(localAddress?: string): Promise<NetworkPeer> {
  const peer = await dialNetwork(port, localAddress);
  peers.push(peer);
  return peer;
}

/** The kernel says yes before the module can say no: the peer sees a reset, during the call or right behind it. */
async function expectRefusal(localAddress?: string): Promise<void> {
  const peer = await dial(localAddress).catch(() => undefined);
  await host.until(() => peer?.closed !== false);
}

beforeEach(async () => {
  peers = [];
  port = await freePort();
  module = scriptedModule({ peerAddresses: { '127.0.0.7': '197.158.200.7' }, listenPorts: { 6543: port } });
  host = module.host();
  await host.run('#SGACT', 1, 1);
});
afterEach(async () => {
  for (const { socket } of peers) socket.destroy();
  await module.table.closeAll();
});

const acceptAll = (): Promise<string> => host.run('#FRWL', 1, '0.0.0.0', '0.0.0.0');

describe('the firewall', () => {
  it('lets nobody in without a rule', async () => {
    expect(await host.run('#SL', 2, 1, 6543)).toBe('\r\nOK\r\n');
    await expectRefusal();
    expect(host.text).not.toContain('SRING');
    expect(await host.run('#SS', 2)).toBe('\r\n#SS: 2,4,10.64.0.1,6543\r\n\r\nOK\r\n');
  });

  it('asks the address that the peer shows', async () => {
    await host.run('#FRWL', 1, '197.158.1.1', '255.255.0.0');
    expect(await host.read('#FRWL')).toBe('\r\n#FRWL: 197.158.1.1,255.255.0.0\r\n\r\nOK\r\n');
    await host.run('#SL', 2, 1, 6543);
    await expectRefusal('127.0.0.8');
    expect(host.text).not.toContain('SRING');
    const { socket } = await dial('127.0.0.7');
    await host.until(() => host.text.endsWith('\r\nSRING: 2\r\n'));
    expect(await host.run('#SS', 2)).toContain(`#SS: 2,5,10.64.0.1,6543,197.158.200.7,${socket.localPort}\r\n`);
  });
});

describe('#SL', () => {
  beforeEach(acceptAll);

  it('needs the context, a free connId and a free port', async () => {
    expect(await host.run('#SL', 5, 1, 6543)).toBe('\r\n+CME ERROR: 556\r\n');
    await host.run('#SL', 2, 1, 6543);
    expect(await host.run('#SL', 3, 1, 6543)).toBe('\r\n+CME ERROR: 564\r\n');
    expect(await host.run('#SL', 2, 1, 1111)).toBe('\r\n+CME ERROR: 564\r\n');
    expect(await host.read('#SL')).toBe('\r\n#SL: 2,6543,0\r\n\r\nOK\r\n');
    expect(await host.run('#SL', 2, 0)).toBe('\r\nOK\r\n');
    expect(await host.run('#SL', 3, 1, 6543)).toBe('\r\nOK\r\n');
  });

  it('says so when the machine has the port no more', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
    expect(await host.run('#SL', 2, 1, 6543)).toBe('\r\n+CME ERROR: 557\r\n');
    expect(await host.run('#SS', 2)).toContain('#SS: 2,0\r\n');
    await new Promise((resolve) => other.close(resolve));
  });

  it('rings, and #SA goes online with what the peer has said already', async () => {
    await host.run('#SL', 2, 1, 6543);
    const peer = await dial();
    peer.send('early');
    await host.until(() => host.text.endsWith('\r\nSRING: 2\r\n'));
    const phase = await host.online('#SA', 2, 0);
    await host.until(() => phase.heard.length === 5);
    await phase.type(latin1('answer'));
    phase.leave();
    await host.until(() => peer.text === 'answer');
    expect(await host.run('#SH', 2)).toBe('\r\nOK\r\n');
    await host.until(() => peer.ended);
    expect(await host.run('#SS', 2)).toContain('#SS: 2,0\r\n');
    // The listener ended with #SA: nobody answers there any more.
    await expect(dial()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('stays in command mode with #SA=,1, and says at once what is there', async () => {
    await host.run('#SCFGEXT', 2, 1, 0, 0);
    await host.run('#SL', 2, 1, 6543);
    const peer = await dial();
    peer.send('x'.repeat(86));
    await host.until(() => host.text.includes('SRING: 2') && module.table.socket(2).connection.buffer.length === 86);
    expect(await host.run('#SA', 2, 1)).toBe('\r\nOK\r\n');
    await host.until(() => host.text.endsWith('\r\nOK\r\n\r\nSRING: 2,86\r\n'));
  });

  it('takes one at a time, and goes on when the one that waits leaves', async () => {
    await host.run('#SL', 2, 1, 6543);
    const first = await dial();
    await host.until(() => host.text.endsWith('SRING: 2\r\n'));
    await expectRefusal();
    first.socket.destroy();
    await host.until(() => module.table.socket(2).state === 'listening');
    await dial();
    await host.until(() => (host.text.match(/SRING: 2/g) ?? []).length === 2);
  });

  it('ends the listener with the connection that is refused', async () => {
    await host.run('#SL', 2, 1, 6543);
    const peer = await dial();
    await host.until(() => host.text.endsWith('SRING: 2\r\n'));
    expect(await host.run('#SH', 2)).toBe('\r\nOK\r\n');
    await host.until(() => peer.closed);
    expect(await host.run('#SS', 2)).toContain('#SS: 2,0\r\n');
    expect(await host.run('#SA', 2, 0)).toBe('\r\n+CME ERROR: 551\r\n');
  });

  it('accepts by itself when it is told to, as soon as the port is free', async () => {
    await host.run('#SCFGEXT', 2, 0, 0, 0, 1);
    await host.run('#SL', 2, 1, 6543);
    const peer = await dial();
    await host.until(() => host.phase !== undefined);
    expect(host.text).toContain('\r\nCONNECT\r\n');
    expect(host.text).not.toContain('SRING');
    peer.send('ping');
    await host.until(() => host.phase?.heard.length === 4);
    peer.socket.end();
    await host.until(() => host.text.endsWith('\r\nNO CARRIER\r\n'));
  });

  it('is aborted with its context', async () => {
    await host.run('#SL', 2, 1, 6543);
    module.table.contextLost(1);
    await host.until(() => host.text.endsWith('\r\n#SL: ABORTED\r\n'));
    await expect(dial()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('does not pile up rings behind a port that is busy', async () => {
    await host.run('#SL', 2, 1, 6543);
    await host.run('#SCFG', 1, 1, 300, 0, 600, 50);
    const server = createServer((socket) => socket.on('error', () => undefined));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const phase = await host.online('#SD', 1, 0, (server.address() as AddressInfo).port, '127.0.0.1');
    for (let round = 0; round < 5; round++) {
      const peer = await dial();
      await host.until(() => module.table.socket(2).state === 'incoming');
      peer.socket.destroy();
      await host.until(() => module.table.socket(2).state === 'listening');
    }
    await dial();
    await host.until(() => module.table.socket(2).state === 'incoming');
    phase.leave();
    await host.until(() => host.text.endsWith('SRING: 2\r\n'));
    expect(host.text.match(/SRING/g)).toHaveLength(1);
    server.close();
  });
});
