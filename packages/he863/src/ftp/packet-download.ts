import { ReceiveBuffer } from '../sockets/machine/receive-buffer.ts';
import type { Transport } from '../sockets/transport.ts';

/** Bytes of a file that wait for #FTPRECV; the rest waits with the server. */
export const PACKET_WINDOW_BYTES = 16 * 1024;

/** A file that #FTPGETPKT fetches and #FTPRECV reads, piece by piece, in command mode. */
export class PacketDownload {
  readonly file: string;
  /** 0 text, 1 hex. */
  readonly viewMode: number;
  /** Settles when the server has said how it ended. */
  readonly over: Promise<void>;
  readonly #transport: Transport;
  readonly #buffer = new ReceiveBuffer();
  #hasEnded = false;

  constructor(file: string, viewMode: number, transport: Transport, finished: () => Promise<unknown>) {
    this.file = file;
    this.viewMode = viewMode;
    this.#transport = transport;
    this.over = new Promise((resolve) => {
      const ended = (): void => {
        if (this.#hasEnded) return;
        this.#hasEnded = true;
        transport.end();
        void finished().then(
          () => {
            resolve();
          },
          () => {
            resolve();
          },
        );
      };
      transport.start({
        readable: () => {
          this.#pull();
        },
        peerFinished: ended,
        broken: ended,
        drained: () => undefined,
      });
    });
  }

  /** Bytes that can be read now. */
  get available(): number {
    return this.#buffer.length;
  }

  /** True when everything was read and no more will come. */
  get isComplete(): boolean {
    return this.#hasEnded && this.#buffer.length === 0;
  }

  take(maximum: number): Uint8Array {
    const bytes = this.#buffer.take(maximum);
    this.#pull();
    return bytes;
  }

  abort(): void {
    this.#transport.abort();
  }

  #pull(): void {
    for (;;) {
      const got = this.#transport.read(PACKET_WINDOW_BYTES - this.#buffer.length);
      if (got === undefined) return;
      this.#buffer.push(got.bytes);
    }
  }
}
