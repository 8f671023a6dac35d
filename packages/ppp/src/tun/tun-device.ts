import { closeSync, writeSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import { CellmuxError } from '@cellmux/port';
import { Subject, type Observable } from 'rxjs';
import type { TunLibc } from './tun-libc.ts';
import { READER_CELL, type TunBatch } from './tun-reader.ts';

/** Counters of a device. */
export interface TunCounters {
  readonly packetsRead: number;
  readonly bytesRead: number;
  readonly packetsWritten: number;
  readonly bytesWritten: number;
  /** Packets that the kernel did not take: the interface is down, or they are none. */
  readonly writeErrors: number;
  /** Packets read that nobody subscribed to. */
  readonly packetsUnheard: number;
}

/** What a {@link TunDevice} is made of. */
export interface TunParts {
  readonly name: string;
  readonly fd: number;
  readonly wakeFd: number;
  readonly shared: SharedArrayBuffer;
  readonly worker: Worker;
  readonly libc: TunLibc;
  /** Undoes what was set up, after the device is closed. */
  readonly cleanUp: () => Promise<void>;
}

/**
 * A TUN device: IP packets that the kernel routes into it come out of {@link packets$}, what is written goes into the
 * kernel. Closing it removes the interface.
 */
export class TunDevice implements AsyncDisposable {
  /** The interface. */
  readonly name: string;
  /**
   * Packets from the kernel, each its subscriber's for good (several share a block of memory); hot. Completes on close,
   * errors with `ERR_PPP_TUN_GONE` when somebody else removes the interface.
   */
  readonly packets$: Observable<Uint8Array>;
  readonly #parts: TunParts;
  readonly #cells: Int32Array;
  readonly #packets = new Subject<Uint8Array>();
  readonly #batches: TunBatch[] = [];
  #next = 0;
  #isPaused = false;
  #closing: Promise<void> | undefined;
  #isClosed = false;
  #counters = { packetsRead: 0, bytesRead: 0, packetsWritten: 0, bytesWritten: 0, writeErrors: 0, packetsUnheard: 0 };

  constructor(parts: TunParts) {
    this.#parts = parts;
    this.name = parts.name;
    this.packets$ = this.#packets.asObservable();
    this.#cells = new Int32Array(parts.shared);
    parts.worker.on('message', (message: TunBatch | { readonly errno: number }) => {
      if ('errno' in message) this.#gone(message.errno);
      else {
        this.#batches.push(message);
        this.#deliver();
      }
    });
    parts.worker.on('error', (error) => {
      this.#packets.error(error);
    });
  }

  get counters(): TunCounters {
    return { ...this.#counters };
  }

  /** Hands a packet to the kernel; false where it was not taken, as when the interface is down. */
  write(packet: Uint8Array): boolean {
    if (this.#isClosed) return false;
    const { libc, fd } = this.#parts;
    if (libc.write(fd, packet, packet.length) < 0) {
      this.#counters.writeErrors++;
      return false;
    }
    this.#counters.packetsWritten++;
    this.#counters.bytesWritten += packet.length;
    return true;
  }

  /** Emits nothing until {@link resume}: packets wait in the kernel's queue, which drops what is too much. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#deliver();
  }

  /** Removes the interface, with its addresses and routes. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #deliver(): void {
    for (let batch = this.#batches[0]; batch !== undefined; batch = this.#batches[0]) {
      const { octets, starts } = batch;
      while (this.#next < starts.length) {
        if (this.#isPaused || this.#isClosed) return;
        const start = starts[this.#next] as number;
        const packet = octets.subarray(start, starts[this.#next + 1] ?? octets.length);
        this.#next++;
        this.#counters.packetsRead++;
        this.#counters.bytesRead += packet.length;
        if (!this.#packets.observed) this.#counters.packetsUnheard++;
        this.#packets.next(packet);
      }
      // Resumed from within a subscriber, this may be done already.
      if (this.#batches[0] !== batch) return;
      this.#batches.shift();
      this.#next = 0;
      Atomics.sub(this.#cells, READER_CELL.batchesWaiting, 1);
      Atomics.notify(this.#cells, READER_CELL.batchesWaiting);
    }
  }

  #gone(errno: number): void {
    this.#packets.error(
      new CellmuxError('ERR_PPP_TUN_GONE', `the interface ${this.name} is gone`, {
        hint: 'Somebody has removed it; open it again.',
        context: { name: this.name, errno },
      }),
    );
    void this.close();
  }

  async #close(): Promise<void> {
    this.#isClosed = true;
    const { fd, wakeFd, worker, cleanUp } = this.#parts;
    Atomics.store(this.#cells, READER_CELL.stop, 1);
    Atomics.notify(this.#cells, READER_CELL.stop);
    Atomics.notify(this.#cells, READER_CELL.batchesWaiting);
    const one = Buffer.alloc(8);
    one.writeBigUInt64LE(1n);
    writeSync(wakeFd, one);
    // Only then may the descriptor be closed: another file could get its number while the thread still reads from it.
    await worker.terminate();
    closeSync(wakeFd);
    closeSync(fd);
    await cleanUp();
    this.#packets.complete();
  }
}
