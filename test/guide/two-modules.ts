/* IP Easy User Guide §3.5.4: one module listens behind its firewall, the other one connects to it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { withSockets, type Say } from './guide-setup.ts';
import { freePort } from './web-server.ts';

export async function run(say: Say): Promise<void> {
  const port = await freePort();
  await using server = await withSockets({ listenPorts: { 1024: port } });
  await using client = await withSockets({ hosts: { '217.201.142.223:1024': `127.0.0.1:${port}` } });

  const heard: string[] = [];
  const listener = await server.ipEasy.listen({ port: 1024 }, (socket) => {
    socket.on('data', (chunk: Buffer) => {
      heard.push(chunk.toString());
      socket.write('and hello to you');
    });
  });
  say(`listening on ${listener.address()?.port}`);

  // The firewall drops everybody until a rule accepts somebody.
  const refused = await client.ipEasy.connect({ host: '217.201.142.223', port: 1024 }).catch((error: unknown) => error);
  say(`without a rule: ${refused instanceof Error ? refused.message : 'closed at once'}`);
  await server.ipEasy.firewall.allow('198.158.1.1', '0.0.0.0');
  say(`rules: ${JSON.stringify(await server.ipEasy.firewall.rules())}`);

  const socket = await client.ipEasy.connect({ host: '217.201.142.223', port: 1024 });
  socket.write('hello');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  assert.equal(answer.toString(), 'and hello to you');
  assert.deepEqual(heard, ['hello']);
  socket.destroy();
  say(`answer: ${answer.toString()}`);
}
