import { Duplex } from 'node:stream';
import { checkInteger, hasCode } from '@cellmux/port';
import type { Observable, Subscription } from 'rxjs';

/** What carries IP packets: a `PppLink`, a `PppCall`. */
export interface PacketChannel {
  readonly packets$: Observable<Uint8Array>;
  send(packet: Uint8Array): Promise<void>;
  pause(): void;
  resume(): void;
  close(options?: { signal?: AbortSignal }): Promise<void>;
}

/** Options of {@link toPacketDuplex}. */
export interface PacketDuplexOptions {
  /** Packets that each direction holds before it asks to wait; 1 to 65536, default 64. */
  readonly highWaterMarkPackets?: number;
}

/** Packets kept beyond the high-water mark: those under way when the far side was asked to wait. More are dropped. */
export const UNREAD_LIMIT_PACKETS = 4096;

/** Packets handed to the link in one go: about two chunks of the line, and no more than its queue holds by default. */
const SENT_TOGETHER = 32;

type Callback = (error?: Error | null) => void;

class PacketDuplex extends Duplex {
  readonly #channel: PacketChannel;
  readonly #subscription: Subscription;

  constructor(channel: PacketChannel, highWaterMark: number) {
    super({ objectMode: true, highWaterMark, allowHalfOpen: false });
    this.#channel = channel;
    this.#subscription = channel.packets$.subscribe({
      next: (packet) => {
        if (this.readableLength < highWaterMark + UNREAD_LIMIT_PACKETS && !this.push(packet)) channel.pause();
      },
      complete: () => {
        this.push(null);
      },
      error: (error: unknown) => {
        this.destroy(asError(error));
      },
    });
  }

  override _read(): void {
    this.#channel.resume();
  }

  override _write(packet: Uint8Array, _encoding: BufferEncoding, callback: Callback): void {
    this.#channel.send(packet).then(
      () => {
        callback();
      },
      (error: unknown) => {
        callback(asError(error));
      },
    );
  }

  override _writev(packets: { chunk: Uint8Array }[], callback: Callback): void {
    this.#sendAll(packets.map(({ chunk }) => chunk)).then(
      () => {
        callback();
      },
      (error: unknown) => {
        callback(asError(error));
      },
    );
  }

  /** Several at a time, so that they share a chunk on the line, and no more than the link keeps waiting. */
  async #sendAll(packets: readonly Uint8Array[]): Promise<void> {
    for (let next = 0; next < packets.length;) {
      const together = packets.slice(next, next + SENT_TOGETHER);
      const outcomes = await Promise.allSettled(together.map((packet) => this.#channel.send(packet)));
      const firstFailed = outcomes.findIndex(({ status }) => status === 'rejected');
      if (firstFailed < 0) {
        next += together.length;
        continue;
      }
      const { reason } = outcomes[firstFailed] as { readonly reason: unknown };
      // A link with a shorter queue has taken as many as it could; the rest goes after them.
      if (firstFailed === 0 || !hasCode(reason, 'ERR_PPP_QUEUE_FULL')) throw asError(reason);
      next += firstFailed;
    }
  }

  override _final(callback: Callback): void {
    void this.#channel.close();
    callback();
  }

  override _destroy(error: Error | null, callback: Callback): void {
    this.#subscription.unsubscribe();
    this.#channel.resume();
    const options = this.writableFinished ? undefined : { signal: AbortSignal.abort() };
    this.#channel.close(options).then(
      () => {
        callback(error);
      },
      () => {
        callback(error);
      },
    );
  }
}

/**
 * A Node.js stream in object mode over a link: what is read and written are IP packets. While nobody reads, the far side
 * is asked to wait; a write calls back when the port has taken its packet. `end()` closes the link in order, `destroy()`
 * at once.
 *
 * @throws CellmuxError `ERR_OPTION_RANGE`.
 */
export function toPacketDuplex(
  channel: PacketChannel,
  { highWaterMarkPackets = 64 }: PacketDuplexOptions = {},
): Duplex {
  return new PacketDuplex(channel, checkInteger('highWaterMarkPackets', highWaterMarkPackets, 1, 65_536));
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
