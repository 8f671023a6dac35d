import type { Port } from '@cellmux/port';
import { distinctUntilChanged, map, type Subscription } from 'rxjs';

/** Chunks under way in one direction before its source is asked to wait. */
const UNDER_WAY = 2;

/**
 * A pty that stands for a virtual port, for as long as the gateway runs: the port behind it may be closed and opened
 * again meanwhile. What a program writes while there is no port waits in the kernel.
 */
export class SharedPty {
  readonly #pty: Port;
  #subscriptions: Subscription[] = [];
  #isOpen = false;

  constructor(pty: Port) {
    this.#pty = pty;
    pty.circuits$.subscribe({ next: ({ dtr }) => (this.#isOpen = dtr), error: () => undefined });
    pty.pause();
  }

  /**
   * From now on octets go to and from this port, with back-pressure; until it ends, or another one is attached. As on a
   * serial device, DTR is on while a program has the pty open (with `&D2` a call ends with the program that dialled it),
   * and what the module says while none has is dropped: the next program does not find the end of another's call.
   */
  attach(port: Port): void {
    this.detach();
    const toPort = new Pump(this.#pty, port, () => true);
    this.#subscriptions = [
      toPort.subscription,
      new Pump(port, this.#pty, () => this.#isOpen).subscription,
      carryDtr(this.#pty, port, toPort),
    ];
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

class Pump {
  readonly subscription: Subscription;
  /** Settles when what was under way last has been taken. */
  taken: Promise<void> = Promise.resolve();
  #underWay = 0;

  constructor(from: Port, to: Port, isWanted: () => boolean) {
    this.subscription = from.received$.subscribe({
      next: (chunk) => {
        if (!isWanted()) return;
        if (++this.#underWay === UNDER_WAY) from.pause();
        this.taken = to
          .send(chunk)
          .catch(() => {
            // The far one is gone: its owner attaches another, and what was under way is lost with it.
          })
          .finally(() => {
            if (--this.#underWay === UNDER_WAY - 1) from.resume();
          });
      },
      error: () => undefined,
    });
  }
}

/** DTR follows the octets that were written before it. */
function carryDtr(pty: Port, port: Port, toPort: Pump): Subscription {
  const dtr$ = pty.circuits$.pipe(
    map(({ dtr }) => dtr),
    distinctUntilChanged(),
  );
  return dtr$.subscribe({
    next: (dtr) => {
      void toPort.taken
        .then(() => port.setCircuits({ dtr }))
        .catch(() => {
          // A port that is gone has no circuits.
        });
    },
    error: () => undefined,
  });
}
