/*
 * IP Easy User Guide §3.3 and §3.2.2.5: files to and from an FTP server, and a socket that stays open meanwhile. vsftpd
 * is the server.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { finished } from 'node:stream/promises';
import { RealFtpServer } from '../../packages/he863/src/ftp/testing/real-ftp-server.ts';
import { withSockets, type Say } from './guide-setup.ts';

export async function run(say: Say): Promise<void> {
  await using server = await RealFtpServer.start();
  const echo = createServer((socket) => socket.on('error', () => undefined).pipe(socket)).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  await using module = await withSockets({
    hosts: { ftp: `127.0.0.1:${server.port}`, echo: `127.0.0.1:${(echo.address() as AddressInfo).port}` },
  });
  const socket = await module.ipEasy.connect({ host: 'echo', port: 7 });

  await using ftp = await module.ipEasy.ftp({ host: 'ftp', user: 'anonymous', password: 'pass' });
  await ftp.cwd('incoming');
  const body = Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 31) % 256));
  const upload = ftp.put('file.bin');
  upload.end(body);
  await finished(upload);
  assert.ok(Buffer.from(server.read('file.bin') ?? []).equals(body));
  say(`put: ${await ftp.size('file.bin')} bytes`);

  // The suspended socket is as it was.
  socket.write('still here?');
  assert.equal(((await once(socket, 'data')) as [Buffer])[0].toString(), 'still here?');
  say('the socket is still open');

  const more = ftp.put('file.bin', { append: true });
  more.end('appended');
  await finished(more);
  const whole = Buffer.concat([body, Buffer.from('appended')]);
  for (const mode of ['online', 'command'] as const) {
    const chunks: Buffer[] = [];
    for await (const chunk of ftp.get('file.bin', { mode })) chunks.push(chunk as Buffer);
    assert.ok(Buffer.concat(chunks).equals(whole), mode);
    say(`got: ${Buffer.concat(chunks).length} bytes, ${mode}`);
  }
  const chunks: Buffer[] = [];
  for await (const chunk of ftp.get('file.bin', { offset: 100_000 })) chunks.push(chunk as Buffer);
  assert.equal(Buffer.concat(chunks).toString(), 'appended');
  assert.ok((await ftp.list()).some((line) => line.includes('file.bin')));
  await ftp.delete('file.bin');
  assert.equal(server.read('file.bin'), undefined);
  socket.destroy();
  echo.close();
}
