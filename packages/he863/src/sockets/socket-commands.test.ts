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
});
afterEach(async () => {
  await module.table.closeAll();
  network.close();
});

const dialCommand = (connId = 1): Promise<string> => host.run('#SD', connId, 0, 80, 'peer', 0, 0, 1);

describe('contexts', () => {
  it('activates once, and says the address', async () => {
    expect(await host.run('#SGACT', 1, 1)).toBe('\r\n#SGACT: 10.64.0.1\r\n\r\nOK\r\n');
    expect(await host.run('#SGACT', 1, 1)).toBe('\r\n+CME ERROR: 553\r\n');
    expect(await host.run('#CGPADDR', 1)).toBe('\r\n#CGPADDR: 1,"10.64.0.1"\r\n\r\nOK\r\n');
  });

  it('needs a connId that is bound to the context, and allows two', async () => {
    expect(await host.run('#SGACT', 3, 1)).toBe('\r\n+CME ERROR: 3\r\n');
    await host.run('#SCFG', 6, 3, 300, 90, 600, 50);
    await host.run('#SGACT', 1, 1);
    await host.run('#SGACT', 2, 1);
    expect(await host.run('#SGACT', 3, 1)).toBe('\r\n+CME ERROR: 555\r\n');
    await host.run('#SGACT', 2, 0);
    expect(await host.run('#SGACT', 3, 1)).toContain('OK');
  });

  it('is needed for #SD', async () => {
    expect(await dialCommand()).toBe('\r\n+CME ERROR: 556\r\n');
  });
});

describe('command mode', () => {
  beforeEach(() => host.run('#SGACT', 1, 1));

  it('opens, sends, rings, receives, closes', async () => {
    expect(await dialCommand()).toBe('\r\nOK\r\n');
    host.prompts.push(latin1('hello'));
    expect(await host.run('#SSEND', 1)).toBe('\r\n> \r\nOK\r\n');
    await host.until(() => network.peer.text === 'hello');
    network.peer.send('world');
    await host.until(() => host.text.endsWith('\r\nSRING: 1\r\n'));
    expect(await host.run('#SI', 1)).toBe('\r\n#SI: 1,5,0,5,0\r\n\r\nOK\r\n');
    expect(await host.run('#SS', 1)).toContain('#SS: 1,3,10.64.0.1,');
    expect(await host.run('#SRECV', 1, 3)).toBe('\r\n#SRECV: 1,3\r\nwor\r\n\r\nOK\r\n');
    await host.until(() => host.text.endsWith('\r\nSRING: 1\r\n'));
    expect(await host.run('#SRECV', 1, 100)).toBe('\r\n#SRECV: 1,2\r\nld\r\n\r\nOK\r\n');
    expect(await host.run('#SRECV', 1, 100)).toBe('\r\n+CME ERROR: 555\r\n');
    expect(await host.run('#SH', 1)).toBe('\r\nOK\r\n');
    await host.until(() => network.peer.ended);
    expect(await host.run('#SS', 1)).toBe('\r\n#SS: 1,0\r\n\r\nOK\r\n');
  });

  it('says why a connection fails', async () => {
    expect(await host.run('#SD', 1, 0, 80, 'nobody', 0, 0, 1)).toBe('\r\n+CME ERROR: 558\r\n');
    const { port } = network;
    network.close();
    expect(await host.run('#SD', 1, 0, port, '127.0.0.1', 0, 0, 1)).toBe('\r\n+CME ERROR: 560\r\n');
    expect(await host.run('#SS', 1)).toBe('\r\n#SS: 1,0\r\n\r\nOK\r\n');
  });

  it('stays until what the peer sent before it closed is read', async () => {
    await dialCommand();
    await host.until(() => network.peers.length === 1);
    network.peer.socket.end('bye');
    await host.until(() => host.text.includes('SRING: 1'));
    expect(await host.run('#SS', 1)).toContain('#SS: 1,3,');
    expect(await host.run('#SRECV', 1, 3)).toContain('bye');
    await host.until(() => host.text.endsWith('\r\nNO CARRIER\r\n'));
    expect(await host.run('#SS', 1)).toBe('\r\n#SS: 1,0\r\n\r\nOK\r\n');
  });
});

describe('online mode', () => {
  beforeEach(() => host.run('#SGACT', 1, 1));

  it('carries bytes both ways, is suspended by the escape and goes on', async () => {
    await host.run('#SCFG', 1, 1, 4, 90, 600, 50);
    const phase = await host.online('#SD', 1, 0, 80, 'peer');
    expect(host.text).toContain('\r\nCONNECT\r\n');
    await phase.type(latin1('abcdefghij'));
    await host.until(() => network.peer.text === 'abcdefgh');
    network.peer.send('answer');
    await host.until(() => phase.heard.length === 6);
    phase.leave();
    await host.until(() => host.text.endsWith('\r\nOK\r\n'));
    await host.until(() => network.peer.text === 'abcdefghij');
    network.peer.send('later');
    await host.until(() => host.text.endsWith('\r\nSRING: 1\r\n'));
    const again = await host.online('#SO', 1);
    await host.until(() => again.heard.length === 5);
    network.peer.socket.end('last');
    await host.until(() => host.text.endsWith('\r\nNO CARRIER\r\n'));
    expect(new TextDecoder().decode(again.heard)).toBe('laterlast');
    expect(await host.run('#SO', 1)).toBe('\r\nNO CARRIER\r\n');
  });
});
