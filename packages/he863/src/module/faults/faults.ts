import type { CommandResult } from '@cellmux/at';
import { seededRandom, type Cancel } from '@cellmux/port';
import type { He863Module } from '../he863-module.ts';
import type { LineGate } from '../line-gate.ts';
import type { Fault, FaultPlan, PlannedFault } from './fault.ts';
import { LineFaults } from './line-faults.ts';
import { TimedHolds } from './timed-holds.ts';

const PORTS = [0, 1, 2, 3];

/** What holds for a time: a port, the multiplexer or the line of the module, and what is outside of it. */
type Held = `stuck ${number}` | `silence ${number}` | 'mux' | 'line' | Outage;
/** Why no network is to be had, the strongest first. */
const OUTAGES = ['sim', 'coverage', 'denied'] as const;
type Outage = (typeof OUTAGES)[number];

/** What goes wrong with a virtual module, on demand. Repeatable: what is random comes from the module's seed. */
export class Faults {
  readonly #module: He863Module;
  /** A source of its own, so that traffic changes nothing about the plan. */
  readonly #random: () => number;
  readonly #timers = new Set<Cancel>();
  readonly #holds: TimedHolds<Held>;
  readonly #lines: LineFaults;
  #cmuxRefusals = 0;
  #dialRefusals = 0;

  constructor(module: He863Module) {
    this.#module = module;
    this.#random = seededRandom(module.checked.seed);
    this.#lines = new LineFaults(module.clock);
    this.#holds = new TimedHolds(module.clock, (held) => {
      this.#heldChanged(held);
    });
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
      case 'line':
        this.#holds.hold('line', fault.forMs);
        module.loseLines(fault.forMs);
        return;
      case 'context':
        module.dropContext(fault.cid);
        return;
      case 'carrier':
        module.dropCarrier(fault.port);
        return;
      case 'stuck':
      case 'silence':
        this.#holds.hold(`${fault.kind} ${fault.port}`, fault.forMs);
        return;
      case 'mux':
      case 'coverage':
      case 'denied':
        this.#holds.hold(fault.kind, fault.forMs);
        return;
      case 'sim':
        module.sim.fail(fault.cme);
        this.#holds.hold('sim', fault.forMs);
        return;
      case 'late':
        this.#lines.delay(fault.delayMs, fault.lines, fault.port);
        return;
      case 'error':
        this.#lines.refuse(fault.lines, fault.port);
        return;
      case 'garbage':
        for (const gate of module.gatesOf(fault.port)) gate.inject(this.#noise(fault.bytes));
        return;
      case 'registration':
        module.network.registrationMs = fault.afterMs;
        if (!module.network.isRegistered) module.startNetwork();
        return;
      case 'cmux':
        this.#cmuxRefusals += fault.times;
        return;
      case 'dial':
        this.#dialRefusals += fault.times;
        return;
      case 'activation':
        module.network.refuseActivations(fault.cme, fault.times);
        return;
      case 'socket':
        module.network.refuseSockets(fault.cme, fault.times);
    }
  }

  /** Ends what lasts and forgets what is planned. */
  clear(): void {
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    this.#lines.clear();
    this.#cmuxRefusals = 0;
    this.#dialRefusals = 0;
    this.#module.network.refuseNothing();
    this.#holds.release();
  }

  /** A power cycle heals what the module itself has; network and SIM are as they are. */
  powerCycled(): void {
    this.#holds.release((held) => held === 'mux' || held.startsWith('stuck') || held.startsWith('silence'));
  }

  /** What a command line of this port gets instead of being run, after the time that it is late. */
  beforeLine(port: number): Promise<CommandResult | undefined> {
    return this.#lines.beforeLine(port);
  }

  /** Whether this AT+CMUX is refused. */
  refusesMultiplexer(): boolean {
    if (this.#cmuxRefusals === 0) return false;
    this.#cmuxRefusals -= 1;
    return true;
  }

  /** Whether this ATD ends with NO CARRIER. */
  refusesDial(): boolean {
    if (this.#dialRefusals === 0) return false;
    this.#dialRefusals -= 1;
    return true;
  }

  /** How long a line that is served now is gone, in ms; undefined: it is not. */
  get linesAreGoneMs(): number | undefined {
    return this.#holds.isHeld('line') ? this.#holds.remainingMs('line') : undefined;
  }

  /** Why there is no network; undefined: nothing is in the way. */
  get outage(): Outage | undefined {
    return OUTAGES.find((outage) => this.#holds.isHeld(outage));
  }

  /** Brings the gate of a port into the state that its faults ask for. */
  applyTo(gate: LineGate, port: number): void {
    const hangs = port === 0 && this.#holds.isHeld('mux') && gate.carriesMultiplexer;
    gate.state = {
      stuck: this.#holds.isHeld(`stuck ${port}`),
      silent: hangs || this.#holds.isHeld(`silence ${port}`),
      deaf: hangs,
    };
  }

  #heldChanged(held: Held): void {
    if (held === 'line') return;
    const outage = OUTAGES.find((name) => name === held);
    if (outage === undefined) {
      for (const port of PORTS) for (const gate of this.#module.gatesOf(port)) this.applyTo(gate, port);
      return;
    }
    if (outage === 'sim' && !this.#holds.isHeld('sim')) this.#module.sim.heal();
    if (this.#holds.isHeld(outage)) this.#module.dropAllContexts();
    this.#module.startNetwork();
  }

  #schedule(planned: PlannedFault, delayMs: number): void {
    const jitterMs = planned.jitterMs === 0 ? 0 : Math.floor(this.#random() * (planned.jitterMs + 1));
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

  #noise(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => Math.floor(this.#random() * 256));
  }
}
