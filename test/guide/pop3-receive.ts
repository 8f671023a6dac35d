/* IP Easy User Guide §3.5.3: e-mail received by POP3, in command mode, so that the AT port stays free for others. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { runAsProgram, withSockets, type Say } from './guide-setup.ts';
import { LineConversation } from './line-conversation.ts';
import { startPop3Server } from './pop3-server.ts';

const MAIL = ['Return-Path: <module@domain.com>', 'Subject: test', '', '.dots stay', 'x'.repeat(900)]
  .join('\r\n')
  .padEnd(19_550, '\r\nmore text');

export async function run(say: Say): Promise<void> {
  await using server = await startPop3Server('module@domain.com', 'telit', [MAIL]);
  await using module = await withSockets({ hosts: { 'POP.mail.server:110': `127.0.0.1:${server.port}` } });
  const socket = await module.ipEasy.connect({ host: 'POP.mail.server', port: 110 });
  const pop = new LineConversation(socket);
  const ask = async (line?: string): Promise<string> => {
    if (line !== undefined) pop.send(line);
    const answer = await pop.line();
    say(`${line ?? ''} -> ${answer}`);
    assert.ok(answer.startsWith('+OK'), answer);
    return answer;
  };
  await ask();
  await ask('USER module@domain.com');
  assert.equal(await ask('PASS telit'), '+OK 1 messages');
  await ask('LIST');
  assert.deepEqual(await pop.block(), [`1 ${MAIL.length}`]);
  await ask('RETR 1');
  assert.equal((await pop.block()).join('\r\n'), MAIL);
  // The AT port has been free for other commands all the time.
  assert.match((await module.at.command('AT+CSQ')).lines[0] ?? '', /^\+CSQ: /);
  await ask('QUIT');
  await once(socket, 'close');
}

await runAsProgram(import.meta.url, run);
