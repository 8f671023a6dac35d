/* IP Easy User Guide §3.2.2.8: dial-up on the first context, sockets on the second one, at the same time. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { IpEasy } from '@cellmux/ipeasy';
import { dialPpp } from '@cellmux/ppp';
import { threePorts, type Say } from './guide-setup.ts';

export async function run(say: Say): Promise<void> {
  const echo = createServer((socket) => socket.on('error', () => undefined).pipe(socket)).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const { port } = echo.address() as AddressInfo;
  await using module = await threePorts();
  const [first, second] = module.ports;

  await using ipEasy = new IpEasy([second], { sockets: { cid: 2 } });
  await ipEasy.defineContext({ cid: 2, apn: 'internet' });
  await ipEasy.activate({ cid: 2 });
  await first.command('AT+CGDCONT=1,"IP","internet"');
  const call = await dialPpp(first, { cid: 1 });
  say(`dial-up: ${call.network.localAddress}`);

  const socket = await ipEasy.connect({ host: '127.0.0.1', port });
  const text = 'x'.repeat(20_000);
  socket.write(text);
  let heard = '';
  while (heard.length < text.length) heard += ((await once(socket, 'data')) as [Buffer])[0].toString();
  assert.equal(heard, text);
  say('the socket has carried 20000 bytes each way beside it');

  // The dial-up context is not for IP Easy while the call is up.
  await assert.rejects(ipEasy.activate({ cid: 1 }));
  socket.destroy();
  await call.close();
  echo.close();
}
