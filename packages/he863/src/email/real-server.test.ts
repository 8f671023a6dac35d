import { fromLatin1, latin1 } from '@cellmux/port';
import fc from 'fast-check';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scriptedModule, type ScriptedHost, type ScriptedModule } from '../sockets/testing/scripted-host.ts';
import { emailCommands } from './index.ts';

interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly user: string | undefined;
  readonly text: string;
}

let server: SMTPServer;
let mails: Mail[];
let module: ScriptedModule;
let host: ScriptedHost;

beforeEach(async () => {
  mails = [];
  server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    authOptional: true,
    allowInsecureAuth: true,
    authMethods: ['LOGIN'],
    onAuth: ({ username, password }, _session, callback) => {
      if (password === 'telit') callback(null, { user: username ?? '' });
      else callback(new Error('wrong password'));
    },
    onRcptTo: ({ address }, _session, callback) => {
      callback(address.startsWith('nobody') ? new Error('no such user') : null);
    },
    onData: (stream, { envelope, user }, callback) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
        const to = envelope.rcptTo.map(({ address }) => address);
        mails.push({ from, to, user, text: Buffer.concat(chunks).toString('latin1') });
        callback();
      });
    },
  });
  server.on('error', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  const { port } = server.server.address() as AddressInfo;
  module = scriptedModule({ commands: emailCommands, hosts: { 'smtp.domain.com': `127.0.0.1:${port}` } });
  host = module.host(1);
  await host.run('#SGACT', 1, 1);
  await host.run('#ESMTP', 'smtp.domain.com');
  await host.run('#EADDR', 'module@domain.com');
});
afterEach(async () => {
  await module.table.closeAll();
  await new Promise<void>((resolve) => {
    server.close(resolve);
  });
});

async function mail(to: string, body: string): Promise<string> {
  host.prompts.push(latin1(body));
  return host.run('#EMAILD', to, 'Subject of it');
}

describe('a real mail server', () => {
  it('gets what was typed, whatever it says, and nothing else', async () => {
    // Ends of lines become CR LF, as mail has them; a server that is told nothing of 8 bits keeps them all the same.
    const body = fc
      .array(fc.oneof(fc.constantFrom('.', '..', '\r\n', '\r\n.\r\n', 'QUIT\r\n'), fc.string({ maxLength: 30 })), {
        maxLength: 12,
      })
      .map((parts) => fromLatin1(latin1(parts.join('').replaceAll(/[^\x20-\x7e\r\n]/g, '?'))));
    await fc.assert(
      fc.asyncProperty(body, async (text) => {
        const before = mails.length;
        expect(await mail('receiver@server.net', text)).toBe('\r\n> \r\nOK\r\n');
        expect(mails).toHaveLength(before + 1);
        const { from, to, text: got } = mails.at(-1) as Mail;
        expect({ from, to }).toEqual({ from: 'module@domain.com', to: ['receiver@server.net'] });
        const [head = '', ...rest] = got.split('\r\n\r\n');
        expect(head).toContain('Subject: Subject of it');
        const lines = text.split(/\r\n|\r|\n/);
        expect(rest.join('\r\n\r\n').split('\r\n').slice(0, lines.length)).toEqual(lines);
      }),
      { numRuns: 30 },
    );
  });

  it('knows the user by AUTH LOGIN, and refuses a wrong password', async () => {
    await host.run('#EUSER', 'module');
    await host.run('#EPASSW', 'telit');
    expect(await mail('receiver@server.net', 'hello')).toBe('\r\n> \r\nOK\r\n');
    expect(mails.at(-1)?.user).toBe('module');
    await host.run('#EPASSW', 'guess');
    expect(await mail('receiver@server.net', 'hello')).toBe('\r\n> \r\n+CME ERROR: 550\r\n');
    expect(await host.run('#EMAILMSG')).toContain('#EMAILMSG: 535');
    expect(mails).toHaveLength(1);
  });

  it('refuses a recipient, and takes the next mail', async () => {
    expect(await mail('nobody@server.net', 'hello')).toBe('\r\n> \r\n+CME ERROR: 550\r\n');
    expect(await host.run('#EMAILMSG')).toContain('no such user');
    expect(await mail('receiver@server.net', 'hello')).toBe('\r\n> \r\nOK\r\n');
  });
});
