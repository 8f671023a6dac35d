import type { CellmuxError, Port } from '@cellmux/port';
import type { FrameEncoder } from './core/frame-encoder.ts';
import { maximumFrameBytes } from './core/frame-encoder.ts';

/** Octets of control frames that wait for the line; more, which only a peer that does not read can bring, are dropped. */
export const CONTROL_QUEUE_LIMIT_BYTES = 64 * 1024;

/** Silence after which a frame gets an opening flag again, so that noise since the last one does not cost it. */
const FLAG_SHARING_MS = 100;

/** Options of {@link FrameSender}. */
export interface FrameSenderOptions {
  readonly port: Port;
  readonly now: () => number;
  readonly packetLimit: number;
  readonly batchBytes: number;
  /** Called for each packet as it is encoded. */
  readonly onPacket: ((protocol: number, packet: Uint8Array) => void) | undefined;
  /** The port takes no more. */
  readonly onFailure: (error: unknown) => void;
}

interface WaitingPacket {
  readonly protocol: number;
  readonly packet: Uint8Array;
  readonly done: (() => void) | undefined;
  readonly failed: ((error: unknown) => void) | undefined;
}

/**
 * What leaves through the port: control frames first, packets behind them, several in one chunk, one chunk at a time. A
 * packet is encoded when its turn comes, in the format of that moment.
 */
export class FrameSender {
  readonly counters = { packetsSent: 0, packetBytesSent: 0, bytesSent: 0, controlFramesDropped: 0 };
  /** How packets are encoded; undefined while none may leave. */
  encoder: FrameEncoder | undefined;
  readonly #options: FrameSenderOptions;
  readonly #control: Uint8Array[] = [];
  #controlBytes = 0;
  readonly #packets: WaitingPacket[] = [];
  #head = 0;
  #isFlushing = false;
  #ended: unknown;
  #lastSentMs = -Infinity;
  /** Chunks are put together here and copied out, since a frame may need twice its octets and hardly ever does. */
  #room = new Uint8Array(0);
  #idle: (() => void)[] = [];

  constructor(options: FrameSenderOptions) {
    this.#options = options;
  }

  /** Packets that wait. */
  get waitingPackets(): number {
    return this.#packets.length - this.#head;
  }

  /** True where another packet would be refused. */
  get isFull(): boolean {
    return this.waitingPackets >= this.#options.packetLimit;
  }

  /** Queues a complete frame in front of all packets. */
  control(frame: Uint8Array): void {
    if (this.#ended !== undefined) return;
    if (this.#controlBytes + frame.length > CONTROL_QUEUE_LIMIT_BYTES) {
      this.counters.controlFramesDropped++;
      return;
    }
    this.#control.push(frame);
    this.#controlBytes += frame.length;
    this.#wake();
  }

  /** Queues a packet; the caller has made sure of the room. */
  packet(protocol: number, packet: Uint8Array, done?: () => void, failed?: (error: unknown) => void): void {
    this.#packets.push({ protocol, packet, done, failed });
    this.#wake();
  }

  /** Gives up the packets that wait. */
  dropPackets(error: CellmuxError): void {
    const waiting = this.#packets.splice(0).slice(this.#head);
    this.#head = 0;
    for (const { failed } of waiting) failed?.(error);
  }

  /** Resolves once nothing waits any more, or nothing can leave. */
  drained(): Promise<void> {
    if (!this.#isFlushing || this.#ended !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle.push(resolve);
    });
  }

  /** Sends nothing more. */
  end(error: CellmuxError): void {
    this.#ended ??= error;
    this.#control.length = 0;
    this.dropPackets(error);
    this.#wentIdle();
  }

  #wake(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    // A microtask later, so that packets handed over in one go share a chunk.
    queueMicrotask(() => {
      void this.#flush();
    });
  }

  async #flush(): Promise<void> {
    while (this.#ended === undefined) {
      const from = this.#head;
      const chunk = this.#nextChunk();
      if (chunk === undefined) break;
      const sent = this.#packets.slice(from, this.#head);
      if (this.#head > 1024 || this.#head === this.#packets.length) {
        this.#packets.splice(0, this.#head);
        this.#head = 0;
      }
      try {
        await this.#options.port.send(chunk);
        this.counters.bytesSent += chunk.length;
        this.#lastSentMs = this.#options.now();
        for (const { done } of sent) done?.();
      } catch (error) {
        for (const { failed } of sent) failed?.(error);
        this.#isFlushing = false;
        this.#options.onFailure(error);
        this.#wentIdle();
        return;
      }
    }
    this.#isFlushing = false;
    this.#wentIdle();
  }

  #wentIdle(): void {
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Control frames, and packets up to the size of a batch; undefined where nothing waits. */
  #nextChunk(): Uint8Array | undefined {
    const { encoder } = this;
    const { batchBytes, onPacket, now } = this.#options;
    const controlBytes = this.#controlBytes;
    let room = controlBytes;
    let last = this.#head;
    if (encoder !== undefined) {
      while (last < this.#packets.length && (last === this.#head || room < batchBytes)) {
        room += maximumFrameBytes((this.#packets[last] as WaitingPacket).packet.length);
        last++;
      }
    }
    if (room === 0) return undefined;
    if (this.#room.length < room) this.#room = new Uint8Array(room);
    const chunk = this.#room;
    let at = 0;
    for (const frame of this.#control) {
      chunk.set(frame, at);
      at += frame.length;
    }
    this.#control.length = 0;
    this.#controlBytes = 0;
    // The closing flag of the frame before opens the next one as long as the line is busy (RFC 1662 §3.1).
    let needsFlag = at === 0 && now() - this.#lastSentMs >= FLAG_SHARING_MS;
    for (; this.#head < last; this.#head++) {
      const { protocol, packet } = this.#packets[this.#head] as WaitingPacket;
      at = (encoder as FrameEncoder).encode(protocol, packet, chunk, at, needsFlag);
      needsFlag = false;
      this.counters.packetsSent++;
      this.counters.packetBytesSent += packet.length;
      onPacket?.(protocol, packet);
    }
    return chunk.slice(0, at);
  }
}
