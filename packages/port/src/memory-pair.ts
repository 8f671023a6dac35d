import { CircuitCable } from './circuit-cable.ts';
import { checkInteger } from './core/check-option.ts';
import { DrivenPort, type PortDriver } from './driven-port.ts';
import type { Port } from './port.ts';
import { BACKLOG_LIMIT_BYTES } from './receive-stream.ts';

/** Options of {@link memoryPair}. */
export interface MemoryPairOptions {
  /** What both ends are called, with ` (dte)` and ` (dce)` behind it; default `memory`. */
  readonly name?: string;
  /** Backlog of each end in bytes, 1 to 2^30; default {@link BACKLOG_LIMIT_BYTES}. */
  readonly backlogLimitBytes?: number;
}

/** One end's way to the other. */
class MemoryDriver implements PortDriver {
  #far: DrivenPort | undefined;
  #farDriver: MemoryDriver | undefined;
  #waiting: ((far: DrivenPort) => void) | undefined;

  join(far: DrivenPort, farDriver: MemoryDriver): void {
    this.#far = far;
    this.#farDriver = farDriver;
  }

  write(bytes: Uint8Array, taken: (octets: number) => void): number | Promise<number> {
    if (this.#far?.isPaused === false) {
      this.#deliver(this.#far, bytes, taken);
      return 0;
    }
    return new Promise((resolve) => {
      this.#waiting = (far) => {
        this.#deliver(far, bytes, taken);
        resolve(0);
      };
    });
  }

  pause(): void {
    // The far end looks at `isPaused` before it delivers.
  }

  resume(): void {
    this.#farDriver?.goOn();
  }

  close(): void {
    // Its sender has been told that it did not leave.
    this.#waiting = undefined;
    this.#far?.ended();
  }

  /** The cable is cut: neither end can end the other in order any more. */
  cut(): void {
    this.#far = undefined;
    this.#farDriver = undefined;
  }

  goOn(): void {
    if (this.#waiting === undefined) return;
    // Not from within resume: its caller has not expected bytes by the time it returns.
    queueMicrotask(() => {
      const deliver = this.#waiting;
      if (deliver === undefined || this.#far?.isPaused !== false) return;
      this.#waiting = undefined;
      deliver(this.#far);
    });
  }

  #deliver(far: DrivenPort, bytes: Uint8Array, taken: (octets: number) => void): void {
    const octets = Math.min(bytes.length, far.roomBytes);
    // A copy: the sender may use its array again, the receiver may keep the chunk. On a Buffer `slice` would be a view.
    const chunk = new Uint8Array(octets === bytes.length ? bytes : bytes.subarray(0, octets));
    taken(octets);
    far.received(chunk);
  }
}

/** A memory pair with the means to break it. */
export interface MemoryPair {
  /** The terminal's end. */
  readonly dte: Port;
  /** The module's end. */
  readonly dce: Port;
  /** Breaks the cable: both streams end with this error, and what was not delivered is rejected with it as the cause. */
  readonly fail: (error: unknown) => void;
}

/**
 * Two ports joined in memory: what one sends the other receives, in the same chunks, without loss; only where nobody
 * subscribes and the backlog has no room for a whole chunk is it delivered in parts. `pause()` on one end keeps the
 * other's `send` waiting. Both share one set of circuits, as the two ends of one cable do.
 *
 * `close()` waits for ever for a far end that stays paused: give it a `signal`.
 *
 * @example
 * const { dte, dce } = memoryPair();
 * dce.received$.subscribe((chunk) => { … });
 * await dte.send(latin1('AT\r'));
 */
export function memoryPair({
  name = 'memory',
  backlogLimitBytes = BACKLOG_LIMIT_BYTES,
}: MemoryPairOptions = {}): MemoryPair {
  checkInteger('backlogLimitBytes', backlogLimitBytes, 1, 2 ** 30);
  const cable = new CircuitCable();
  const [toDce, toDte] = [new MemoryDriver(), new MemoryDriver()];
  const common = { cable, backlogLimitBytes, lingerMs: Infinity };
  const dte = new DrivenPort({ ...common, name: `${name} (dte)`, role: 'dte', driver: toDce });
  const dce = new DrivenPort({ ...common, name: `${name} (dce)`, role: 'dce', driver: toDte });
  toDce.join(dce, toDte);
  toDte.join(dte, toDce);
  return {
    dte,
    dce,
    fail: (error) => {
      toDce.cut();
      toDte.cut();
      dte.failed(error);
      dce.failed(error);
    },
  };
}
