import type { CommandResult } from '@cellmux/at';
import type { JsonValue, ModuleServices, PortSession } from '../module/module-services.ts';
import { SOCKET_ERRORS } from '../sockets/machine/socket-transitions.ts';
import { openTransport } from '../sockets/open-transport.ts';
import { NoReply, ReplyConnection } from '../sockets/reply-connection.ts';
import { socketTableOf, type SocketTable, type StackUser } from '../sockets/socket-table.ts';
import { OpenFailure } from '../sockets/transport.ts';
import type { MailMessage } from './mail-message.ts';
import { deliver, SmtpRefusal } from './smtp-delivery.ts';

const STORED = 'email.settings';
const SMTP_PORT = 25;
/** How long a mail server may take to answer the connection. */
export const SMTP_CONNECT_TIMEOUT_MS = 60_000;
/** The server refused the mail: the list of codes has no better one. */
const UNDOCUMENTED = 550;
/** The context that mail goes through: the one of connId 1 (guide §3.2.1.2). */
const MAIL_CONN_ID = 1;

/** What #ESMTP, #EADDR, #EUSER and #EPASSW set; #ESAV writes it to NVM. */
export interface EmailSettings {
  /** `host` or `host:port`. */
  readonly server: string;
  readonly address: string;
  readonly user: string;
  /** Never shown. */
  readonly password: string;
}

const FACTORY: EmailSettings = { server: '', address: '', user: '', password: '' };

/** The mail client of a module: gives one mail at a time to an SMTP server. */
export class EmailService implements StackUser {
  readonly #table: SocketTable;
  #settings: EmailSettings;
  #lastLines: readonly string[] = [];
  #sending: AbortController | undefined;

  constructor(module: ModuleServices) {
    this.#table = socketTableOf(module);
    this.#settings = this.#stored();
    this.#table.attach(this);
  }

  get settings(): EmailSettings {
    return this.#settings;
  }

  /** The last reply of a server, for #EMAILMSG. */
  get lastLines(): readonly string[] {
    return this.#lastLines;
  }

  get isActive(): boolean {
    return this.#table.contexts.isActive(this.#cid);
  }

  change(settings: Partial<EmailSettings>): void {
    this.#settings = { ...this.#settings, ...settings };
  }

  /** #ESAV. */
  save(): void {
    this.#table.module.nvm.set(STORED, this.#settings as unknown as JsonValue);
  }

  /** #ERST. */
  restoreFactory(): void {
    this.#table.module.nvm.delete(STORED);
    this.#settings = FACTORY;
  }

  /** #EMAILACT=1. */
  async activate(signal: AbortSignal): Promise<CommandResult> {
    const activation = await this.#table.contexts.activate(this.#cid, { signal });
    return 'cme' in activation ? activation : 'OK';
  }

  /** #EMAILACT=0. */
  deactivate(): void {
    this.#table.contexts.deactivate(this.#cid);
  }

  /** Why a mail cannot even be written, if so. */
  refusal(): CommandResult | undefined {
    if (!this.isActive) return { cme: SOCKET_ERRORS.contextNotOpened };
    const { server, address } = this.#settings;
    if (server === '' || address === '' || this.#sending !== undefined)
      return { cme: SOCKET_ERRORS.operationNotAllowed };
    return undefined;
  }

  /** Sends a mail; OK when the server has taken it. */
  async send(mail: Omit<MailMessage, 'from'>, signal: AbortSignal): Promise<CommandResult> {
    const refused = this.refusal();
    if (refused !== undefined) return refused;
    const sending = new AbortController();
    this.#sending = sending;
    const { server, address, user, password } = this.#settings;
    const [, host = '', port] = /^(.*?)(?::(\d{1,5}))?$/.exec(server) ?? [];
    let connection: ReplyConnection | undefined;
    const onAbort = (): void => {
      connection?.abort();
    };
    try {
      const { transport } = await openTransport(this.#table.module, {
        transport: 'tcp',
        host,
        port: port === undefined ? SMTP_PORT : Number(port),
        localPort: 0,
        timeoutMs: SMTP_CONNECT_TIMEOUT_MS,
        signal: AbortSignal.any([signal, sending.signal]),
      });
      this.#table.track(transport);
      const opened = new ReplyConnection(transport, this.#table.clock);
      connection = opened;
      for (const stop of [signal, sending.signal]) stop.addEventListener('abort', onAbort, { once: true });
      await deliver(opened, { user, password }, { ...mail, from: address });
      return 'OK';
    } catch (error) {
      if (error instanceof OpenFailure) return { cme: error.cme };
      if (error instanceof SmtpRefusal || error instanceof NoReply) return { cme: UNDOCUMENTED };
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#lastLines = connection?.lastReply?.lines ?? this.#lastLines;
      connection?.close();
      this.#sending = undefined;
    }
  }

  contextLost(cid: number, silent: boolean): void {
    if (cid === this.#cid) this.#sending?.abort();
    if (!silent) return;
    this.#settings = this.#stored();
    this.#lastLines = [];
  }

  sessionClosed(_session: PortSession): void {
    // The command that sends is aborted with its port.
  }

  get #cid(): number {
    return this.#table.settings.configuration(MAIL_CONN_ID).cid;
  }

  #stored(): EmailSettings {
    const stored = this.#table.module.nvm.get(STORED);
    if (typeof stored !== 'object' || stored === null) return FACTORY;
    const text = (key: keyof EmailSettings): string => {
      const value = (stored as Readonly<Record<string, unknown>>)[key];
      return typeof value === 'string' ? value : FACTORY[key];
    };
    return { server: text('server'), address: text('address'), user: text('user'), password: text('password') };
  }
}

const services = new WeakMap<ModuleServices, EmailService>();

/** The mail client of the module. */
export function emailServiceOf(module: ModuleServices): EmailService {
  const service = services.get(module) ?? new EmailService(module);
  services.set(module, service);
  return service;
}
