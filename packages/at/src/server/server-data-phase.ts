import {
  CellmuxError,
  portClosedError,
  ReceiveStream,
  type AbortOptions,
  type Circuits,
  type Port,
  type PortRole,
} from '@cellmux/port';
import type { Observable } from 'rxjs';
import type { DataPhase, DataPhaseEnd } from './command-declaration.ts';

/** Bytes from the host kept while nobody subscribes to a data phase. */
export const DATA_BACKLOG_LIMIT_BYTES = 256 * 1024;
/** Sent at once; an escape stops a longer send behind such a part. */
const PART_BYTES = 1024;

/** What a data phase needs from the server. */
export interface DataPhaseLine {
  readonly port: Port;
  send(bytes: Uint8Array): Promise<void>;
  hold(wanted: boolean): void;
  /** This side closes the call. */
  finish(): void;
}

/** The module's end of a data call on a port of {@link AtServer}. */
export class ServerDataPhase implements DataPhase {
  readonly name: string;
  readonly received$: Observable<Uint8Array>;
  readonly ended: Promise<DataPhaseEnd>;
  readonly #line: DataPhaseLine;
  readonly #stream: ReceiveStream;
  #settle: (end: DataPhaseEnd) => void = () => undefined;
  #end: DataPhaseEnd | undefined;
  #closing: Promise<void> | undefined;
  #sending: Promise<void> = Promise.resolve();
  #heldByUser = false;
  #heldByBacklog = false;

  constructor(line: DataPhaseLine) {
    this.#line = line;
    this.name = `${line.port.name} data`;
    this.#stream = new ReceiveStream({
      name: this.name,
      backlogLimitBytes: DATA_BACKLOG_LIMIT_BYTES,
      onBackpressure: (wanted) => {
        this.#heldByBacklog = wanted;
        this.#hold();
      },
    });
    this.received$ = this.#stream.bytes$;
    this.ended = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  get role(): PortRole {
    return this.#line.port.role;
  }
  get circuits(): Circuits {
    return this.#line.port.circuits;
  }
  get circuits$(): Observable<Circuits> {
    return this.#line.port.circuits$;
  }
  get isClosed(): boolean {
    return this.#end !== undefined || this.#closing !== undefined;
  }

  /** Bytes from the host that are data. */
  push(bytes: Uint8Array): void {
    this.#stream.push(bytes);
  }

  /** Ends the phase; only the first reason counts. */
  finish(end: DataPhaseEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#stream.complete();
    this.#settle(end);
  }

  send(bytes: Uint8Array, { signal }: AbortOptions = {}): Promise<void> {
    if (this.isClosed) return Promise.reject(portClosedError(this.name, bytes.length));
    const sent = this.#sending.then(() => this.#sendParts(bytes, signal));
    this.#sending = sent.catch(() => undefined);
    return sent;
  }

  async #sendParts(bytes: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    for (let offset = 0; offset < bytes.length; offset += PART_BYTES) {
      if (signal?.aborted === true) throw signal.reason;
      if (this.#end !== undefined) throw portClosedError(this.name, bytes.length - offset);
      const part = bytes.subarray(offset, offset + PART_BYTES);
      try {
        await this.#line.send(part);
      } catch (error) {
        const unsent = error instanceof CellmuxError ? error.context['unsentBytes'] : undefined;
        const lostOfPart = typeof unsent === 'number' ? unsent : part.length;
        throw portClosedError(this.name, lostOfPart + bytes.length - offset - part.length);
      }
    }
  }

  pause(): void {
    this.#heldByUser = true;
    this.#hold();
  }

  resume(): void {
    this.#heldByUser = false;
    this.#hold();
  }

  #hold(): void {
    if (this.#end === undefined) this.#line.hold(this.#heldByUser || this.#heldByBacklog);
  }

  setCircuits(change: Partial<Circuits>): Promise<void> {
    return this.#line.port.setCircuits(change);
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeInOrder();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #closeInOrder(): Promise<void> {
    await this.#sending;
    if (this.#end === undefined) this.#line.finish();
  }
}
