import { latin1 } from '@cellmux/port';
import { settle, VirtualClock } from '@cellmux/port/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NetworkServer } from '../sockets/testing/network-peer.ts';
import { scriptedModule, type ScriptedHost, type ScriptedModule } from '../sockets/testing/scripted-host.ts';
import { emailCommands } from './index.ts';

let clock: VirtualClock;
let network: NetworkServer;
let module: ScriptedModule;
let host: ScriptedHost;

beforeEach(async () => {
  clock = new VirtualClock();
  network = await NetworkServer.listen();
  module = scriptedModule({
    clock,
    commands: emailCommands,
    hosts: { 'smtp.domain.com': `127.0.0.1:${network.port}` },
  });
  host = module.host(1);
  await host.run('#ESMTP', 'smtp.domain.com');
  await host.run('#EADDR', 'module@domain.com');
});
afterEach(async () => {
  await module.table.closeAll();
  network.close();
  expect(clock.pendingTimers).toBe(0);
});

/** The mail server: hears a line, says another. */
async function serve(...dialogue: (readonly [heard: string, said: string])[]): Promise<void> {
  await host.until(() => network.peers.length > 0);
  let from = 0;
  for (const [heard, said] of dialogue) {
    await host.until(() => network.peer.text.slice(from).endsWith(heard) && network.peer.text.length >= from);
    from = network.peer.text.length;
    network.peer.send(`${said}\r\n`);
  }
}

describe('#EMAILD', () => {
  beforeEach(() => host.run('#SGACT', 1, 1));

  it('gives a mail to the server, with AUTH LOGIN', async () => {
    await host.run('#EUSER', 'module@domain.com');
    await host.run('#EPASSW', 'telit');
    host.prompts.push(latin1('hello\r\n.dot\r\n'));
    const sent = host.run('#EMAILD', 'receiver@server.net', 'Email test');
    await serve(
      ['', '220 ready'],
      ['EHLO he863\r\n', '250-hello\r\n250 AUTH LOGIN'],
      ['AUTH LOGIN\r\n', '334 VXNlcm5hbWU6'],
      ['bW9kdWxlQGRvbWFpbi5jb20=\r\n', '334 UGFzc3dvcmQ6'],
      ['dGVsaXQ=\r\n', '235 ok'],
      ['MAIL FROM:<module@domain.com>\r\n', '250 ok'],
      ['RCPT TO:<receiver@server.net>\r\n', '250 ok'],
      ['DATA\r\n', '354 go'],
      ['Subject: Email test\r\n\r\nhello\r\n..dot\r\n.\r\n', '250 accepted'],
      ['QUIT\r\n', '221 bye'],
    );
    expect(await sent).toBe('\r\n> \r\nOK\r\n');
    expect(await host.run('#EMAILMSG')).toBe('\r\n#EMAILMSG: 221 bye\r\n\r\nOK\r\n');
    expect(JSON.stringify([host.text, module.events])).not.toContain('telit');
  });

  it('says ERROR to what the server refuses', async () => {
    host.prompts.push(latin1('x'));
    const sent = host.run('#EMAILD', 'nobody@server.net', 's');
    await serve(['', '220 ready'], ['HELO he863\r\n', '250 ok'], ['MAIL FROM:<module@domain.com>\r\n', '550 no relay']);
    expect(await sent).toContain('+CME ERROR: 550');
    expect(await host.run('#EMAILMSG')).toContain('#EMAILMSG: 550 no relay');
    await host.until(() => network.peer.ended);
  });

  it('gives a silent server up', async () => {
    host.prompts.push(latin1('x'));
    const sent = host.run('#EMAILD', 'nobody@server.net', 's');
    await host.until(() => network.peers.length > 0);
    await settle();
    await clock.advance(60_000);
    expect(await sent).toContain('+CME ERROR: 550');
  });

  it('sends nothing after ESC, and refuses what could forge a line', async () => {
    host.prompts.push(undefined);
    expect(await host.run('#EMAILD', 'a@b.c', 's')).toBe('\r\n> \r\nOK\r\n');
    expect(await host.run('#EMAILD', 'a@b.c>\r\nRCPT TO:<x@y', 's')).toBe('\r\n+CME ERROR: 3\r\n');
    expect(network.peers).toHaveLength(0);
  });

  it('needs a server, an address and the context', async () => {
    await host.run('#SGACT', 1, 0);
    expect(await host.run('#EMAILD', 'a@b.c', 's')).toBe('\r\n+CME ERROR: 556\r\n');
    await host.run('#EMAILACT', 1);
    expect(await host.read('#EMAILACT')).toBe('\r\n#EMAILACT: 1\r\n\r\nOK\r\n');
    await host.run('#ESMTP', '');
    expect(await host.run('#EMAILD', 'a@b.c', 's')).toBe('\r\n+CME ERROR: 3\r\n');
    await host.run('#ESMTP', 'nowhere.example');
    host.prompts.push(latin1('x'));
    expect(await host.run('#EMAILD', 'a@b.c', 's')).toBe('\r\n> \r\n+CME ERROR: 558\r\n');
  });

  it('ends with its context', async () => {
    host.prompts.push(latin1('x'));
    const sent = host.run('#EMAILD', 'a@b.c', 's');
    await host.until(() => network.peers.length > 0);
    await settle();
    module.table.contextLost(1);
    expect(await sent).toMatch(/CME ERROR/);
  });
});

describe('#SEMAIL', () => {
  it('brings the context up and down by itself', async () => {
    host.prompts.push(latin1('x'));
    const sent = host.run('#SEMAIL', 'a@b.c', 's');
    await serve(
      ['', '220 ready'],
      ['HELO he863\r\n', '250 ok'],
      ['MAIL FROM:<module@domain.com>\r\n', '250 ok'],
      ['RCPT TO:<a@b.c>\r\n', '250 ok'],
      ['DATA\r\n', '354 go'],
      ['.\r\n', '250 accepted'],
      ['QUIT\r\n', '221 bye'],
    );
    expect(await sent).toContain('OK');
    expect(module.table.contextActive(1)).toBe(false);
  });
});

describe('settings', () => {
  it('survive a power cycle once they are saved', async () => {
    await host.run('#ESAV');
    await host.run('#ESMTP', 'other');
    await module.table.reset();
    expect(await host.read('#ESMTP')).toBe('\r\n#ESMTP: "smtp.domain.com"\r\n\r\nOK\r\n');
    await host.run('#ERST');
    expect(await host.read('#EADDR')).toBe('\r\n#EADDR: ""\r\n\r\nOK\r\n');
    expect(await host.read('#EPASSW')).toContain('ERROR');
  });
});
