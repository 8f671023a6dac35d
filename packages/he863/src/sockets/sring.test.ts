import { latin1 } from '@cellmux/port';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NetworkServer } from './testing/network-peer.ts';
import { scriptedModule, type ScriptedHost, type ScriptedModule } from './testing/scripted-host.ts';

let network: NetworkServer;
let module: ScriptedModule;
let host: ScriptedHost;

beforeEach(async () => {
  network = await NetworkServer.listen();
  module = scriptedModule({ hosts: { peer: `127.0.0.1:${network.port}` } });
  host = module.host();
  await host.run('#SGACT', 1, 1);
});
afterEach(async () => {
  await module.table.closeAll();
  network.close();
});

async function open(srMode: number, recvDataMode = 0, sendDataMode = 0): Promise<void> {
  await host.run('#SCFGEXT', 1, srMode, recvDataMode, 0, 0, sendDataMode);
  await host.run('#SD', 1, 0, 80, 'peer', 0, 0, 1);
  await host.until(() => network.peers.length > 0);
  host.text = '';
}

async function arrive(text: string, total: number): Promise<void> {
  network.peer.send(text);
  await host.until(() => module.table.socket(1).connection.buffer.length === total);
}

describe('SRING', () => {
  it('mode 0 says it once, until the host reads', async () => {
    await open(0);
    await arrive('hello', 5);
    await arrive('hello', 10);
    await host.until(() => host.text !== '');
    expect(host.text).toBe('\r\nSRING: 1\r\n');
    await host.run('#SRECV', 1, 5);
    await host.until(() => host.text.endsWith('OK\r\n\r\nSRING: 1\r\n'));
  });

  it('mode 1 says each time how much is there', async () => {
    await open(1);
    await arrive('hello', 5);
    await arrive('hello', 10);
    await host.until(() => host.text.includes('10'));
    expect(host.text).toBe('\r\nSRING: 1,5\r\n\r\nSRING: 1,10\r\n');
    expect(await host.run('#SI', 1)).toContain('#SI: 1,0,0,10,0\r\n');
  });

  it('mode 2 shows all of it, 64 bytes a line', async () => {
    await open(2);
    network.peer.send('test'.repeat(17));
    const first = `\r\nSRING: 1,68,${'test'.repeat(16)}\r\n`;
    await host.until(() => host.text === `${first}\r\nSRING: 1,4,test\r\n`);
    expect(await host.run('#SRECV', 1, 10)).toBe('\r\n+CME ERROR: 555\r\n');
    expect(await host.run('#SI', 1)).toContain('#SI: 1,0,68,0,0\r\n');
    expect(await host.run('#SS', 1)).toContain('#SS: 1,2,');
  });

  it('shows the rest before NO CARRIER', async () => {
    await open(2);
    network.peer.socket.end('x'.repeat(150));
    await host.until(() => host.text.endsWith('NO CARRIER\r\n'));
    expect(host.text.match(/x/g)).toHaveLength(150);
  });

  it('mode 2 with hex shows two digits an octet; hex is sent the same way', async () => {
    await open(2, 1, 1);
    host.prompts.push(latin1('68656C6C6f'));
    expect(await host.run('#SSEND', 1)).toContain('OK');
    await host.until(() => network.peer.text === 'hello');
    network.peer.send('hello');
    await host.until(() => host.text.endsWith('\r\nSRING: 1,5,68656C6C6F\r\n'));
    host.prompts.push(latin1('6865F'));
    expect(await host.run('#SSEND', 1)).toContain('ERROR');
  });

  it('tells the port that used the connId last', async () => {
    await open(1);
    const other = module.host(2);
    const phase = await other.online('#SO', 1);
    phase.leave();
    await other.until(() => other.text.endsWith('OK\r\n'));
    await arrive('hello', 5);
    await other.until(() => other.text.endsWith('\r\nSRING: 1,5\r\n'));
    expect(host.text).toBe('');
    expect(await host.run('#SRECV', 1, 5)).toContain('hello');
  });

  it('waits behind a port that is online, and is then up to date', async () => {
    await open(1);
    const phase = await host.online('#SD', 2, 0, 80, 'peer');
    await host.until(() => network.peers.length === 2);
    network.peers[0]?.send('hello');
    await host.until(() => module.table.socket(1).connection.buffer.length === 5);
    network.peers[0]?.send('hello');
    await host.until(() => module.table.socket(1).connection.buffer.length === 10);
    phase.leave();
    await host.until(() => host.text.endsWith('\r\nOK\r\n\r\nSRING: 1,10\r\n'));
    expect(host.text.match(/SRING/g)).toHaveLength(1);
  });
});

describe('#SRECV', () => {
  it('gives raw bytes whatever they spell, and hex where it is set', async () => {
    await open(0);
    await arrive('\r\nOK\r\n+++', 9);
    expect(await host.run('#SRECV', 1, 1500)).toBe('\r\n#SRECV: 1,9\r\n\r\nOK\r\n+++\r\n\r\nOK\r\n');
    await host.run('#SH', 1);
    await open(0, 1);
    await arrive('hello', 5);
    expect(await host.run('#SRECV', 1, 1500)).toBe('\r\n#SRECV: 1,5\r\n68656C6C6F\r\n\r\nOK\r\n');
  });

  it('holds the peer back when nobody reads, and loses nothing', async () => {
    await open(0);
    const window = module.table.options.receiveWindowBytes;
    const sent = Buffer.alloc(8 * 1024 * 1024, 'abcdefghijklmnopqrstuvwxyz0123456789');
    network.peer.send(sent);
    await host.until(() => module.table.socket(1).connection.buffer.length === window);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(module.table.socket(1).connection.buffer.length).toBe(window);
    // The kernels have taken some of it; most of it still waits with the sender.
    expect(network.peer.socket.writableLength).toBeGreaterThan(0);
    const phase = await host.online('#SO', 1);
    await host.until(() => phase.heard.length === sent.length, 15_000);
    expect(Buffer.compare(phase.heard, sent)).toBe(0);
  });
});
