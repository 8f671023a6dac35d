import { openPty, type PtyPort } from '@cellmux/port/pty';
import { pump } from './pump.ts';

/** A serial line of this machine: what is written on one device is read on the other. */
export class TwoPtys implements AsyncDisposable {
  readonly #a: PtyPort;
  readonly #b: PtyPort;
  readonly #stop: () => void;
  /** Octets that went from the first device to the second, and back. */
  readonly octets = { there: 0, back: 0 };

  private constructor(a: PtyPort, b: PtyPort) {
    this.#a = a;
    this.#b = b;
    const ignore = (): void => undefined;
    a.received$.subscribe({ next: ({ length }) => (this.octets.there += length), error: ignore });
    b.received$.subscribe({ next: ({ length }) => (this.octets.back += length), error: ignore });
    this.#stop = pump(a, b);
  }

  static async open(): Promise<TwoPtys> {
    return new TwoPtys(await openPty(), await openPty());
  }

  /** Both devices. */
  get paths(): readonly [string, string] {
    return [this.#a.path, this.#b.path];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop();
    await Promise.all([this.#a.close(), this.#b.close()]);
  }
}
