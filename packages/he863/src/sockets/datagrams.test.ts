import { latin1 } from '@cellmux/port';
import { createSocket, type Socket } from 'node:dgram';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scriptedModule, type ScriptedHost, type ScriptedModule } from './testing/scripted-host.ts';

let server: Socket;
let port: number;
let heard: { text: string; port: number }[];
let module: ScriptedModule;
let host: ScriptedHost;

beforeEach(async () => {
  heard = [];
  server = createSocket('udp4');
  server.on('message', (bytes, from) => heard.push({ text: bytes.toString('latin1'), port: from.port }));
  await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve));
  ({ port } = server.address());
  module = scriptedModule({ hosts: { '88.37.127.146': `127.0.0.1:${port}` } });
  host = module.host();
  await host.run('#SGACT', 1, 1);
  await host.run('#SCFGEXT', 1, 1, 0, 0);
});
afterEach(async () => {
  await module.table.closeAll();
  server.close();
});

async function send(...texts: string[]): Promise<void> {
  const to = module.table.socket(1).connection.transport?.local.port ?? 0;
  for (const text of texts)
    await new Promise((resolve) => {
      server.send(text, to, '127.0.0.1', resolve);
    });
}

describe('UDP', () => {
  it('sends a datagram for each #SSEND, from the local port that #SD names', async () => {
    await host.run('#SD', 1, 1, 7, '88.37.127.146', 0, 0, 1);
    for (const text of ['one', 'two']) {
      host.prompts.push(latin1(text));
      await host.run('#SSEND', 1);
    }
    await host.until(() => heard.length === 2);
    expect(heard.map(({ text }) => text)).toEqual(['one', 'two']);
    expect(await host.run('#SI', 1)).toBe('\r\n#SI: 1,6,0,0,0\r\n\r\nOK\r\n');
  });

  it('reads across datagrams, or one with its source', async () => {
    await host.run('#SD', 1, 1, 7, '88.37.127.146', 0, 0, 1);
    await send('hello', 'world');
    await host.until(() => host.text.includes('SRING: 1,10'));
    expect(await host.run('#SRECV', 1, 7)).toBe('\r\n#SRECV: 1,7\r\nhellowo\r\n\r\nOK\r\n');
    await host.run('#SRECV', 1, 100);
    await send('hello', 'world');
    await host.until(() => module.table.socket(1).connection.buffer.length === 10);
    expect(await host.run('#SRECV', 1, 3, 1)).toBe('\r\n#SRECV: 88.37.127.146,7,1,3,2\r\nhel\r\n\r\nOK\r\n');
    expect(await host.run('#SRECV', 1, 100, 1)).toBe('\r\n#SRECV: 88.37.127.146,7,1,2,0\r\nlo\r\n\r\nOK\r\n');
    expect(await host.run('#SRECV', 1, 100, 1)).toBe('\r\n#SRECV: 88.37.127.146,7,1,5,0\r\nworld\r\n\r\nOK\r\n');
  });

  it('makes datagrams of pktSz bytes online, and of the rest at the escape', async () => {
    await host.run('#SCFG', 1, 1, 4, 90, 600, 0);
    const phase = await host.online('#SD', 1, 1, 7, '88.37.127.146');
    await phase.type(latin1('abcdefghij'));
    phase.leave();
    await host.until(() => heard.length === 3);
    expect(heard.map(({ text }) => text)).toEqual(['abcd', 'efgh', 'ij']);
  });

  it('does not hear others, and keeps no more than it says', async () => {
    await host.run('#SD', 1, 1, 7, '88.37.127.146', 0, 0, 1);
    const stranger = createSocket('udp4');
    const to = module.table.socket(1).connection.transport?.local.port ?? 0;
    await new Promise((resolve) => {
      stranger.send('spam', to, '127.0.0.1', resolve);
    });
    await send('x'.repeat(9000), 'y'.repeat(9000), 'z'.repeat(9000));
    await host.until(() => module.table.socket(1).connection.buffer.length === 18_000);
    stranger.close();
    const text = await host.run('#SRECV', 1, 1500);
    expect(text).not.toContain('spam');
  });

  it('listens: the first datagram rings, and its sender is the peer', async () => {
    module = scriptedModule({ listenPorts: { 7000: 0 } });
    host = module.host();
    await host.run('#SGACT', 1, 1);
    await host.run('#FRWL', 1, '127.0.0.0', '255.0.0.0');
    expect(await host.run('#SLUDP', 1, 1, 7000)).toBe('\r\nOK\r\n');
    expect(await host.read('#SLUDP')).toBe('\r\n#SLUDP: 1,7000\r\n\r\nOK\r\n');
    const event = module.events.find(({ type }) => type === 'socket') as { what: string };
    const real = Number(/:(\d+)$/.exec(event.what)?.[1]);
    await new Promise((resolve) => {
      server.send('first', real, '127.0.0.1', resolve);
    });
    await host.until(() => host.text.endsWith('\r\nSRING: 1\r\n'));
    expect(await host.run('#SA', 1, 1)).toBe('\r\nOK\r\n');
    expect(await host.run('#SRECV', 1, 100)).toContain('#SRECV: 1,5\r\nfirst\r\n');
    host.prompts.push(latin1('reply'));
    await host.run('#SSEND', 1);
    await host.until(() => heard.length === 1);
    expect(heard).toEqual([{ text: 'reply', port: real }]);
  });
});
