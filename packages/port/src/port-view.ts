import type { Observable } from 'rxjs';
import type { Circuits, PortRole } from './circuits.ts';
import type { AbortOptions, Port } from './port.ts';

/** What a {@link PortView} does in its own way. */
export interface PortViewChanges {
  readonly received$?: Observable<Uint8Array>;
  readonly send?: (bytes: Uint8Array, options?: AbortOptions) => Promise<void>;
}

/** Another port in all but what is changed. */
export class PortView implements Port {
  readonly received$: Observable<Uint8Array>;
  readonly #port: Port;
  readonly #send: ((bytes: Uint8Array, options?: AbortOptions) => Promise<void>) | undefined;

  constructor(port: Port, changes: PortViewChanges) {
    this.#port = port;
    this.#send = changes.send;
    this.received$ = changes.received$ ?? port.received$;
  }

  get name(): string {
    return this.#port.name;
  }

  get role(): PortRole {
    return this.#port.role;
  }

  get circuits(): Circuits {
    return this.#port.circuits;
  }

  get circuits$(): Observable<Circuits> {
    return this.#port.circuits$;
  }

  get isClosed(): boolean {
    return this.#port.isClosed;
  }

  send(bytes: Uint8Array, options?: AbortOptions): Promise<void> {
    return this.#send === undefined ? this.#port.send(bytes, options) : this.#send(bytes, options);
  }

  pause(): void {
    this.#port.pause();
  }

  resume(): void {
    this.#port.resume();
  }

  setCircuits(change: Partial<Circuits>): Promise<void> {
    return this.#port.setCircuits(change);
  }

  close(options?: AbortOptions): Promise<void> {
    return this.#port.close(options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
