import { latin1 } from '@cellmux/port';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dialNetwork, NetworkServer } from '../sockets/testing/network-peer.ts';
import { scriptedModule, type ScriptedHost, type ScriptedModule } from '../sockets/testing/scripted-host.ts';
import { legacyCommands } from './index.ts';

let network: NetworkServer;
let module: ScriptedModule;
let host: ScriptedHost;

beforeEach(async () => {
  network = await NetworkServer.listen();
  module = scriptedModule({
    commands: legacyCommands,
    listenPorts: { 1024: 0 },
    hosts: { 'www.telit.com': `127.0.0.1:${network.port}` },
  });
  host = module.host(1);
});
afterEach(async () => {
  await module.table.closeAll();
  network.close();
});

/** Where a listener of the module really is. */
function listeningPort(): number {
  const said = module.events.flatMap((event) => (event.type === 'socket' ? [event.what] : []));
  return Number(/:(\d+)$/.exec(said.findLast((what) => what.startsWith('listening')) ?? '')?.[1]);
}

describe('#GPRS', () => {
  it('activates context 1 and says its address', async () => {
    expect(await host.run('#GPRS', 1)).toBe('\r\n+IP: 10.64.0.1\r\n\r\nOK\r\n');
    expect(await host.read('#GPRS')).toBe('\r\n#GPRS: 1\r\n\r\nOK\r\n');
    expect(await host.run('#GPRS', 0)).toBe('\r\nOK\r\n');
    expect(module.table.contextActive(1)).toBe(false);
  });

  it('needs no connId on the context', async () => {
    for (const connId of [1, 2, 3]) await host.run('#SCFG', connId, 2, 300, 90, 600, 50);
    expect(await host.run('#SGACT', 1, 1)).toBe('\r\n+CME ERROR: 3\r\n');
    expect(await host.run('#GPRS', 1)).toContain('OK');
  });
});

describe('#SKTD', () => {
  it('needs the context; its escape closes, and the context stays', async () => {
    expect(await host.run('#SKTD', 0, 80, 'www.telit.com')).toBe('\r\n+CME ERROR: 556\r\n');
    await host.run('#GPRS', 1);
    const phase = await host.online('#SKTD', 0, 80, 'www.telit.com');
    await phase.type(latin1('GET /'));
    await host.until(() => network.peers.length === 1);
    network.peer.send('answer');
    await host.until(() => phase.heard.length === 6);
    phase.leave();
    await host.until(() => host.text.endsWith('\r\nNO CARRIER\r\n'));
    await host.until(() => network.peer.ended);
    expect(network.peer.text).toBe('GET /');
    expect(module.table.contextActive(1)).toBe(true);
    await host.online('#SKTD', 0, 80, 'www.telit.com');
  });

  it('works on three ports at once', async () => {
    await host.run('#GPRS', 1);
    for (const port of [host, module.host(2), module.host(3)]) await port.online('#SKTD', 0, 80, 'www.telit.com');
    await host.until(() => network.peers.length === 3);
    expect(await module.host(2).run('#SD', 1, 0, 80, 'www.telit.com')).toBe('\r\n+CME ERROR: 552\r\n');
  });

  it('closes when its port is gone', async () => {
    await host.run('#GPRS', 1);
    await host.online('#SKTD', 0, 80, 'www.telit.com');
    await host.until(() => network.peers.length === 1);
    host.vanish();
    await host.until(() => network.peer.ended);
  });
});

describe('#SKTOP', () => {
  beforeEach(() => host.run('#SKTSET', 0, 80, 'www.telit.com'));

  it('brings the context up, and down again with the socket', async () => {
    const phase = await host.online('#SKTOP');
    expect(module.table.contextActive(1)).toBe(true);
    phase.leave();
    await host.until(() => host.text.endsWith('\r\nNO CARRIER\r\n'));
    expect(await host.read('#GPRS')).toBe('\r\n#GPRS: 0\r\n\r\nOK\r\n');
  });

  it('drops the context when it cannot connect, too', async () => {
    await host.run('#SKTSET', 0, 80, 'nowhere');
    expect(await host.run('#SKTOP')).toBe('\r\n+CME ERROR: 558\r\n');
    expect(module.table.contextActive(1)).toBe(false);
  });

  it('is for the first port only', async () => {
    expect(await module.host(2).run('#SKTOP')).toBe('\r\n+CME ERROR: 3\r\n');
    await module.host(0).online('#SKTOP');
  });
});

describe('#SKTL', () => {
  beforeEach(async () => {
    await host.run('#GPRS', 1);
    await host.run('#FRWL', 1, '127.0.0.1', '255.0.0.0');
  });

  it('says who connects, connects by itself, and is gone afterwards', async () => {
    expect(await host.run('#SKTL', 1, 0, 1024)).toBe('\r\nOK\r\n');
    expect(await host.read('#SKTL')).toBe('\r\n#SKTL: 1,0,1024,0\r\n\r\nOK\r\n');
    const peer = await dialNetwork(listeningPort());
    await host.until(() => host.text.endsWith('\r\n+CONN FROM: 127.0.0.1\r\n\r\nCONNECT\r\n'));
    peer.send('hello');
    await host.until(() => host.phase?.heard.length === 5);
    host.phase?.leave();
    await host.until(() => host.text.endsWith('\r\nNO CARRIER\r\n'));
    await host.until(() => peer.ended);
    await expect(dialNetwork(listeningPort())).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(await host.read('#SKTL')).toBe('\r\n#SKTL: 0\r\n\r\nOK\r\n');
  });

  it('can be stopped, and ends with its port', async () => {
    await host.run('#SKTL', 1, 0, 1024);
    expect(await host.run('#SKTL', 0, 0, 1024, 255)).toBe('\r\nOK\r\n');
    await host.run('#SKTL', 1, 0, 1024);
    host.vanish();
    await expect(dialNetwork(listeningPort())).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

describe('old settings', () => {
  it('survive a power cycle once they are saved, and never show the password', async () => {
    await host.run('#SKTTO', 30);
    await host.run('#USERID', 'me');
    await host.run('#PASSW', 'secret');
    await host.run('#SKTSAV');
    await host.run('#SKTTO', 40);
    await module.table.reset();
    expect(await host.read('#SKTTO')).toBe('\r\n#SKTTO: 30\r\n\r\nOK\r\n');
    expect(await host.read('#USERID')).toBe('\r\n#USERID: "me"\r\n\r\nOK\r\n');
    expect(await host.read('#PASSW')).toContain('ERROR');
    await host.run('#SCFG', 2, 3, 512, 30, 300, 100);
    await host.run('#SKTRST');
    expect(await host.read('#SKTTO')).toBe('\r\n#SKTTO: 90\r\n\r\nOK\r\n');
    expect(await host.read('#SCFG')).toContain('#SCFG: 2,1,300,90,600,50');
    expect(JSON.stringify([module.events, host.text])).not.toContain('secret');
  });
});
