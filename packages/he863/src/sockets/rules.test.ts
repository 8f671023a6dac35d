import { latin1 } from '@cellmux/port';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TRANSMIT_LIMIT_BYTES } from './online-exchange.ts';
import { NetworkServer } from './testing/network-peer.ts';
import { scriptedModule, type ScriptedHost, type ScriptedModule } from './testing/scripted-host.ts';

let network: NetworkServer;
let module: ScriptedModule;
let host: ScriptedHost;
let hosts: Readonly<Record<string, string>>;

beforeEach(async () => {
  network = await NetworkServer.listen();
  hosts = { peer: `127.0.0.1:${network.port}`, '88.37.127.146': `127.0.0.1:${network.port}` };
  module = scriptedModule({ hosts });
  host = module.host(1);
  await host.run('#SGACT', 1, 1);
});
afterEach(async () => {
  await module.table.closeAll();
  network.close();
});

describe('six connIds on three ports', () => {
  it('may be online on three at once, or on as many as the module is told', async () => {
    const ports = [host, module.host(2), module.host(3), module.host(4)];
    await host.run('#SGACT', 2, 1);
    for (const [index, port] of ports.slice(0, 3).entries()) await port.online('#SD', index + 1, 0, 80, 'peer');
    await host.until(() => network.peers.length === 3);
    expect(await ports[3]?.run('#SD', 4, 0, 80, 'peer')).toBe('\r\n+CME ERROR: 552\r\n');
    expect(await ports[3]?.run('#SH', 1)).toBe('\r\n+CME ERROR: 552\r\n');
    expect(await ports[3]?.run('#SO', 1)).toBe('\r\n+CME ERROR: 552\r\n');
    expect(await ports[3]?.run('#SRECV', 1, 10)).toBe('\r\n+CME ERROR: 552\r\n');
  });

  it('strict: one', async () => {
    const strict = scriptedModule({ hosts, maxOnlinePorts: 1 });
    const [first, second] = [strict.host(1), strict.host(2)];
    await first.run('#SGACT', 1, 1);
    await first.online('#SD', 1, 0, 80, 'peer');
    expect(await second.run('#SD', 2, 0, 80, 'peer')).toBe('\r\n+CME ERROR: 552\r\n');
    expect(await second.run('#SD', 2, 0, 80, 'peer', 0, 0, 1)).toBe('\r\nOK\r\n');
    expect(await second.run('#SO', 2)).toBe('\r\n+CME ERROR: 552\r\n');
    await strict.table.closeAll();
  });

  it('shows what was dialled, and its own address', async () => {
    const numbered = scriptedModule({ hosts, firstLocalPort: 1033 });
    const port = numbered.host();
    await port.run('#SGACT', 1, 1);
    for (const connId of [2, 3]) await port.run('#SD', connId, 0, 10510, '88.37.127.146', 0, 0, 1);
    expect(await port.run('#SS')).toBe(
      '\r\n#SS: 1,0\r\n#SS: 2,2,10.64.0.1,1033,88.37.127.146,10510\r\n#SS: 3,2,10.64.0.1,1034,88.37.127.146,10510\r\n' +
        '#SS: 4,0\r\n#SS: 5,0\r\n#SS: 6,0\r\n\r\nOK\r\n',
    );
    await numbered.table.closeAll();
  });
});

describe('a port that is gone', () => {
  it('leaves its online socket suspended, for another port to take', async () => {
    const phase = await host.online('#SD', 1, 0, 80, 'peer');
    await phase.type(latin1('typed before'));
    host.vanish();
    const other = module.host(2);
    await other.until(() => module.table.socket(1).state === 'suspended');
    await other.until(() => network.peer.text === 'typed before');
    network.peer.send('hello');
    await other.until(() => module.table.socket(1).connection.buffer.length === 5);
    const again = await other.online('#SO', 1);
    await other.until(() => again.heard.length === 5);
  });
});

describe('what ends a socket', () => {
  it('DTR under &D2 closes it', async () => {
    const phase = await host.online('#SD', 1, 0, 80, 'peer');
    await host.until(() => network.peers.length === 1);
    phase.leave('dtrDropped');
    await host.until(() => host.text.endsWith('\r\nNO CARRIER\r\n'));
    await host.until(() => network.peer.ended);
    expect(await host.run('#SS', 1)).toContain('#SS: 1,0');
  });

  it('closureType 255 outlives the FIN of the peer until the escape', async () => {
    const phase = await host.online('#SD', 1, 0, 80, 'peer', 255);
    await host.until(() => network.peers.length === 1);
    network.peer.socket.end('last words');
    await host.until(() => phase.heard.length === 10);
    await phase.type(latin1('x'.repeat(300)));
    await host.until(() => network.peer.received.length === 300);
    phase.leave();
    await host.until(() => host.text.endsWith('\r\nNO CARRIER\r\n'));
    expect(await host.run('#SS', 1)).toContain('#SS: 1,0');
  });

  it('closureType 255 keeps a suspended socket until #SH, and ends at a reset', async () => {
    await host.run('#SD', 1, 0, 80, 'peer', 255, 0, 1);
    await host.run('#SD', 2, 0, 80, 'peer', 255, 0, 1);
    await host.until(() => network.peers.length === 2);
    network.peers[0]?.socket.end();
    network.peers[1]?.socket.resetAndDestroy();
    await host.until(() => host.text.endsWith('\r\nNO CARRIER\r\n'));
    expect(await host.run('#SS', 1)).toContain('#SS: 1,2,');
    expect(await host.run('#SS', 2)).toContain('#SS: 2,0');
    expect(await host.run('#SH', 1)).toBe('\r\nOK\r\n');
  });

  it('keeps what was read from the network before a reset, or drops it where told so', async () => {
    for (const unreadAfterReset of ['kept', 'dropped'] as const) {
      const other = scriptedModule({ hosts, unreadAfterReset });
      const port = other.host();
      await port.run('#SGACT', 1, 1);
      await port.run('#SD', 1, 0, 80, 'peer', 0, 0, 1);
      const before = network.peers.length;
      await port.until(() => network.peers.length >= before);
      network.peer.send('data');
      await port.until(() => other.table.socket(1).connection.buffer.length === 4);
      network.peer.socket.resetAndDestroy();
      if (unreadAfterReset === 'kept') {
        await new Promise((resolve) => setTimeout(resolve, 20));
        expect(await port.run('#SRECV', 1, 10)).toContain('data');
      }
      await port.until(() => port.text.endsWith('\r\nNO CARRIER\r\n'));
      await other.table.closeAll();
    }
  });

  it('#SH leaves nothing of what was sent behind', async () => {
    await host.run('#SD', 1, 0, 80, 'peer', 0, 0, 1);
    await host.until(() => network.peers.length === 1);
    // More than the module takes: the rest lies in the kernel, where a plain close would answer it with a reset.
    network.peer.send('never read'.repeat(1_000_000));
    await host.until(() => module.table.socket(1).connection.buffer.length === module.table.options.receiveWindowBytes);
    host.prompts.push(latin1('last'));
    await host.run('#SSEND', 1);
    await host.run('#SH', 1);
    await host.until(() => network.peer.ended);
    expect(network.peer.text).toBe('last');
    network.peer.socket.end();
    await host.until(() => network.peer.closed);
    expect(network.peer.failed).toBeUndefined();
  });

  it('a power cycle ends all without a word, and NVM stays', async () => {
    await host.run('#SCFG', 2, 3, 512, 30, 300, 100);
    await host.run('#SD', 1, 0, 80, 'peer', 0, 0, 1);
    await host.until(() => network.peers.length === 1);
    const said = host.text;
    await module.table.reset();
    await host.until(() => network.peer.closed);
    expect(host.text).toBe(said);
    expect(await host.run('#SS', 1)).toContain('#SS: 1,0');
    expect(await host.read('#SCFG')).toBe(
      '\r\n#SCFG: 1,1,300,90,600,50\r\n#SCFG: 2,3,512,30,300,100\r\n#SCFG: 3,1,300,90,600,50\r\n' +
        '#SCFG: 4,2,300,90,600,50\r\n#SCFG: 5,2,300,90,600,50\r\n#SCFG: 6,2,300,90,600,50\r\n\r\nOK\r\n',
    );
    expect(await host.run('#SD', 1, 0, 80, 'peer')).toBe('\r\n+CME ERROR: 556\r\n');
  });
});

describe('a host that types faster than the peer reads', () => {
  it('is held back, within a bound, and goes on', async () => {
    const phase = await host.online('#SD', 1, 0, 80, 'peer');
    await host.until(() => network.peers.length === 1);
    network.peer.socket.pause();
    const chunk = new Uint8Array(64 * 1024).fill(0x55);
    let typed = 0;
    while (!phase.isHeld) {
      await phase.type(chunk);
      typed += chunk.length;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(module.table.socket(1).connection.unacknowledgedBytes).toBeLessThanOrEqual(TRANSMIT_LIMIT_BYTES);
    const next = phase.type(chunk);
    network.peer.socket.resume();
    await next;
    await phase.type(new Uint8Array(300));
    phase.leave();
    await host.until(() => network.peer.received.length === typed + chunk.length + 300);
    expect(await host.run('#SI', 1)).toBe(`\r\n#SI: 1,${typed + chunk.length + 300},0,0,0\r\n\r\nOK\r\n`);
  });
});

describe('settings', () => {
  it('lie in NVM at once, and a damaged NVM does no harm', () => {
    const nvm = new Map<string, never>([
      ['sockets.scfg', 'broken' as never],
      ['sockets.scfgext', [null, { srMode: 2, recvDataMode: 'x' }] as never],
    ]);
    const { table } = scriptedModule({ nvm });
    expect(table.settings.configuration(1).pktSz).toBe(300);
    expect(table.settings.extended(2)).toMatchObject({ srMode: 2, recvDataMode: 0 });
  });

  it('may not change while the connId is open', async () => {
    await host.run('#SD', 1, 0, 80, 'peer', 0, 0, 1);
    expect(await host.run('#SCFG', 1, 1, 300, 90, 600, 50)).toBe('\r\n+CME ERROR: 3\r\n');
    expect(await host.run('#SCFGEXT', 1, 1, 0, 0)).toBe('\r\n+CME ERROR: 3\r\n');
    await host.run('#SH', 1);
    expect(await host.run('#SCFGEXT', 1, 1, 0, 0)).toBe('\r\nOK\r\n');
    expect(await host.run('#SCFGEXT', 1, 3, 0, 0)).toBe('\r\n+CME ERROR: 4\r\n');
  });

  it('#BASE64 holds for the connection that is open', async () => {
    expect(await host.run('#BASE64', 1, 2, 2)).toBe('\r\n+CME ERROR: 3\r\n');
    await host.run('#SD', 1, 0, 80, 'peer', 0, 0, 1);
    await host.run('#BASE64', 1, 2, 2);
    host.prompts.push(latin1('hello'));
    await host.run('#SSEND', 1);
    await host.until(() => network.peer.text === 'aGVsbG8=');
    network.peer.send('d29y');
    await host.until(() => module.table.socket(1).connection.buffer.length === 3);
    const phase = await host.online('#SO', 1);
    await phase.type(latin1('ab'));
    phase.leave();
    await host.until(() => network.peer.text === 'aGVsbG8=YWI=');
  });

  it('what later modules brought is there when asked for', async () => {
    expect(await host.run('#ST')).toBe('\r\nERROR\r\n');
    const newer = scriptedModule({ hosts, newerCommands: true });
    const port = newer.host();
    await port.run('#SGACT', 1, 1);
    await port.run('#SD', 1, 0, 80, 'peer', 0, 0, 1);
    expect(await port.run('#ST', 1)).toBe('\r\n#ST: 1,1,1\r\n\r\nOK\r\n');
    await port.until(() => network.peers.length === 1);
    network.peer.socket.end();
    await port.until(() => port.text.endsWith('NO CARRIER\r\n'));
    expect(await port.run('#SLASTCLOSURE', 1)).toBe('\r\n#SLASTCLOSURE: 1,1\r\n\r\nOK\r\n');
    await newer.table.closeAll();
  });

  it('answers as other firmware does where told so', async () => {
    const odd = scriptedModule({ hosts: {}, dialFailure: 'noCarrier', quoteAddress: true, sendSpelling: 'ssend' });
    const port = odd.host();
    expect(await port.run('#SGACT', 1, 1)).toBe('\r\n#SGACT: "10.64.0.1"\r\n\r\nOK\r\n');
    expect(await port.run('#SD', 1, 0, 80, 'nobody')).toBe('\r\nNO CARRIER\r\n');
    expect(await port.run('#SEND', 1)).toBe('\r\nERROR\r\n');
    expect(() => scriptedModule({ receiveWindowBytes: 1 })).toThrow(/ERR_OPTION_RANGE/);
  });
});
