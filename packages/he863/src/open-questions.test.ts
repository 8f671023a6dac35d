import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { checkSocketOptions } from './sockets/socket-options.ts';
import { dialNetwork, NetworkServer, type NetworkPeer } from './sockets/testing/network-peer.ts';
import { scriptedModule, type ScriptedModule, type ScriptedModuleOptions } from './sockets/testing/scripted-host.ts';
import { LineHost } from './testing/line-host.ts';
import { served } from './testing/served-module.ts';

/** What manuals leave open or contradict each other in: the default, and the other way by its option. */

let network: NetworkServer;
const modules: ScriptedModule[] = [];
const peers: NetworkPeer[] = [];

beforeEach(async () => {
  network = await NetworkServer.listen();
});
afterEach(async () => {
  for (const { socket } of peers.splice(0)) socket.destroy();
  for (const { table } of modules.splice(0)) await table.closeAll();
  network.close();
});

async function moduleWith(options: ScriptedModuleOptions) {
  const module = scriptedModule({
    hosts: { peer: `127.0.0.1:${network.port}` },
    listenPorts: { 1024: 0 },
    ...options,
  });
  modules.push(module);
  const host = module.host(1);
  await host.run('#SGACT', 1, 1);
  return { module, host };
}

/** Somebody on the network dials what the module listens on. */
async function dialIn(module: ScriptedModule): Promise<NetworkPeer> {
  const said = module.events.flatMap((event) => (event.type === 'socket' ? [event.what] : []));
  const peer = await dialNetwork(Number(/:(\d+)$/.exec(said.findLast((what) => /^listening/.test(what)) ?? '')?.[1]));
  peers.push(peer);
  return peer;
}

describe('unsolicitedTo', () => {
  test.each([
    ['lastUser', '', '\r\nSRING: 1\r\n'],
    ['opener', '\r\nSRING: 1\r\n', ''],
  ] as const)('%s', async (unsolicitedTo, onOpener, onUser) => {
    const { module, host } = await moduleWith({ unsolicitedTo });
    const other = module.host(2);
    await host.run('#SD', 1, 0, 80, 'peer', 0, 0, 1);
    const phase = await other.online('#SO', 1);
    phase.leave('escaped');
    await other.until(() => module.table.socket(1).state === 'suspended');
    host.text = '';
    other.text = '';
    network.peer.send('news');
    await host.until(() => host.text.includes('SRING') || other.text.includes('SRING'));
    expect(host.text).toBe(onOpener);
    expect(other.text.replace(/^\r\nOK\r\n/, '')).toBe(onUser);
  });
});

describe('abandonedIncoming', () => {
  test.each([
    ['listening', 'listening', ''],
    ['closed', 'closed', '\r\nNO CARRIER\r\n'],
  ] as const)('%s', async (abandonedIncoming, state, says) => {
    const { module, host } = await moduleWith({ abandonedIncoming });
    await host.run('#FRWL', 1, '127.0.0.1', '255.0.0.0');
    await host.run('#SL', 1, 1, 1024);
    const peer = await dialIn(module);
    await host.until(() => host.text.endsWith('\r\nSRING: 1\r\n'));
    host.text = '';
    peer.socket.end();
    await host.until(() => module.table.socket(1).state === state);
    await host.until(() => host.text === says);
  });
});

describe('hexSendLimit', () => {
  test.each([
    ['characters', 5],
    ['octets', 10],
  ] as const)('%s', async (hexSendLimit, octets) => {
    const { host } = await moduleWith({ hexSendLimit, sendLimitBytes: 10 });
    await host.run('#SCFGEXT', 1, 0, 0, 0, 0, 1);
    await host.run('#SD', 1, 0, 80, 'peer', 0, 0, 1);
    await host.until(() => network.peers.length === 1);
    host.prompts.push(Buffer.from('41'.repeat(20)));
    expect(await host.run('#SSEND', 1)).toBe('\r\n> \r\nOK\r\n');
    await host.until(() => network.peer.text === 'A'.repeat(octets));
  });
});

describe('viewCounts', () => {
  test.each([
    ['octets', '\r\nSRING: 1,8,4142434441424344\r\n'],
    ['characters', '\r\nSRING: 1,8,41424344\r\n\r\nSRING: 1,4,41424344\r\n'],
  ] as const)('%s', async (viewCounts, lines) => {
    const { host } = await moduleWith({ viewCounts, viewBytes: 8 });
    await host.run('#SCFGEXT', 1, 2, 1, 0);
    await host.run('#SD', 1, 0, 80, 'peer', 0, 0, 1);
    await host.until(() => network.peers.length === 1);
    host.text = '';
    network.peer.send('ABCDABCD');
    await host.until(() => host.text.length >= lines.length);
    expect(host.text).toBe(lines);
  });
});

describe('tcpMaxDatKept', () => {
  test.each([
    ['nvm', 1000],
    ['volatile', 0],
  ] as const)('%s', async (tcpMaxDatKept, after) => {
    const { module, host } = await moduleWith({ tcpMaxDatKept });
    await host.run('#TCPMAXDAT', 1000);
    expect(module.table.maximumData).toBe(1000);
    await module.table.reset();
    expect(module.table.maximumData).toBe(after);
  });
});

describe('apnAuth', () => {
  test.each([
    ['any', [0, 1, 2, 3]],
    ['pap', [1, 3]],
    ['chap', [2, 3]],
  ] as const)('%s', async (apnAuth, taken) => {
    const { line } = served({ apnAuth });
    const host = new LineHost(line);
    await host.ask('ATE0+CMEE=1;+CGDCONT=1,"IP","x"\r');
    const accepted: number[] = [];
    for (const type of [0, 1, 2, 3]) {
      const answer = await host.ask(`AT#SGACTAUTH=${type};#SGACT=1,1,"user","password"\r`);
      if (answer.includes('#SGACT: ')) accepted.push(type);
      else expect(answer).toBe('\r\n+CME ERROR: 149\r\n');
      await host.ask('AT#SGACT=1,0\r');
    }
    expect(accepted).toEqual(taken);
  });
});

it('every option of the sockets is in the README', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  for (const name of Object.keys(checkSocketOptions())) expect(readme, name).toContain(`\`${name}\``);
});
