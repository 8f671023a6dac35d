import type { Port } from '@cellmux/port';
import type { Subscription } from 'rxjs';
import type { He863Module } from './he863-module.ts';
import { LineGate } from './line-gate.ts';

/** A line that the module serves: AT on it while the module is on, nothing while it is off. */
export class ServedLine {
  readonly #line: Port;
  readonly #module: He863Module;
  readonly #onEnd: () => void;
  #gate: LineGate | undefined;
  #discarding: Subscription | undefined;
  #isOver = false;

  constructor(line: Port, module: He863Module, onEnd: () => void) {
    this.#line = line;
    this.#module = module;
    this.#onEnd = onEnd;
  }

  start(): void {
    if (this.#module.isOn) this.powerUp();
    else this.#discard();
  }

  get name(): string {
    return this.#line.name;
  }

  powerUp(): void {
    if (this.#isOver || this.#gate !== undefined) return;
    this.#discarding?.unsubscribe();
    this.#discarding = undefined;
    const gate = new LineGate(this.#line, this.#module.clock);
    this.#gate = gate;
    const { server } = this.#module.openPort(gate, 0);
    void server.ended.then(() => {
      if (this.#line.isClosed || this.#gate === gate) this.end();
    });
  }

  /** The module is off: what was connected is gone, and nobody listens. */
  powerDown(): void {
    if (this.#isOver) return;
    const gate = this.#gate;
    this.#gate = undefined;
    gate?.cut();
    this.#line.setCircuits({ dcd: false }).catch(() => undefined);
    this.#discard();
  }

  /** The line is gone, with what is on its way. */
  lose(): void {
    this.end();
    void this.#line.close({ signal: AbortSignal.abort() });
  }

  /** Stops using the line, which stays open. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#discarding?.unsubscribe();
    this.#gate?.cut();
    this.#gate = undefined;
    this.#onEnd();
  }

  /** What comes to a module that is off is lost. */
  #discard(): void {
    const end = (): void => {
      this.end();
    };
    this.#discarding ??= this.#line.received$.subscribe({ complete: end, error: end });
  }
}
