import { once } from 'node:events';
import type { Socket } from 'node:net';
import { CONTROL_CHUNK_BYTES, type ControlPiece } from './control-protocol.ts';

/** What goes with a request over the control socket while it is carried out: data, either way, with back-pressure. */
export class ControlExchange {
  readonly #id: number;
  readonly #client: Socket;
  readonly #signal: AbortSignal;
  #awaited: ((piece: ControlPiece) => void) | undefined;

  constructor(id: number, client: Socket, signal: AbortSignal) {
    this.#id = id;
    this.#client = client;
    this.#signal = signal;
  }

  /** A piece from the client; false for one that nobody has asked for. */
  take(piece: ControlPiece): boolean {
    const awaited = this.#awaited;
    this.#awaited = undefined;
    awaited?.(piece);
    return awaited !== undefined;
  }

  /** Sends data to the client; resolves when it may be given more. */
  async send(bytes: Uint8Array, totalBytes?: number): Promise<void> {
    for (let offset = 0; offset < bytes.length; offset += CONTROL_CHUNK_BYTES) {
      const data = Buffer.from(bytes.subarray(offset, offset + CONTROL_CHUNK_BYTES)).toString('base64');
      await this.#tell({ id: this.#id, data, totalBytes });
    }
  }

  /**
   * What the client sends, piece by piece, each asked for; `bytes` tells how much has been transferred. Ends when the
   * client has no more, and when `signal` aborts: whoever took the pieces wants none then. Throws when the client left.
   */
  async *received(bytes: () => number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const either = AbortSignal.any([signal, this.#signal]);
    const stop = (): void => {
      this.take({ id: this.#id, end: true });
    };
    either.addEventListener('abort', stop, { once: true });
    try {
      while (!either.aborted) {
        const arrival = new Promise<ControlPiece>((resolve) => (this.#awaited = resolve));
        await this.#tell({ id: this.#id, more: true, bytes: bytes() });
        const piece = await arrival;
        this.#signal.throwIfAborted();
        if (!('data' in piece)) return;
        yield Buffer.from(piece.data, 'base64');
      }
      this.#signal.throwIfAborted();
    } finally {
      either.removeEventListener('abort', stop);
    }
  }

  async #tell(piece: ControlPiece): Promise<void> {
    this.#signal.throwIfAborted();
    if (!this.#client.write(`${JSON.stringify(piece)}\n`)) await once(this.#client, 'drain', { signal: this.#signal });
  }
}
