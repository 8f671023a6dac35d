import type { Port } from '@cellmux/port';

/**
 * What goes out on a port, in order. Keeps count of what the layer below has not taken yet, so that the reader of
 * commands can wait: a host that types and never reads makes nothing grow.
 */
export class LineOutput {
  readonly #highWaterBytes: number;
  #port: Port;
  #outstandingBytes = 0;
  #waiting: (() => void)[] = [];

  /** @param highWaterBytes above that {@link isFull} */
  constructor(port: Port, highWaterBytes: number) {
    this.#port = port;
    this.#highWaterBytes = highWaterBytes;
  }

  set port(port: Port) {
    this.#port = port;
  }

  get isFull(): boolean {
    return this.#outstandingBytes > this.#highWaterBytes;
  }

  /** Hands bytes to the port; resolves when it has taken them, rejects as the port does. */
  async send(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    this.#outstandingBytes += bytes.length;
    try {
      await this.#port.send(bytes);
    } finally {
      this.#outstandingBytes -= bytes.length;
      if (this.#outstandingBytes === 0) for (const resolve of this.#waiting.splice(0)) resolve();
    }
  }

  /** As {@link send}; a dead port is no error here, since who reads from it finds out and ends the server. */
  write(bytes: Uint8Array): Promise<void> {
    return this.send(bytes).catch(() => undefined);
  }

  /** Resolves once the port has taken all, or lost it. */
  drained(): Promise<void> {
    if (this.#outstandingBytes === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }
}
