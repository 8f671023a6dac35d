import { of } from 'rxjs';
import { IDLE_CIRCUITS, ReceiveStream, type Circuits, type Port, type PortRole } from '../src/index.ts';

/** A line that is fed by hand and drops what is sent: what is measured on it is what stands above it, in one direction. */
export class FedPort implements Port {
  readonly name = 'fed';
  readonly role: PortRole = 'dte';
  readonly circuits: Circuits = IDLE_CIRCUITS;
  readonly circuits$ = of(IDLE_CIRCUITS);
  readonly isClosed = false;
  readonly #stream = new ReceiveStream({ name: 'fed' });
  readonly received$ = this.#stream.bytes$;

  receive(chunk: Uint8Array): void {
    this.#stream.push(chunk);
  }

  send(_bytes: Uint8Array): Promise<void> {
    return Promise.resolve();
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
