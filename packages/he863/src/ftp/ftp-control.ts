import { latin1, type Clock } from '@cellmux/port';
import type { Transport } from '../sockets/transport.ts';
import { FTP_ERRORS, FtpFailure } from './ftp-failure.ts';
import { FtpReplyReader, type FtpReply } from './ftp-reply.ts';

/** Replies that may come before somebody asks for them; a server that sends more is talking nonsense. */
const UNASKED_REPLIES = 8;
const READ_BYTES = 4096;

interface Waiter {
  readonly resolve: (reply: FtpReply) => void;
  readonly reject: (error: unknown) => void;
}

/** The control connection of a FTP session (RFC 959): one command at a time, and its replies. */
export class FtpControl {
  readonly transport: Transport;
  /** The last reply, for #FTPMSG. */
  lastReply: FtpReply | undefined;
  readonly #clock: Clock;
  readonly #reader = new FtpReplyReader();
  readonly #replies: FtpReply[] = [];
  #waiter: Waiter | undefined;
  #isOver = false;

  constructor(transport: Transport, clock: Clock) {
    this.transport = transport;
    this.#clock = clock;
    transport.start({
      readable: () => {
        this.#read();
      },
      peerFinished: () => {
        this.close();
      },
      broken: () => {
        this.close();
      },
      drained: () => undefined,
    });
  }

  /** True when the server has hung up or did not answer in time. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * Sends a command and waits for its first reply.
   *
   * @throws FtpFailure 606 when there is none in time.
   */
  command(line: string, timeoutMs: number): Promise<FtpReply> {
    if (this.#isOver) return Promise.reject(new FtpFailure(FTP_ERRORS.notConnected));
    this.transport.write(latin1(`${line}\r\n`));
    return this.reply(timeoutMs);
  }

  /** Waits for the next reply; one that says "later" (1xx) is a reply too. */
  reply(timeoutMs: number): Promise<FtpReply> {
    const ready = this.#replies.shift();
    if (ready !== undefined) return Promise.resolve(ready);
    if (this.#isOver) return Promise.reject(new FtpFailure(FTP_ERRORS.badResponse));
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(timeoutMs, () => {
        // An answer that comes later would be taken for that of another command.
        this.abort();
      });
      this.#waiter = {
        resolve: (reply) => {
          cancel();
          resolve(reply);
        },
        reject: (error) => {
          cancel();
          reject(error);
        },
      };
    });
  }

  close(): void {
    this.#end();
    this.transport.end();
  }

  abort(): void {
    this.#end();
    this.transport.abort();
  }

  #end(): void {
    this.#isOver = true;
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.reject(new FtpFailure(FTP_ERRORS.badResponse));
  }

  #read(): void {
    for (;;) {
      const got = this.transport.read(READ_BYTES);
      if (got === undefined) return;
      for (const reply of this.#reader.push(got.bytes)) this.#take(reply);
    }
  }

  #take(reply: FtpReply): void {
    this.lastReply = reply;
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (waiter !== undefined) waiter.resolve(reply);
    else if (this.#replies.length < UNASKED_REPLIES) this.#replies.push(reply);
  }
}
