/*
 * IP Easy User Guide §3.5.2: e-mail sent by speaking SMTP with AUTH LOGIN over a connection. The guide's challenges and
 * its user name are misprinted in base64; here they are right.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { withSockets, type Say } from './guide-setup.ts';
import { LineConversation } from './line-conversation.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

export async function run(say: Say): Promise<void> {
  const received: { from: string; to: string; text: string }[] = [];
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    authMethods: ['LOGIN'],
    onAuth: ({ username, password }, _session, callback) => {
      const isRight = username === 'module@domain.com' && password === 'telit';
      callback(isRight ? null : new Error('wrong'), { user: username });
    },
    onData: (stream, { envelope }, callback) => {
      let text = '';
      stream.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
      stream.on('end', () => {
        const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
        received.push({ from, to: envelope.rcptTo[0]?.address ?? '', text });
        callback();
      });
    },
  });
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  const { port } = server.server.address() as AddressInfo;
  await using module = await withSockets({ hosts: { 'smtp.domain.com:25': `127.0.0.1:${port}` } });

  const socket = await module.ipEasy.connect({ host: 'smtp.domain.com', port: 25, mode: 'online' });
  const smtp = new LineConversation(socket);
  const ask = async (line: string | undefined, code: string): Promise<string> => {
    if (line !== undefined) smtp.send(line);
    let answer = await smtp.line();
    while (answer[3] === '-') answer = await smtp.line();
    say(`${line ?? ''} -> ${answer}`);
    assert.ok(answer.startsWith(code), answer);
    return answer.slice(4);
  };
  await ask(undefined, '220');
  await ask('EHLO pcprova', '250');
  assert.equal(await ask('AUTH LOGIN', '334'), base64('Username:'));
  assert.equal(await ask(base64('module@domain.com'), '334'), base64('Password:'));
  await ask(base64('telit'), '235');
  await ask('MAIL FROM:<module@domain.com>', '250');
  await ask('RCPT TO:<receiver@server.net>', '250');
  await ask('DATA', '354');
  const body = 'This message is sent in order to test IP Easy feature. Hello World!';
  for (const line of [
    'Reply-To: <module@domain.com>',
    'From: <module@domain.com>',
    'To: <receiver@server.net>',
    'Subject: Email test',
    'Date: Fri, 19 Sep 2003 11:41:32 +0200',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset="iso-8859-1"',
    'Content-Transfer-Encoding: 7bit',
    '',
    body,
  ]) {
    smtp.send(line);
  }
  await ask('.', '250');
  await ask('QUIT', '221');
  await once(socket, 'close');

  const [mail] = received;
  assert.deepEqual([mail?.from, mail?.to], ['module@domain.com', 'receiver@server.net']);
  assert.ok(mail?.text.includes(body));
  await new Promise<void>((resolve) => {
    server.close(resolve);
  });
}
