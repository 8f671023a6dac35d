import type { Circuits, Port } from '@cellmux/port';
import { Subscription } from 'rxjs';

/** What a link hears of its port. */
export interface LineListener {
  received(chunk: Uint8Array): void;
  /** The port has ended, with an error where the line has failed. */
  gone(error: unknown): void;
  /** A circuit that tells of the call has dropped: `DCD`, `DTR`. */
  dropped(circuit: string): void;
}

/**
 * Listens to a port. Of its circuits only the one that tells the far end's state counts, DCD at the terminal and DTR at the
 * module, and only from on to off: many lines never have it on.
 */
export function watchLine(port: Port, watchesCarrier: boolean, listener: LineListener): Subscription {
  const both = new Subscription();
  both.add(
    port.received$.subscribe({
      next: (chunk) => {
        listener.received(chunk);
      },
      error: (error) => {
        listener.gone(error);
      },
      complete: () => {
        listener.gone(undefined);
      },
    }),
  );
  if (!watchesCarrier) return both;
  const circuit = port.role === 'dte' ? 'dcd' : 'dtr';
  let before: boolean | undefined;
  both.add(
    port.circuits$.subscribe({
      next: (circuits: Circuits) => {
        const wasOn = before;
        before = circuits[circuit];
        if (wasOn === true && !before) listener.dropped(circuit.toUpperCase());
      },
      // A line that fails says so through received$ as well.
      error: () => undefined,
    }),
  );
  return both;
}
