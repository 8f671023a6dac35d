import { latin1, type Clock } from '@cellmux/port';
import { ReplyReader, type ServerReply } from './machine/reply-reader.ts';
import type { Transport } from './transport.ts';

/** Replies that may come before somebody asks for them; a server that sends more is talking nonsense. */
const UNASKED_REPLIES = 8;
const READ_BYTES = 4096;

interface Waiter {
  readonly resolve: (reply: ServerReply) => void;
  readonly reject: (error: unknown) => void;
}

/** The server hung up, or said nothing in time. */
export class NoReply extends Error {}

/** A connection on which one gives commands and a server replies: FTP's control connection, SMTP. */
export class ReplyConnection {
  readonly transport: Transport;
  /** The last reply, for #FTPMSG and #EMAILMSG. */
  lastReply: ServerReply | undefined;
  readonly #clock: Clock;
  readonly #reader = new ReplyReader();
  readonly #replies: ServerReply[] = [];
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
   * @throws NoReply when there is none in time.
   */
  command(line: string, timeoutMs: number): Promise<ServerReply> {
    return this.write(latin1(`${line}\r\n`), timeoutMs);
  }

  /** Sends bytes and waits for the reply to them. */
  write(bytes: Uint8Array, timeoutMs: number): Promise<ServerReply> {
    if (this.#isOver) return Promise.reject(new NoReply());
    this.transport.write(bytes);
    return this.reply(timeoutMs);
  }

  /** Waits for the next reply; one that says "later" (1xx) is a reply too. */
  reply(timeoutMs: number): Promise<ServerReply> {
    const ready = this.#replies.shift();
    if (ready !== undefined) return Promise.resolve(ready);
    if (this.#isOver) return Promise.reject(new NoReply());
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
    waiter?.reject(new NoReply());
  }

  #read(): void {
    for (;;) {
      const got = this.transport.read(READ_BYTES);
      if (got === undefined) return;
      for (const reply of this.#reader.push(got.bytes)) this.#take(reply);
    }
  }

  #take(reply: ServerReply): void {
    this.lastReply = reply;
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (waiter !== undefined) waiter.resolve(reply);
    else if (this.#replies.length < UNASKED_REPLIES) this.#replies.push(reply);
  }
}
