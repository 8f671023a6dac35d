import { takeWhile, type Subscription } from 'rxjs';
import type { Circuits } from '../circuits.ts';
import type { Port } from '../port.ts';

/** What `serialport` calls to read: see the interface of its bindings. */
interface ReadResult {
  readonly buffer: Buffer;
  readonly bytesRead: number;
}

interface PendingRead {
  readonly buffer: Buffer;
  readonly offset: number;
  readonly length: number;
  readonly resolve: (result: ReadResult) => void;
  readonly reject: (error: Error) => void;
}

class BindingError extends Error {
  readonly canceled: boolean;
  readonly disconnect: boolean;

  constructor(message: string, kind: 'canceled' | 'disconnect', cause?: unknown) {
    super(message, { cause });
    this.canceled = kind === 'canceled';
    this.disconnect = kind === 'disconnect';
  }
}

/** A port in the shape of an open device of `serialport`: its stream pulls, so the port is read only when asked. */
export class PortBinding {
  isOpen = true;
  readonly openOptions: { readonly path: string; readonly baudRate: number };
  readonly #port: Port;
  #baudRate: number;
  #left: Uint8Array | undefined;
  #pending: PendingRead | undefined;
  #subscription: Subscription | undefined;
  #end: BindingError | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(port: Port, baudRate: number) {
    this.#port = port;
    this.#baudRate = baudRate;
    this.openOptions = { path: port.name, baudRate };
  }

  read(buffer: Buffer, offset: number, length: number): Promise<ReadResult> {
    if (!this.isOpen) return Promise.reject(new BindingError('Port is not open', 'canceled'));
    return new Promise((resolve, reject) => {
      this.#pending = { buffer, offset, length, resolve, reject };
      if (this.#left === undefined) this.#pull();
      else this.#give(this.#left);
    });
  }

  async write(buffer: Buffer): Promise<void> {
    this.#writing = this.#port.send(buffer);
    try {
      await this.#writing;
    } catch (error) {
      throw new BindingError(error instanceof Error ? error.message : 'Writing failed', 'disconnect', error);
    }
  }

  async set(flags: { brk?: boolean; dtr?: boolean; rts?: boolean }): Promise<void> {
    const { brk = false, dtr = true, rts = true } = flags;
    // At the module's end the same two pins of a crossed cable are DSR and CTS.
    const circuits: Partial<Circuits> = this.#port.role === 'dte' ? { dtr, rts } : { dsr: dtr, cts: rts };
    await this.#port.setCircuits({ ...circuits, break: brk });
  }

  get(): Promise<{ cts: boolean; dsr: boolean; dcd: boolean }> {
    const { cts, dsr, dcd, rts, dtr } = this.#port.circuits;
    return Promise.resolve(this.#port.role === 'dte' ? { cts, dsr, dcd } : { cts: rts, dsr: dtr, dcd: dtr });
  }

  getBaudRate(): Promise<{ baudRate: number }> {
    return Promise.resolve({ baudRate: this.#baudRate });
  }

  update({ baudRate }: { baudRate: number }): Promise<void> {
    this.#baudRate = baudRate;
    return Promise.resolve();
  }

  /** Discards what arrived and was not read. */
  flush(): Promise<void> {
    this.#left = undefined;
    if (this.#pending === undefined && this.#end === undefined) this.#port.received$.subscribe().unsubscribe();
    return Promise.resolve();
  }

  async drain(): Promise<void> {
    await this.#writing;
  }

  async close(): Promise<void> {
    this.isOpen = false;
    this.#subscription?.unsubscribe();
    this.#cancel(new BindingError('Canceled', 'canceled'));
    await this.#port.close();
  }

  #pull(): void {
    if (this.#end !== undefined) {
      this.#cancel(this.#end);
      return;
    }
    this.#port.resume();
    this.#subscription = this.#port.received$
      .pipe(
        takeWhile((chunk) => {
          this.#give(chunk);
          return false;
        }),
      )
      .subscribe({
        complete: () => {
          // Also after a chunk, and then no read is pending.
          if (this.#pending === undefined) this.#port.pause();
          else this.#fail(new BindingError(`${this.#port.name} was closed`, 'disconnect'));
        },
        error: (error: unknown) => {
          this.#fail(new BindingError(error instanceof Error ? error.message : String(error), 'disconnect', error));
        },
      });
  }

  #give(chunk: Uint8Array): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#pending = undefined;
    const bytesRead = Math.min(chunk.length, pending.length);
    pending.buffer.set(chunk.subarray(0, bytesRead), pending.offset);
    this.#left = bytesRead < chunk.length ? chunk.subarray(bytesRead) : undefined;
    pending.resolve({ buffer: pending.buffer, bytesRead });
  }

  #fail(error: BindingError): void {
    this.#end = error;
    this.#cancel(error);
  }

  #cancel(error: BindingError): void {
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.reject(error);
  }
}
