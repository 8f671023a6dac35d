/*
 * IP Easy User Guide §3.2.1.4 and §3.2.1.5: two connections on one AT port, one online at a time. The one that is
 * suspended goes on receiving; resumed, it gives what came meanwhile first.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { withSockets, type Say } from './guide-setup.ts';

export async function run(say: Say): Promise<void> {
  const peers: Socket[] = [];
  const server = createServer((socket) => peers.push(socket.on('error', () => undefined))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const target = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  await using module = await withSockets({ hosts: { 'www.telit.com': target, 'www.google.com': target } });

  const telit = await module.ipEasy.connect({ host: 'www.telit.com', port: 80, mode: 'online' });
  const heard = { telit: '', google: '' };
  telit.on('data', (chunk: Buffer) => (heard.telit += chunk.toString()));
  peers[0]?.write('one ');
  await until(() => heard.telit === 'one ');
  // +++, OK: suspended. The port is free for the next one.
  telit.pause();
  await telit.goToCommandMode();
  say('telit suspended');

  const google = await module.ipEasy.connect({ host: 'www.google.com', port: 80, mode: 'online' });
  google.on('data', (chunk: Buffer) => (heard.google += chunk.toString()));
  peers[1]?.write('alpha');
  peers[0]?.write('two ');
  await until(() => heard.google === 'alpha');
  google.pause();
  await google.goToCommandMode();
  say('google suspended');

  const states = (await module.ipEasy.status()).slice(0, 2).map(({ state }) => state);
  say(`telit ${states[0]}, google ${states[1]}`);
  // What came for telit waits in the module, or has been read ahead by #SRECV; the stream holds it back either way.
  assert.ok(states.every((state) => state?.startsWith('suspended')));
  assert.equal(heard.telit, 'one ');

  // AT#SO: what came meanwhile is the first that comes.
  telit.resume();
  await telit.goOnline();
  peers[0]?.write('three');
  await until(() => heard.telit === 'one two three');
  say(`telit resumed: ${heard.telit}`);
  telit.destroy();
  google.destroy();
  server.close();
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
