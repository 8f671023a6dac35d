import type { Clock } from '@cellmux/port';
import type { ServerReply } from '../sockets/machine/reply-reader.ts';
import { ReplyConnection } from '../sockets/reply-connection.ts';
import type { Transport } from '../sockets/transport.ts';
import { agreeOnData } from './ftp-data.ts';
import { FTP_ERRORS, FtpFailure } from './ftp-failure.ts';

/** Options of {@link FtpSession}. */
export interface FtpSessionOptions {
  readonly clock: Clock;
  /** `<mode>` of #FTPOPEN. */
  readonly passive: boolean;
  /** #FTPTO in milliseconds, as it is now. */
  readonly timeoutMs: () => number;
  /** Told of each data connection, so that the module can end it with itself. */
  readonly track: (transport: Transport) => void;
}

/** A FTP session (RFC 959) as the module's client has it with a server. */
export class FtpSession {
  readonly #control: ReplyConnection;
  readonly #options: FtpSessionOptions;
  #type = 0;
  #restartAt = 0;
  #data: Transport | undefined;

  /** On a connection to the server that is open and from which nothing was read. */
  constructor(transport: Transport, options: FtpSessionOptions) {
    this.#options = options;
    this.#control = new ReplyConnection(transport, options.clock);
  }

  /** True when the server has hung up. */
  get isOver(): boolean {
    return this.#control.isOver;
  }

  /** `<type>` of #FTPTYPE: 0 binary, 1 ASCII. */
  get type(): number {
    return this.#type;
  }

  /** The last reply of the server, line by line. */
  get lastLines(): readonly string[] {
    return this.#control.lastReply?.lines ?? [];
  }

  /**
   * Greets and logs in.
   *
   * @throws FtpFailure 606 when the server will not.
   */
  async login(user: string, password: string): Promise<void> {
    let greeting = await this.#control.reply(this.#timeoutMs);
    if (greeting.code === 120) greeting = await this.#control.reply(this.#timeoutMs);
    expectCode(greeting, 220);
    let reply = await this.#command(`USER ${user}`);
    if (reply.code === 331) reply = await this.#command(`PASS ${password}`);
    expectCode(reply, 230);
    await this.setType(0);
  }

  async setType(type: number): Promise<void> {
    expectCode(await this.#command(type === 0 ? 'TYPE I' : 'TYPE A'), 200);
    this.#type = type;
  }

  /** #FTPREST: where the next {@link retrieve} begins, once. */
  restartAt(position: number): void {
    this.#restartAt = position;
  }

  async changeDirectory(directory: string): Promise<void> {
    expectCode(await this.#command(`CWD ${directory}`), 250, 200);
  }

  /** The server's own words. */
  async workingDirectory(): Promise<string> {
    const reply = await this.#command('PWD');
    expectCode(reply, 257);
    return reply.lines.at(-1) ?? '';
  }

  async delete(file: string): Promise<void> {
    expectCode(await this.#command(`DELE ${file}`), 250, 200);
  }

  async size(file: string): Promise<number> {
    const reply = await this.#command(`SIZE ${file}`);
    expectCode(reply, 213);
    const size = Number(/^213 +(\d{1,15})/.exec(reply.lines.at(-1) ?? '')?.[1]);
    if (!Number.isSafeInteger(size)) throw new FtpFailure(FTP_ERRORS.badResponse);
    return size;
  }

  store(file: string): Promise<Transport> {
    return this.#transfer(`STOR ${file}`);
  }

  append(file: string): Promise<Transport> {
    return this.#transfer(`APPE ${file}`);
  }

  retrieve(file: string): Promise<Transport> {
    const from = this.#restartAt;
    this.#restartAt = 0;
    return this.#transfer(`RETR ${file}`, from);
  }

  list(name: string): Promise<Transport> {
    return this.#transfer(name === '' ? 'LIST' : `LIST ${name}`);
  }

  /** The data connection is over: waits for what the server says to that. True when it has it all. */
  async finished(): Promise<boolean> {
    const { code } = await this.#control.reply(this.#timeoutMs);
    return code === 226 || code === 250;
  }

  async quit(): Promise<void> {
    await this.#command('QUIT').catch(() => undefined);
    this.#control.close();
  }

  /** Ends the session and a transfer at once. */
  abort(): void {
    this.#control.abort();
    this.#data?.abort();
  }

  get #timeoutMs(): number {
    return this.#options.timeoutMs();
  }

  #command(line: string): Promise<ServerReply> {
    return this.#control.command(line, this.#timeoutMs);
  }

  async #transfer(line: string, from = 0): Promise<Transport> {
    const { clock, passive, track } = this.#options;
    const data = await agreeOnData({ control: this.#control, passive, clock, timeoutMs: this.#timeoutMs });
    try {
      if (from > 0) expectCode(await this.#command(`REST ${from}`), 350);
      expectCode(await this.#command(line), 150, 125);
      const transport = await data.connected();
      track(transport);
      this.#data = transport;
      return transport;
    } catch (error) {
      data.cancel();
      throw error;
    }
  }
}

function expectCode(reply: ServerReply, ...codes: number[]): void {
  if (!codes.includes(reply.code)) throw new FtpFailure(FTP_ERRORS.badResponse);
}
