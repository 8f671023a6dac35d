/*
 * IP Easy User Guide §3.5.1: an HTTP client fetches a page, online. The guide types GET on the serial line; here the
 * connection is a stream.
 */
import assert from 'node:assert/strict';
import { startWebServer } from './web-server.ts';
import { withSockets, type Say } from './guide-setup.ts';

export async function run(say: Say): Promise<void> {
  await using server = await startWebServer('<HTML>\n... here is all the HTML code of the page..\n</HTML>\n');
  say(`web server: ${server.name} on port ${server.port}`);
  await using module = await withSockets({ hosts: { 'www.telit.com:80': `127.0.0.1:${server.port}` } });

  const socket = await module.ipEasy.connect({ host: 'www.telit.com', port: 80, mode: 'online' });
  say(`connected, ${socket.mode}`);
  socket.write('GET / HTTP/1.1\r\nHost: www.telit.com\r\nConnection: close\r\n\r\n');
  let answer = '';
  for await (const chunk of socket) answer += (chunk as Buffer).toString('latin1');

  const [head = '', body] = answer.split('\r\n\r\n');
  say(head.split('\r\n')[0] ?? '');
  assert.match(head, /^HTTP\/1\.1 200 OK\r\n/);
  assert.equal(body, '<HTML>\n... here is all the HTML code of the page..\n</HTML>\n');
  assert.ok((await module.ipEasy.status()).every(({ state }) => state === 'closed'));
}
