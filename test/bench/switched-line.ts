import {
  IDLE_CIRCUITS,
  ReceiveStream,
  type AbortOptions,
  type Circuits,
  type Port,
  type PortRole,
} from '@cellmux/port';
import { of } from 'rxjs';

/**
 * A line between two live ends that can be switched over to a bench: what the far end has sent is then played back as
 * often as wished, and what this end sends goes nowhere.
 */
export class SwitchedLine implements Port {
  readonly name = 'switched';
  readonly role: PortRole = 'dte';
  readonly circuits: Circuits = IDLE_CIRCUITS;
  readonly circuits$ = of(IDLE_CIRCUITS);
  readonly isClosed = false;
  /** What the far end sends, while it is an array. */
  recorded: Uint8Array[] | undefined;
  isCut = false;
  octetsSent = 0;
  readonly #far: Port;
  readonly #stream = new ReceiveStream({ name: 'switched' });
  readonly received$ = this.#stream.bytes$;

  constructor(far: Port) {
    this.#far = far;
    far.received$.subscribe((chunk) => {
      this.recorded?.push(chunk.slice());
      if (!this.isCut) this.#stream.push(chunk);
    });
  }

  /** Plays a chunk to this end. */
  play(chunk: Uint8Array): void {
    this.#stream.push(chunk);
  }

  send(bytes: Uint8Array, options?: AbortOptions): Promise<void> {
    this.octetsSent += bytes.length;
    return this.isCut ? Promise.resolve() : this.#far.send(bytes, options);
  }

  pause(): void {
    return;
  }

  resume(): void {
    return;
  }

  setCircuits(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
