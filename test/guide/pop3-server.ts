import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

/** A POP3 server (RFC 1939) with one mailbox of which nothing is ever deleted before QUIT. */
export async function startPop3Server(
  user: string,
  password: string,
  mails: readonly string[],
): Promise<{ readonly port: number } & AsyncDisposable> {
  const server = createServer((socket) => {
    let rest = '';
    let name = '';
    let isOpen = false;
    const say = (line: string): void => {
      socket.write(`${line}\r\n`, 'latin1');
    };
    const handle = (line: string): void => {
      const [command = '', argument = ''] = line.split(' ');
      const mail = mails[Number(argument) - 1];
      switch (command.toUpperCase()) {
        case 'USER':
          name = argument;
          return say('+OK Password required');
        case 'PASS':
          isOpen = name === user && argument === password;
          return say(isOpen ? `+OK ${mails.length} messages` : '-ERR wrong user or password');
        case 'QUIT':
          say('+OK POP3 server closing connection');
          socket.end();
          return;
      }
      if (!isOpen) return say('-ERR not authorised');
      switch (command.toUpperCase()) {
        case 'STAT':
          return say(`+OK ${mails.length} ${mails.reduce((sum, text) => sum + text.length, 0)}`);
        case 'LIST':
          say('+OK');
          mails.forEach((text, index) => {
            say(`${index + 1} ${text.length}`);
          });
          return say('.');
        case 'RETR':
          if (mail === undefined) return say('-ERR no such message');
          say(`+OK ${mail.length} bytes`);
          for (const text of mail.split('\r\n')) say(text.startsWith('.') ? `.${text}` : text);
          return say('.');
        default:
          return say('-ERR unknown command');
      }
    };
    socket.on('data', (chunk) => {
      const lines = (rest + chunk.toString('latin1')).split('\r\n');
      rest = lines.pop() ?? '';
      lines.forEach(handle);
    });
    socket.on('error', () => undefined);
    say('+OK POP3 server ready');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}
