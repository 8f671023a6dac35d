/* The same e-mail as in §3.5.2, by the module's own e-mail commands. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { withSockets, type Say } from './guide-setup.ts';

export async function run(say: Say): Promise<void> {
  const received: string[] = [];
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    authOptional: true,
    authMethods: ['LOGIN', 'PLAIN'],
    onAuth: ({ username }, _session, callback) => {
      callback(null, { user: username });
    },
    onRcptTo: ({ address }, _session, callback) => {
      callback(address === 'nobody@server.net' ? new Error('no such user') : null);
    },
    onData: (stream, _session, callback) => {
      let text = '';
      stream.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
      stream.on('end', () => {
        received.push(text);
        callback();
      });
    },
  });
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  const { port } = server.server.address() as AddressInfo;
  await using module = await withSockets({
    hosts: { 'smtp.domain.com:25': `127.0.0.1:${port}`, 'smtp.domain.com': `127.0.0.1:${port}` },
  });
  const { mail } = module.ipEasy;
  await mail.setAccount({ host: 'smtp.domain.com', from: 'module@domain.com', user: 'module', password: 'telit' });
  await mail.send({ to: 'receiver@server.net', subject: 'Email test', text: 'Hello World!' });
  say(`accepted: ${received.length} mail`);
  assert.ok(received[0]?.includes('Subject: Email test'));
  assert.ok(received[0]?.includes('Hello World!'));
  await assert.rejects(mail.send({ to: 'nobody@server.net', subject: 'x', text: 'y' }), {
    code: 'ERR_IPEASY_MAIL_REFUSED',
  });
  await new Promise<void>((resolve) => {
    server.close(resolve);
  });
}
