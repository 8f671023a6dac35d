/*
 * IP Easy User Guide §3.5.3: e-mail received by POP3, in command mode, so that the AT port stays free for others.
 * Dovecot is the server.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { withSockets, type Say } from './guide-setup.ts';
import { LineConversation } from './line-conversation.ts';
import { RealPop3Server } from './real-pop3-server.ts';

const HEAD = ['Return-Path: <module@domain.com>', 'Subject: test', '', '.a line that begins with a dot', '.', '..', ''];
const MAIL = [...HEAD, 'x'.repeat(900), ...Array.from({ length: 1000 }, (_, index) => `line ${index}`)]
  .join('\r\n')
  .slice(0, 19_548)
  .concat('\r\n');

export async function run(say: Say): Promise<void> {
  await using server = await RealPop3Server.start('telit', [MAIL]);
  await using module = await withSockets({ hosts: { 'POP.mail.server:110': `127.0.0.1:${server.port}` } });
  const socket = await module.ipEasy.connect({ host: 'POP.mail.server', port: 110 });
  const pop = new LineConversation(socket);
  const ask = async (line?: string): Promise<string> => {
    if (line !== undefined) pop.send(line);
    const answer = await pop.line();
    say(line === undefined ? answer : `${line} -> ${answer}`);
    assert.ok(answer.startsWith('+OK'), answer);
    return answer;
  };
  await ask();
  await ask('USER module@domain.com');
  await ask('PASS telit');
  await ask('LIST');
  assert.deepEqual(await pop.block(), [`1 ${MAIL.length}`]);
  await ask('RETR 1');
  assert.equal(`${(await pop.block()).join('\r\n')}\r\n`, MAIL);
  say(`a mail of ${MAIL.length} bytes, as it was sent`);
  // The AT port has been free for other commands all the time.
  assert.match((await module.at.command('AT+CSQ')).lines[0] ?? '', /^\+CSQ: /);
  await ask('QUIT');
  await once(socket, 'close');
}
