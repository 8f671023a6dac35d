import type { CommandContext, CommandResult } from '@cellmux/at';
import type { PortSession } from '../module/module-services.ts';
import type { ReceiveBuffer } from './machine/receive-buffer.ts';
import type { SocketExtendedConfiguration } from './machine/socket-settings.ts';

type Context = CommandContext<PortSession>;

/** What {@link UnsolicitedLines} needs to know of its connId. */
export interface UnsolicitedSource {
  readonly connId: number;
  readonly buffer: ReceiveBuffer;
  extended(): SocketExtendedConfiguration;
  /** True while the connId is suspended with data that nobody has read. */
  isPending(): boolean;
  /** True while a connection waits for #SA. */
  isRinging(): boolean;
  isDatagram(): boolean;
  /** The most octets in one SRING. */
  viewBytes(): number;
  /** Data as `<recvDataMode>` shows it. */
  present(bytes: Uint8Array): string;
  /** A view took bytes out of the buffer and has printed them. */
  viewed(bytes: number): void;
}

/**
 * What a connId says unasked, on the port that used it last: SRING, NO CARRIER, #SL: ABORTED (IP Easy guide §3.2.1.4,
 * §4.2.2). Each kind is queued once and made when the port can print it: behind a port that is online for hours nothing
 * piles up, and no line is stale.
 */
export class UnsolicitedLines {
  readonly #source: UnsolicitedSource;
  #session: PortSession | undefined;
  #announcementQueued = false;
  #ringQueued = false;
  /** <srMode> 0 says SRING once, until the host reads. */
  #announced = false;

  constructor(source: UnsolicitedSource) {
    this.#source = source;
  }

  /** The port that is told. */
  get session(): PortSession | undefined {
    return this.#session;
  }

  set session(session: PortSession | undefined) {
    if (session === this.#session) return;
    this.#session = session;
    this.#announcementQueued = false;
    this.#ringQueued = false;
  }

  /** The host has read, or comes back to command mode: what is there is news again. */
  rearm(): void {
    this.#announced = false;
  }

  /** SRING for data. */
  announce(): void {
    if (this.#announcementQueued || (this.#source.extended().srMode === 0 && this.#announced)) return;
    this.#announcementQueued = true;
    const done = (): void => {
      this.#announcementQueued = false;
    };
    this.#say(done, (context) => {
      if (!this.#source.isPending()) return 'silent';
      this.#announced = true;
      const viewed = this.#print(context);
      if (viewed > 0) this.#source.viewed(viewed);
      return 'silent';
    });
  }

  /** A connection waits: SRING, or with `accept` what takes it by itself. */
  ring(accept?: (context: Context) => Promise<CommandResult>): void {
    if (this.#ringQueued) return;
    this.#ringQueued = true;
    const done = (): void => {
      this.#ringQueued = false;
    };
    this.#say(done, (context) => {
      if (!this.#source.isRinging()) return 'silent';
      if (accept !== undefined) return accept(context);
      context.info(`SRING: ${this.#source.connId}`);
      return 'silent';
    });
  }

  /** Told to the port whose connection it was, whoever uses the connId when that port is free to hear it. */
  noCarrier(): void {
    void this.#session?.server.unsolicited(() => 'NO CARRIER');
  }

  listenerAborted(): void {
    void this.#session?.server.unsolicited((context: Context) => {
      context.info('#SL: ABORTED');
      return 'silent';
    });
  }

  /** Calls `leftQueue` when the line's turn has come, or never will: the port is gone or has too much to say already. */
  #say(leftQueue: () => void, make: (context: Context) => CommandResult | Promise<CommandResult>): void {
    const session = this.#session;
    if (session === undefined) {
      leftQueue();
      return;
    }
    let left = false;
    const leave = (): void => {
      if (left) return;
      left = true;
      // Another port has used the connId since: what is queued now is that port's.
      if (this.#session === session) leftQueue();
    };
    const turn = (context: Context): CommandResult | Promise<CommandResult> => {
      leave();
      return this.#session === session ? make(context) : 'silent';
    };
    void session.server.unsolicited(turn).then(leave);
  }

  /** Prints one SRING; gives how many bytes went with it. */
  #print(context: Context): number {
    const { connId, buffer } = this.#source;
    const viewBytes = this.#source.viewBytes();
    const { srMode } = this.#source.extended();
    const amount = buffer.length;
    if (srMode === 0) context.info(`SRING: ${connId}`);
    if (srMode === 1) context.info(`SRING: ${connId},${amount}`);
    if (srMode < 2) return 0;
    if (srMode === 3 && this.#source.isDatagram()) {
      const { bytes, left, source } = buffer.takeDatagram(viewBytes);
      const from = `"${source?.address ?? ''}",${source?.port ?? 0}`;
      context.info(`SRING: ${from},${connId},${bytes.length},${left},${this.#source.present(bytes)}`);
      return bytes.length;
    }
    const bytes = buffer.take(viewBytes);
    context.info(`SRING: ${connId},${amount},${this.#source.present(bytes)}`);
    return bytes.length;
  }
}
