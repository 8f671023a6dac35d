import { atString, type AtClient } from '@cellmux/at';
import { CellmuxError, latin1, type AbortOptions } from '@cellmux/port';
import type { AtLane } from './at-lane.ts';
import { hostProblem } from './core/command-lines.ts';
import { ipEasyError, isRefusal } from './ip-easy-error.ts';

/** Who sends, and through which server. The module keeps it until it is set again. */
export interface MailAccount {
  /** SMTP server: name or address. */
  readonly host: string;
  /** Address of the sender. */
  readonly from: string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** Keeps the account in the module's NVM; default false. */
  readonly save?: boolean | undefined;
}

/** One message. */
export interface Mail {
  readonly to: string;
  readonly subject: string;
  /** Latin-1 text without Ctrl-Z, ESC and backspace, with which the module's prompt would end or change it. */
  readonly text: string;
}

/** The server answers at its leisure (AT guide: 150 s). */
const SEND_TIMEOUT_MS = 150_000;

/**
 * E-mail by the module's own commands. The recipient and the subject stand in one command line, which takes 80
 * characters in all: longer ones need an SMTP library on a socket.
 */
export class IpEasyMail {
  readonly #lane: () => AtLane;
  readonly #timeoutMs: number;

  /** @internal Use `IpEasy.mail`. */
  constructor(lane: () => AtLane, timeoutMs: number) {
    this.#lane = lane;
    this.#timeoutMs = timeoutMs;
  }

  /** Sets server and sender. Rejects with `ERR_IPEASY_HOST`, `ERR_AT_UNSAFE_TEXT`, `ERR_AT_LINE_TOO_LONG`. */
  async setAccount(account: MailAccount, { signal }: AbortOptions = {}): Promise<void> {
    const problem = hostProblem(account.host);
    if (problem !== undefined) throw new CellmuxError('ERR_IPEASY_HOST', `mail server ${problem}`);
    const { from, user, password, save = false } = account;
    await this.#run(async (at) => {
      await this.#command(at, `AT#ESMTP=${atString(account.host)}`);
      await this.#command(at, `AT#EADDR=${atString(from)}`);
      if (user !== undefined) await this.#command(at, `AT#EUSER=${atString(user)}`);
      if (password !== undefined) {
        await at.command(`AT#EPASSW=${atString(password)}`, { timeoutMs: this.#timeoutMs, secret: true });
      }
      if (save) await this.#command(at, 'AT#ESAV');
    }, signal);
  }

  /**
   * Sends a message over the active context; resolves when the server has accepted it. Rejects with
   * `ERR_IPEASY_MAIL_REFUSED`, the server's last words in `context.reply`; `ERR_AT_LINE_TOO_LONG`, `ERR_AT_UNSAFE_TEXT`.
   */
  async send({ to, subject, text }: Mail, { signal }: AbortOptions = {}): Promise<void> {
    const line = `AT#EMAILD=${atString(to)},${atString(subject)},0`;
    await this.#run(async (at) => {
      try {
        await at.command(line, { timeoutMs: SEND_TIMEOUT_MS, prompt: { bytes: latin1(text), end: 'ctrlZ' } });
      } catch (error) {
        if (!isRefusal(error)) throw error;
        const reply = await this.#lastReply(at);
        throw new CellmuxError(
          'ERR_IPEASY_MAIL_REFUSED',
          `mail to ${to} was not sent${reply === '' ? '' : `: ${reply}`}`,
          {
            cause: error,
            hint: 'Check the SMTP server, the sender and the credentials, and that context 1 is active.',
            context: { reply },
          },
        );
      }
    }, signal);
  }

  async #lastReply(at: AtClient): Promise<string> {
    try {
      const { lines } = await this.#command(at, 'AT#EMAILMSG');
      return lines
        .map((line) => line.replace(/^#EMAILMSG:\s*/, ''))
        .join(' ')
        .trim();
    } catch (error) {
      if (isRefusal(error)) return '';
      throw error;
    }
  }

  #command(at: AtClient, line: string) {
    return at.command(line, { timeoutMs: this.#timeoutMs });
  }

  async #run(job: (at: AtClient) => Promise<void>, signal: AbortSignal | undefined): Promise<void> {
    try {
      await this.#lane().run(job, { signal });
    } catch (error) {
      throw ipEasyError(error, 'mail');
    }
  }
}
