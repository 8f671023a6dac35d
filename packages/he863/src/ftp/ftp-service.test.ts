import { settle, VirtualClock } from '@cellmux/port/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dialNetwork, NetworkServer } from '../sockets/testing/network-peer.ts';
import { scriptedModule, type ScriptedHost, type ScriptedModule } from '../sockets/testing/scripted-host.ts';
import { ftpCommands } from './index.ts';

let clock: VirtualClock;
let network: NetworkServer;
let data: NetworkServer;
let module: ScriptedModule;
let host: ScriptedHost;

beforeEach(async () => {
  clock = new VirtualClock();
  network = await NetworkServer.listen();
  data = await NetworkServer.listen();
  module = scriptedModule({ clock, commands: ftpCommands, hosts: { ftp: `127.0.0.1:${network.port}` } });
  host = module.host(1);
  await host.run('#SGACT', 1, 1);
});
afterEach(async () => {
  await module.table.closeAll();
  network.close();
  data.close();
  expect(clock.pendingTimers).toBe(0);
});

/** The server hears a line and answers. */
async function answer(line: string, ...replies: string[]): Promise<void> {
  await host.until(() => network.peers.length > 0 && network.peer.text.endsWith(`${line}\r\n`));
  for (const reply of replies) network.peer.send(`${reply}\r\n`);
}

async function open(mode = 1): Promise<void> {
  const before = network.peers.length;
  const opened = host.run('#FTPOPEN', 'ftp', 'user', 'pass', mode);
  await host.until(() => network.peers.length > before);
  network.peer.send('220-hello\r\n220 ready\r\n');
  await answer('USER user', '331 password');
  await answer('PASS pass', '230 in');
  await answer('TYPE I', '200 ok');
  expect(await opened).toBe('\r\nOK\r\n');
}

const passive = (): string => `227 ok (10,9,8,7,${data.port >> 8},${data.port & 0xff})`;

describe('a server that does not behave', () => {
  it('is given up when it says nothing', async () => {
    const opened = host.run('#FTPOPEN', 'ftp', 'user', 'pass', 1);
    await host.until(() => network.peers.length > 0);
    await settle();
    await clock.advance(9999);
    await settle();
    expect(host.text).not.toContain('CME');
    await clock.advance(1);
    expect(await opened).toBe('\r\n+CME ERROR: 606\r\n');
    await host.until(() => network.peer.closed);
    expect(await host.run('#FTPCLOSE')).toBe('\r\n+CME ERROR: 607\r\n');
  });

  it('may take as long as #FTPTO says', async () => {
    expect(await host.run('#FTPTO', 1000)).toBe('\r\nOK\r\n');
    expect(await host.run('#FTPTO')).toBe('\r\n#FTPTO: 1000\r\n\r\nOK\r\n');
    await open();
    const size = host.run('#FTPFSIZE', 'f');
    await host.until(() => network.peer.text.endsWith('SIZE f\r\n'));
    await clock.advance(99_000);
    network.peer.send('213 5\r\n');
    expect(await size).toBe('\r\n#FTPFSIZE: 5\r\n\r\nOK\r\n');
  });

  it('may hang up: the next command says so, and a new session can be opened', async () => {
    await open();
    network.peer.socket.end('421 timeout\r\n');
    await host.until(() => network.peer.ended || network.peer.closed);
    await settle();
    expect(await host.run('#FTPPWD')).toBe('\r\n+CME ERROR: 607\r\n');
    expect(await host.run('#FTPMSG')).toBe('\r\n#FTPMSG: 421 timeout\r\n\r\nOK\r\n');
    await open();
  });

  it('sends what is asked for from its own address, whatever address it names', async () => {
    await open();
    const got = host.online('#FTPGET', 'f');
    await answer('PASV', passive());
    await answer('RETR f', '150 here');
    await host.until(() => data.peers.length === 1);
    const phase = await got;
    data.peer.socket.end('bytes');
    await host.until(() => phase.heard.length === 5);
    network.peer.send('226 done\r\n');
    await host.until(() => host.text.endsWith('\r\nNO CARRIER\r\n'));
  });

  it('may name no port', async () => {
    await open();
    const got = host.run('#FTPGET', 'f');
    await answer('PASV', '227 nowhere');
    expect(await got).toBe('\r\nNO CARRIER\r\n');
  });

  it('may end an upload from its side', async () => {
    await open();
    const put = host.online('#FTPPUT', 'f');
    await answer('PASV', passive());
    await answer('STOR f', '150 go');
    const phase = await put;
    await host.until(() => data.peers.length === 1);
    data.peer.socket.resetAndDestroy();
    network.peer.send('552 full\r\n');
    await host.until(() => host.text.endsWith('\r\nNO CARRIER\r\n'));
    expect(phase.isClosed).toBe(true);
    expect(await host.run('#FTPMSG')).toContain('552 full');
  });

  it('breaks a download off for a host that leaves it', async () => {
    await open();
    const got = host.online('#FTPGET', 'f');
    await answer('PASV', passive());
    await answer('RETR f', '150 here');
    const phase = await got;
    // RFC 959 knows no escape sequence.
    expect(host.callOptions).toEqual({ forwardEscape: false });
    await host.until(() => data.peers.length === 1);
    data.peer.send('x'.repeat(30_000_000));
    await host.until(() => phase.heard.length > 0);
    phase.stopFlow(true);
    phase.leave();
    await host.until(() => data.peer.failed !== undefined);
    network.peer.send('426 broken off\r\n');
    await host.until(() => host.text.endsWith('\r\nNO CARRIER\r\n'));
  });

  it('has a file complete only when the host has read it', async () => {
    await open();
    const got = host.run('#FTPGETPKT', 'f', 1);
    await answer('PASV', passive());
    await answer('RETR f', '150 here');
    expect(await got).toBe('\r\nOK\r\n');
    data.peer.socket.end('hello');
    await host.until(() => data.peer.ended);
    network.peer.send('226 done\r\n');
    expect(await host.read('#FTPRECV')).toBe('\r\n#FTPRECV: 5\r\n\r\nOK\r\n');
    expect(await host.read('#FTPGETPKT')).toBe('\r\n#FTPGETPKT: f,1,0\r\n\r\nOK\r\n');
    expect(await host.run('#FTPRECV', 100)).toBe('\r\n#FTPRECV: 5\r\n68656C6C6F\r\n\r\nOK\r\n');
    expect(await host.read('#FTPGETPKT')).toBe('\r\n#FTPGETPKT: f,1,1\r\n\r\nOK\r\n');
  });

  it('is the only one whose data connection is taken', async () => {
    await open(0);
    const got = host.online('#FTPGET', 'f');
    await host.until(() => network.peer.text.includes('PORT '));
    const [high = 0, low = 0] = (/PORT 127,0,0,1,(\d+),(\d+)\r\n$/.exec(network.peer.text) ?? []).slice(1).map(Number);
    const stranger = await dialNetwork(high * 256 + low, '127.0.0.9').catch(() => undefined);
    await host.until(() => stranger?.closed !== false);
    network.peer.send('200 ok\r\n');
    await answer('RETR f', '150 here');
    const peer = await dialNetwork(high * 256 + low);
    const phase = await got;
    peer.socket.end('bytes');
    await host.until(() => phase.heard.length === 5);
    network.peer.send('226 done\r\n');
    await host.until(() => host.text.endsWith('\r\nNO CARRIER\r\n'));
  });

  it('never sees the password anywhere but in PASS', async () => {
    await open();
    expect(JSON.stringify(module.events)).not.toContain('pass');
    expect(host.text).not.toContain('pass');
  });
});
