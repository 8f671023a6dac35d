import { BehaviorSubject, type Observable } from 'rxjs';
import { DRIVEN_CIRCUITS, IDLE_CIRCUITS, type Circuits, type PortRole } from './circuits.ts';
import { CellmuxError } from './core/cellmux-error.ts';

/** The circuits of one cable. Both ends of a cable in memory share one; a real device's port has its own. */
export class CircuitCable {
  readonly circuits$: Observable<Circuits>;
  readonly #state: BehaviorSubject<Circuits>;

  constructor(initial: Circuits = IDLE_CIRCUITS) {
    this.#state = new BehaviorSubject(initial);
    this.circuits$ = this.#state.asObservable();
  }

  get circuits(): Circuits {
    return this.#state.value;
  }

  /** Takes over what changed; emits only where something did. Circuits that are undefined stay as they are. */
  change(change: Partial<Circuits>): void {
    const next: { -readonly [Name in keyof Circuits]: boolean } = { ...this.#state.value };
    let changed = false;
    for (const circuit of Object.keys(next) as (keyof Circuits)[]) {
      const value = change[circuit];
      if (value === undefined || value === next[circuit]) continue;
      next[circuit] = value;
      changed = true;
    }
    if (changed) this.#state.next(next);
  }

  /** Ends `circuits$`; the last state stays readable. */
  end(): void {
    this.#state.complete();
  }
}

/** `ERR_PORT_CIRCUIT_NOT_OURS` when an end of that role does not drive one of the circuits; else undefined. */
export function foreignCircuit(name: string, role: PortRole, change: Partial<Circuits>): CellmuxError | undefined {
  const driven: readonly string[] = DRIVEN_CIRCUITS[role];
  const circuit = Object.keys(change).find((key) => !driven.includes(key));
  if (circuit === undefined) return undefined;
  return new CellmuxError('ERR_PORT_CIRCUIT_NOT_OURS', `${name}: a ${role.toUpperCase()} does not drive ${circuit}`, {
    context: { circuit, role },
  });
}
