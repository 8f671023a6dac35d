import { concatBytes, fromLatin1, latin1 } from '@cellmux/port';
import { Base64Encoder } from '../sockets/machine/base64.ts';
import { NoReply, type ReplyConnection } from '../sockets/reply-connection.ts';
import { mailData, type MailMessage } from './mail-message.ts';

/** How long a mail server may think about each command. */
export const SMTP_REPLY_TIMEOUT_MS = 60_000;

/** How the module introduces itself. */
const OWN_NAME = 'he863';

/** Who sends. */
export interface SmtpCredentials {
  /** Empty: the server asks for no authentication. */
  readonly user: string;
  readonly password: string;
}

/** The server refused a step; its words are the connection's last reply. */
export class SmtpRefusal extends Error {}

/**
 * Gives a mail to a server that has just been connected to (RFC 5321, and AUTH LOGIN as mail servers know it).
 *
 * @throws SmtpRefusal, or NoReply when the server falls silent.
 */
export async function deliver(
  server: ReplyConnection,
  { user, password }: SmtpCredentials,
  message: MailMessage,
): Promise<void> {
  const expect = async (code: number, line?: string | Uint8Array): Promise<void> => {
    const bytes = typeof line === 'string' ? latin1(`${line}\r\n`) : line;
    const reply = await (bytes === undefined
      ? server.reply(SMTP_REPLY_TIMEOUT_MS)
      : server.write(bytes, SMTP_REPLY_TIMEOUT_MS));
    if (reply.code !== code) throw new SmtpRefusal();
  };
  await expect(220);
  if (user === '') await expect(250, `HELO ${OWN_NAME}`);
  else {
    await expect(250, `EHLO ${OWN_NAME}`);
    await expect(334, 'AUTH LOGIN');
    await expect(334, base64(user));
    await expect(235, base64(password));
  }
  await expect(250, `MAIL FROM:<${message.from}>`);
  await expect(250, `RCPT TO:<${message.to}>`);
  await expect(354, 'DATA');
  await expect(250, mailData(message));
  // The mail is with the server: what it says to QUIT changes nothing.
  await expect(221, 'QUIT').catch((error: unknown) => {
    if (!(error instanceof SmtpRefusal) && !(error instanceof NoReply)) throw error;
  });
}

function base64(text: string): string {
  const encoder = new Base64Encoder(false);
  const body = encoder.push(latin1(text)).slice();
  return fromLatin1(concatBytes([body, encoder.finish()]));
}
