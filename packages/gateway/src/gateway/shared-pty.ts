import type { Port } from '@cellmux/port';
import type { Subscription } from 'rxjs';

/** Chunks under way in one direction before its source is asked to wait. */
const UNDER_WAY = 2;

/**
 * A pty that stands for a virtual port, for as long as the gateway runs: the port behind it may be closed and opened
 * again meanwhile. What a program writes while there is no port waits in the kernel.
 */
export class SharedPty {
  readonly #pty: Port;
  #subscriptions: Subscription[] = [];

  constructor(pty: Port) {
    this.#pty = pty;
    pty.pause();
  }

  /** From now on octets go to and from this port, with back-pressure; until it ends, or another one is attached. */
  attach(port: Port): void {
    this.detach();
    this.#subscriptions = [pump(this.#pty, port), pump(port, this.#pty)];
    this.#pty.resume();
  }

  /** There is no port any more. */
  detach(): void {
    this.#pty.pause();
    for (const subscription of this.#subscriptions.splice(0)) subscription.unsubscribe();
  }

  /** Removes the pty. */
  async close(): Promise<void> {
    this.detach();
    await this.#pty.close({ signal: AbortSignal.abort() });
  }
}

function pump(from: Port, to: Port): Subscription {
  let underWay = 0;
  return from.received$.subscribe({
    next: (chunk) => {
      if (++underWay === UNDER_WAY) from.pause();
      to.send(chunk)
        .catch(() => {
          // The far one is gone: its owner attaches another, and what was under way is lost with it.
        })
        .finally(() => {
          if (--underWay === UNDER_WAY - 1) from.resume();
        });
    },
    error: () => undefined,
  });
}
