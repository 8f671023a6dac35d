import type { CommandResult } from '@cellmux/at';
import type { Cancel } from '@cellmux/port';
import type { He863Module } from '../he863-module.ts';
import type { LineGate } from '../line-gate.ts';
import type { Fault, FaultPlan, PlannedFault } from './fault.ts';

/** What goes wrong with a virtual module, on demand. Repeatable: what is random comes from the module's seed. */
export class Faults {
  readonly #module: He863Module;
  readonly #timers = new Set<Cancel>();
  /** Lines that are late; they wait no longer when {@link clear} is called. */
  readonly #waiting = new Set<() => void>();
  #errorLines = 0;
  #lateLines = 0;
  #lateMs = 0;
  #cmuxRefusals = 0;

  constructor(module: He863Module) {
    this.#module = module;
  }

  /** Lets a plan happen, from now on. */
  plan(plan: FaultPlan): void {
    for (const planned of plan) this.#schedule(planned, planned.atMs);
  }

  /** Lets a fault happen now. */
  inject(fault: Fault): void {
    const module = this.#module;
    module.emit({ type: 'fault', fault: fault.kind });
    switch (fault.kind) {
      case 'reset':
        void module.reset('fault');
        return;
      case 'context':
        module.dropContext(fault.cid);
        return;
      case 'carrier':
        for (const session of module.sessions) if (session.dlci === fault.port) session.server.dropCarrier();
        return;
      case 'stuck':
        this.#gates(fault.port, fault.forMs, 'stuck');
        return;
      case 'silence':
        this.#gates(fault.port, fault.forMs, 'silent');
        return;
      case 'late':
        this.#lateLines = fault.lines;
        this.#lateMs = fault.delayMs;
        return;
      case 'error':
        this.#errorLines += fault.lines;
        return;
      case 'garbage':
        for (const gate of module.gatesOf(fault.port)) gate.inject(this.#noise(fault.bytes));
        return;
      case 'coverage':
        module.loseCoverage();
        this.#after(fault.forMs, () => {
          module.startNetwork();
        });
        return;
      case 'registration':
        module.network.registrationMs = fault.afterMs;
        if (!module.network.isRegistered) module.startNetwork();
        return;
      case 'cmux':
        this.#cmuxRefusals = fault.times;
        return;
      case 'activation':
        for (let left = fault.times; left > 0; left--) module.network.refuseNext(fault.cme);
    }
  }

  /** Ends what lasts and forgets what is planned. */
  clear(): void {
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    for (const goOn of this.#waiting) goOn();
    this.#waiting.clear();
    this.#errorLines = 0;
    this.#lateLines = 0;
    this.#cmuxRefusals = 0;
    for (let port = 0; port <= 3; port++) this.#gates(port, 0, undefined);
  }

  /** What a command line gets instead of being run, after the time that it is late. */
  async beforeLine(): Promise<CommandResult | undefined> {
    if (this.#lateLines > 0) {
      this.#lateLines -= 1;
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
        this.#after(this.#lateMs, () => {
          this.#waiting.delete(resolve);
          resolve();
        });
      });
    }
    if (this.#errorLines === 0) return undefined;
    this.#errorLines -= 1;
    return 'ERROR';
  }

  /** Whether this AT+CMUX is refused. */
  refusesMultiplexer(): boolean {
    if (this.#cmuxRefusals === 0) return false;
    this.#cmuxRefusals -= 1;
    return true;
  }

  #schedule(planned: PlannedFault, delayMs: number): void {
    const jitterMs = planned.jitterMs === 0 ? 0 : Math.floor(this.#module.random() * (planned.jitterMs + 1));
    const happen = (): void => {
      this.inject(planned.fault);
      if (planned.everyMs !== undefined) this.#schedule(planned, planned.everyMs);
    };
    if (delayMs + jitterMs === 0) happen();
    else this.#after(delayMs + jitterMs, happen);
  }

  #after(ms: number, task: () => void): void {
    const cancel = this.#module.clock.after(ms, () => {
      this.#timers.delete(cancel);
      task();
    });
    this.#timers.add(cancel);
  }

  #gates(port: number, forMs: number, what: 'stuck' | 'silent' | undefined): void {
    const gates = this.#module.gatesOf(port);
    const set = (on: boolean): void => {
      for (const gate of gates) setGate(gate, what, on);
    };
    if (what === undefined) {
      set(false);
      return;
    }
    set(true);
    this.#after(forMs, () => {
      set(false);
    });
  }

  #noise(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => Math.floor(this.#module.random() * 256));
  }
}

function setGate(gate: LineGate, what: 'stuck' | 'silent' | undefined, on: boolean): void {
  if (what === undefined) gate.state = { stuck: false, silent: false };
  else gate.state = what === 'stuck' ? { stuck: on } : { silent: on };
}
