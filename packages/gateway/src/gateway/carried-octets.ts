import type { Duplex } from 'node:stream';

/** What carries octets and counts them. */
type Counting = Pick<Duplex, 'once'> & { readonly bytesRead: number; readonly bytesWritten: number };

/** The octets of all connections that there ever were, those that are open among them. */
export class CarriedOctets {
  readonly #open = new Set<Counting>();
  #bytesRead = 0;
  #bytesWritten = 0;

  /** Counts these as well, each once, until it closes. What counts nothing is left out. */
  follow(connections: readonly object[]): void {
    for (const one of connections) {
      if (!isCounting(one) || this.#open.has(one)) continue;
      this.#open.add(one);
      one.once('close', () => {
        this.#open.delete(one);
        this.#bytesRead += one.bytesRead;
        this.#bytesWritten += one.bytesWritten;
      });
    }
  }

  /** Both sums now. */
  get sums(): { readonly bytesRead: number; readonly bytesWritten: number } {
    let [bytesRead, bytesWritten] = [this.#bytesRead, this.#bytesWritten];
    for (const one of this.#open) {
      bytesRead += one.bytesRead;
      bytesWritten += one.bytesWritten;
    }
    return { bytesRead, bytesWritten };
  }
}

function isCounting(connection: object): connection is Counting {
  return 'bytesRead' in connection && 'bytesWritten' in connection && 'once' in connection;
}
