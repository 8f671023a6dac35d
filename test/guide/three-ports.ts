/* IP Easy User Guide §3.2.2.6: three virtual ports share the six connections; three of them online at the same time. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { IpEasy, type IpEasySocket } from '@cellmux/ipeasy';
import { threePorts, type Say } from './guide-setup.ts';

export async function run(say: Say): Promise<void> {
  const echo = createServer((socket) => socket.on('error', () => undefined).pipe(socket)).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const { port } = echo.address() as AddressInfo;
  await using module = await threePorts({ hosts: { echo: '127.0.0.1' } });
  await using ipEasy = new IpEasy(module.ports);
  await ipEasy.defineContext({ cid: 1, apn: 'internet' });
  await ipEasy.activate({ cid: 1 });

  const six: IpEasySocket[] = [];
  for (let index = 0; index < 6; index++) six.push(await ipEasy.connect({ host: 'echo', port }));
  say(`connIds: ${six.map(({ connId }) => connId).join(', ')}`);
  assert.deepEqual([...six].map(({ connId }) => connId).sort(), [1, 2, 3, 4, 5, 6]);
  await assert.rejects(ipEasy.connect({ host: 'echo', port, whenFull: 'fail' }), { code: 'ERR_IPEASY_NO_FREE_SOCKET' });
  await Promise.all(six.map((socket, index) => echoes(socket, `in command mode, ${index}`)));
  for (const socket of six.slice(3)) socket.destroy();

  const online = six.slice(0, 3);
  await Promise.all(online.map((socket) => socket.goOnline()));
  say(`modes: ${online.map(({ mode }) => mode).join(', ')}`);
  await Promise.all(online.map((socket, index) => echoes(socket, `online, ${index}`)));
  for (const socket of online) socket.destroy();
  echo.close();
}

async function echoes(socket: IpEasySocket, text: string): Promise<void> {
  socket.write(text);
  let heard = '';
  while (heard.length < text.length) heard += ((await once(socket, 'data')) as [Buffer])[0].toString();
  assert.equal(heard, text);
}
