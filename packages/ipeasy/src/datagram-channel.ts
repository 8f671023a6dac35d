import { CellmuxError, concatBytes, hasCode } from '@cellmux/port';
import type { AtLane, LaneUser } from './at-lane.ts';
import { closeConnId } from './close-conn-id.ts';
import { receive, send, type TransferSettings } from './command-transfer.ts';
import type { ConnIdHost, ConnIdUser } from './conn-id-user.ts';
import { ipEasyError, isRefusal } from './ip-easy-error.ts';
import { Unread } from './unread.ts';

/** A datagram and who sent it, where the module tells. */
export interface Datagram {
  readonly bytes: Uint8Array;
  readonly source?: { readonly address: string; readonly port: number } | undefined;
}

/** What a datagram channel tells the socket above it. */
export interface DatagramSink {
  onDatagram(datagram: Datagram): void;
  /** The module has closed the socket. */
  onEnd(): void;
  onFailed(error: unknown): void;
}

/** What a datagram channel is made of. */
export interface DatagramChannelOptions {
  readonly connId: number;
  readonly cid: number;
  readonly lane: AtLane;
  readonly host: ConnIdHost;
  readonly transfer: TransferSettings;
  /** Whether #SRECV takes a third parameter and then reads one datagram at a time. */
  readonly udpInfo: boolean;
  /** It does not, whatever its test command says. */
  readonly onNoUdpInfo: () => void;
  readonly sink: DatagramSink;
}

interface Waiting {
  readonly bytes: Uint8Array;
  readonly sent: () => void;
  readonly failed: (reason: unknown) => void;
}

/** Datagrams that wait to be sent; beyond, a send is refused. */
export const DATAGRAM_QUEUE_LIMIT_COUNT = 256;
/** Their octets. */
export const DATAGRAM_QUEUE_LIMIT_BYTES = 256 * 1024;
/** Datagrams announced and not yet read of which the sizes are kept. */
const ANNOUNCED_LIMIT_COUNT = 1024;
/** Reads that one datagram may take: 64 KiB in reads of 1500. */
const PARTS_LIMIT_COUNT = 44;
const RECEIVE_ATTEMPTS = 3;

/**
 * One UDP connId in command mode. One send command is one datagram. For the other direction the module's buffer has no
 * borders: where `#SRECV` can read one datagram at a time it is asked to, else the sizes come from the SRING of each
 * datagram, whose amount grows by exactly that.
 */
export class DatagramChannel implements LaneUser, ConnIdUser {
  readonly connId: number;
  readonly cid: number;
  readonly lane: AtLane;
  readonly #options: DatagramChannelOptions;
  #mode: 'opening' | 'open' | 'closed' = 'opening';
  readonly #unread = new Unread();
  #wasOpen = false;
  #isPaused = false;
  #udpInfo: boolean;
  #refusals = 0;
  #activity = 0;
  /** Sizes of the datagrams that wait in the module, first in first. */
  readonly #announced: number[] = [];
  #announcedBytes = 0;
  /** A datagram that is longer than one read. */
  readonly #partial: Uint8Array[] = [];
  readonly #outgoing: Waiting[] = [];
  #outgoingBytes = 0;
  #wroteLast = false;
  #closing: Promise<void> | undefined;

  constructor(options: DatagramChannelOptions) {
    this.#options = options;
    this.#udpInfo = options.udpInfo;
    this.connId = options.connId;
    this.cid = options.cid;
    this.lane = options.lane;
  }

  get activity(): number {
    return this.#activity;
  }

  get isSettled(): boolean {
    return this.#mode === 'open';
  }

  /** True once the socket was open. */
  get wasOpen(): boolean {
    return this.#wasOpen;
  }

  get queuedBytes(): number {
    return this.#outgoingBytes;
  }

  get queuedCount(): number {
    return this.#outgoing.length;
  }

  opened(): void {
    if (this.#mode !== 'opening') return;
    this.#mode = 'open';
    this.#wasOpen = true;
    this.lane.join(this);
  }

  abandoned(): void {
    this.#finish();
    this.#options.host.released(this);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.lane.poke();
  }

  /** Queues one datagram; resolves when the module has taken it. */
  send(bytes: Uint8Array): Promise<void> {
    const limitBytes = this.#options.transfer.sendBytes;
    if (this.#mode === 'closed') return Promise.reject(closedError(this.connId));
    if (bytes.length === 0 || bytes.length > limitBytes) {
      return Promise.reject(
        new CellmuxError(
          'ERR_IPEASY_DATAGRAM_SIZE',
          `a datagram of ${bytes.length} octets: the module sends 1 to ${limitBytes} at once`,
          { hint: 'Divide the message, or use TCP.', context: { length: bytes.length, limitBytes } },
        ),
      );
    }
    if (
      this.#outgoing.length >= DATAGRAM_QUEUE_LIMIT_COUNT ||
      this.#outgoingBytes + bytes.length > DATAGRAM_QUEUE_LIMIT_BYTES
    ) {
      return Promise.reject(
        new CellmuxError('ERR_IPEASY_QUEUE_FULL', `socket ${this.connId}: too many datagrams wait to be sent`, {
          hint: 'Wait for the callbacks of earlier sends.',
          context: { limitCount: DATAGRAM_QUEUE_LIMIT_COUNT, limitBytes: DATAGRAM_QUEUE_LIMIT_BYTES },
        }),
      );
    }
    return new Promise((sent, failed) => {
      this.#outgoing.push({ bytes, sent, failed });
      this.#outgoingBytes += bytes.length;
      this.lane.poke();
    });
  }

  noticeData(waitingBytes: number | undefined): void {
    this.#activity++;
    this.#unread.announce();
    if (waitingBytes !== undefined) {
      const size = waitingBytes - this.#announcedBytes;
      if (size > 0 && this.#announced.length < ANNOUNCED_LIMIT_COUNT) {
        this.#announced.push(size);
        this.#announcedBytes = waitingBytes;
      }
    }
    this.lane.poke();
  }

  noticeClosed(): void {
    if (this.#mode !== 'open') return;
    this.#finish();
    this.#options.host.released(this);
    this.#options.sink.onEnd();
  }

  fail(error: unknown, { isFree = false }: { readonly isFree?: boolean } = {}): void {
    if (this.#mode === 'closed') return;
    this.#finish(error);
    if (isFree) this.#options.host.released(this);
    else this.#closing ??= this.#reclaim();
    this.#options.sink.onFailed(error);
  }

  turn(): Promise<void> | undefined {
    if (this.#mode !== 'open') return undefined;
    const canRead = this.#unread.isExpected && !this.#isPaused;
    const next = this.#outgoing[0];
    if (next !== undefined && !(canRead && this.#wroteLast)) {
      this.#wroteLast = true;
      return this.#send(next);
    }
    if (!canRead) return undefined;
    this.#wroteLast = false;
    return this.#receive();
  }

  /** Closes at once; what is queued rejects. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#mode === 'closed') return;
    this.#finish();
    await this.#reclaim();
  }

  async #receive(): Promise<void> {
    const { transfer, sink, onNoUdpInfo } = this.#options;
    const udpInfo = this.#udpInfo;
    const size = udpInfo ? undefined : this.#announced[0];
    this.#unread.readBegins();
    try {
      const received = await receive(this.lane.at, this.connId, transfer, {
        ...(size === undefined ? {} : { asked: Math.min(size, transfer.receiveBytes) }),
        udpInfo,
        onHeader: (header) => {
          this.#taken(header.bytes);
        },
      });
      this.#refusals = 0;
      if (received === undefined) {
        this.#unread.readEnds({ isFull: false });
        // Nothing there: what was announced has been read, or was never ours.
        this.#announced.length = 0;
        this.#announcedBytes = 0;
        return;
      }
      this.#activity++;
      const { source, leftBytes = 0 } = received.header;
      this.#unread.readEnds({ isFull: leftBytes > 0 || this.#announcedBytes > 0 });
      this.#partial.push(received.bytes);
      if (leftBytes > 0 && this.#partial.length < PARTS_LIMIT_COUNT) return;
      sink.onDatagram({ bytes: concatBytes(this.#partial.splice(0)), source });
    } catch (error) {
      if (this.#isClosed()) return;
      this.#unread.readRefused();
      if (udpInfo && isRefusal(error)) {
        this.#udpInfo = false;
        this.#unread.announce();
        onNoUdpInfo();
        return;
      }
      if (!isRefusal(error) || ++this.#refusals >= RECEIVE_ATTEMPTS) {
        this.fail(ipEasyError(error, `socket ${this.connId}: receiving`));
        return;
      }
      void this.#options.host.sweep(this.lane, { suspicious: hasCode(error, 'ERR_AT_ERROR') });
    }
  }

  /** Octets have left the module's buffer. */
  #taken(bytes: number): void {
    this.#announcedBytes = Math.max(0, this.#announcedBytes - bytes);
    let rest = bytes;
    while (rest > 0) {
      const first = this.#announced[0];
      if (first === undefined) return;
      if (first > rest) {
        this.#announced[0] = first - rest;
        return;
      }
      rest -= first;
      this.#announced.shift();
    }
  }

  async #send(next: Waiting): Promise<void> {
    try {
      await send(this.lane.at, this.connId, next.bytes, this.#options.transfer);
      this.#activity++;
      this.#unqueue(next);
      next.sent();
    } catch (error) {
      this.#unqueue(next);
      next.failed(ipEasyError(error, `socket ${this.connId}: sending`));
      if (isRefusal(error)) {
        void this.#options.host.sweep(this.lane, { suspicious: hasCode(error, 'ERR_AT_ERROR') });
      }
    }
  }

  #unqueue(waiting: Waiting): void {
    if (this.#outgoing[0] !== waiting) return;
    this.#outgoing.shift();
    this.#outgoingBytes -= waiting.bytes.length;
  }

  #isClosed(): boolean {
    return this.#mode === 'closed';
  }

  #finish(reason: unknown = closedError(this.connId)): void {
    this.#mode = 'closed';
    this.lane.leave(this);
    for (const waiting of this.#outgoing.splice(0)) waiting.failed(reason);
    this.#outgoingBytes = 0;
  }

  async #reclaim(): Promise<void> {
    await closeConnId(this.#options.host.near(this.lane), this.connId).catch(() => undefined);
    this.#options.host.released(this);
  }
}

function closedError(connId: number): CellmuxError {
  return new CellmuxError('ERR_IPEASY_CLOSED', `socket ${connId}: it is closed`);
}
