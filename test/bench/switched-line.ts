import type { AbortOptions, Port } from '@cellmux/port';
import { FedPort } from '../../packages/port/bench/index.ts';

/**
 * A line between two live ends that can be switched over to a bench: what the far end has sent is then played back as
 * often as wished, and what this end sends goes nowhere.
 */
export class SwitchedLine extends FedPort {
  /** What the far end sends, while it is an array. */
  recorded: Uint8Array[] | undefined;
  isCut = false;
  octetsSent = 0;
  readonly #far: Port;

  constructor(far: Port) {
    super();
    this.#far = far;
    far.received$.subscribe((chunk) => {
      this.recorded?.push(chunk.slice());
      if (!this.isCut) this.receive(chunk);
    });
  }

  override send(bytes: Uint8Array, options?: AbortOptions): Promise<void> {
    this.octetsSent += bytes.length;
    return this.isCut ? super.send(bytes) : this.#far.send(bytes, options);
  }
}
