import { CircuitCable, DrivenPort, type Clock, type Port } from '@cellmux/port';
import type { Subscription } from 'rxjs';

/** What a {@link LineGate} does with bytes. */
export interface GateState {
  /** Bytes from the host are not read: it is held back. */
  readonly stuck: boolean;
  /** Bytes to the host vanish. */
  readonly silent: boolean;
  /** Bytes from the host vanish. */
  readonly deaf: boolean;
}

/**
 * A port in front of a port, which can be cut off without closing what is behind it: what a power cycle of the module
 * does to its line, and where faults of a line are made.
 */
export class LineGate {
  /** What the module uses. */
  readonly port: Port;
  /** Whether the multiplexer has the port now. */
  carriesMultiplexer = false;
  readonly #line: Port;
  readonly #driven: DrivenPort;
  #state: GateState = { stuck: false, silent: false, deaf: false };
  #heldByModule = false;
  #subscriptions: Subscription[] = [];
  #isCut = false;

  constructor(line: Port, clock: Clock) {
    this.#line = line;
    const cable = new CircuitCable(line.circuits);
    this.#driven = new DrivenPort({
      name: line.name,
      role: line.role,
      clock,
      cable,
      driver: {
        write: async (bytes) => {
          if (!this.#state.silent && !this.#isCut) await line.send(bytes.slice());
          return bytes.length;
        },
        pause: () => {
          this.#heldByModule = true;
          this.#hold();
        },
        resume: () => {
          this.#heldByModule = false;
          this.#hold();
        },
        setCircuits: async (change) => {
          if (!this.#isCut) await line.setCircuits(change);
        },
        close: () => {
          this.cut();
        },
      },
    });
    this.port = this.#driven;
    this.#subscriptions.push(
      line.circuits$.subscribe({
        next: (circuits) => {
          this.#driven.circuitsChanged(circuits);
        },
        error: () => undefined,
      }),
      line.received$.subscribe({
        next: (chunk) => {
          if (!this.#state.deaf) this.#driven.received(chunk);
        },
        complete: () => {
          this.#driven.ended();
        },
        error: (error: unknown) => {
          this.#driven.failed(error);
        },
      }),
    );
    if (this.#isCut) this.cut();
  }

  set state(state: GateState) {
    this.#state = state;
    this.#hold();
  }

  /** Bytes to the host that the module did not say. */
  inject(bytes: Uint8Array): void {
    if (!this.#isCut) this.#line.send(bytes).catch(() => undefined);
  }

  /** Ends {@link port}; the line behind it stays open and is no longer read. */
  cut(): void {
    this.#isCut = true;
    for (const subscription of this.#subscriptions.splice(0)) subscription.unsubscribe();
    this.#line.resume();
    this.#driven.ended();
  }

  #hold(): void {
    if (this.#isCut) return;
    if (this.#heldByModule || this.#state.stuck) this.#line.pause();
    else this.#line.resume();
  }
}
