import type { Cancel, Clock } from '@cellmux/port';
import { causeOf } from '../core/recovery/cause-of.ts';
import type { Cause, Patient, Service, Step } from '../core/recovery/cause.ts';
import { Supervisor, type Outage, type SupervisorInput, type SupervisorOptions } from '../core/recovery/supervisor.ts';

/** Who carries the steps out. Each rejects with what it failed by; an abort is obeyed soon. */
export interface RepairCrew {
  redial(service: Service, signal: AbortSignal): Promise<void>;
  reopenDlc(service: Service, signal: AbortSignal): Promise<void>;
  restartMultiplexer(signal: AbortSignal): Promise<void>;
  resetModule(signal: AbortSignal): Promise<void>;
  reopenLine(signal: AbortSignal): Promise<void>;
}

/** What a {@link Recovery} tells. */
export interface RecoveryListener {
  /** Something changed in what works. */
  readonly onChange: () => void;
  readonly onOutageBegan: (outage: Outage) => void;
  readonly onOutageEnded: (outage: Outage, durationMs: number) => void;
  readonly onStep: (step: Step, patient: Patient, error: unknown) => void;
  readonly onGaveUp: (outage: Outage, error: unknown) => void;
}

/** What a {@link Recovery} is made of. */
export interface RecoveryParts extends RecoveryListener {
  readonly clock: Clock;
  readonly options: SupervisorOptions;
  readonly crew: RepairCrew;
}

interface Run {
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

/** The {@link Supervisor} with its timer, and the steps that it asks for while they are carried out. */
export class Recovery {
  readonly #parts: RecoveryParts;
  readonly #supervisor: Supervisor;
  readonly #runs = new Map<number, Run>();
  #cancelTimer: Cancel = () => undefined;
  #isStopped = false;
  #lastError: unknown;

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
    this.#supervisor = new Supervisor(parts.options);
  }

  /** Outages that last. */
  get outages(): readonly Outage[] {
    return this.#supervisor.outages;
  }

  works(patient: Patient): boolean {
    return this.#supervisor.works(patient);
  }

  stepOf(patient: Patient): Step | undefined {
    return this.#supervisor.stepOf(patient);
  }

  /** Something was found not to work. */
  broken(patient: Patient, cause: Cause, error?: unknown): void {
    if (error !== undefined) this.#lastError = error;
    this.#handle({ type: 'broken', patient, cause });
  }

  inUse(service: Service, inUse: boolean): void {
    this.#handle({ type: 'inUse', service, inUse });
  }

  /** What is waited for may be there now. */
  hopeful(): void {
    this.#handle({ type: 'hopeful' });
  }

  /** Starts nothing more, aborts what runs, and resolves when that has ended. */
  async stop(reason: unknown): Promise<void> {
    this.#isStopped = true;
    this.#cancelTimer();
    for (const { abort } of this.#runs.values()) abort.abort(reason);
    await Promise.all([...this.#runs.values()].map(({ done }) => done));
  }

  #handle(input: SupervisorInput): void {
    if (this.#isStopped) return;
    const { clock, onChange, onOutageBegan, onOutageEnded, onGaveUp } = this.#parts;
    for (const effect of this.#supervisor.handle(input, clock.now())) {
      switch (effect.type) {
        case 'run':
          this.#start(effect.run, effect.step, effect.patient);
          break;
        case 'cancel':
          this.#runs.get(effect.run)?.abort.abort(new Error('the link below went down'));
          break;
        case 'outageBegan':
          onOutageBegan(effect.outage);
          break;
        case 'outageEnded':
          onOutageEnded(effect.outage, effect.durationMs);
          break;
        case 'gaveUp':
          onGaveUp(effect.outage, this.#lastError);
          break;
      }
    }
    if (input.type !== 'inUse') onChange();
    this.#setTimer();
  }

  #setTimer(): void {
    this.#cancelTimer();
    const atMs = this.#supervisor.nextDeadlineMs;
    if (atMs === undefined || this.#isStopped) return;
    const { clock } = this.#parts;
    this.#cancelTimer = clock.after(Math.max(0, atMs - clock.now()), () => {
      this.#handle({ type: 'time' });
    });
  }

  #start(run: number, step: Step, patient: Patient): void {
    const abort = new AbortController();
    // Whatever still runs for somebody who has lost his ground ends first: two must not work on one port.
    const before = Promise.all(
      [...this.#runs.values()].filter((one) => one.abort.signal.aborted).map((one) => one.done),
    );
    const done = before
      .then(() => this.#carryOut(step, patient, abort.signal))
      .then(
        () => {
          this.#runs.delete(run);
          this.#parts.onStep(step, patient, undefined);
          this.#handle({ type: 'stepDone', run });
        },
        (error: unknown) => {
          this.#runs.delete(run);
          if (!abort.signal.aborted) {
            this.#lastError = error;
            this.#parts.onStep(step, patient, error);
          }
          const fatal = (error as { code?: unknown } | undefined)?.code === 'ERR_GATEWAY_LINE_NOT_REOPENED';
          this.#handle({ type: 'stepFailed', run, cause: causeOf(error), fatal });
        },
      );
    this.#runs.set(run, { abort, done });
  }

  #carryOut(step: Step, patient: Patient, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { crew } = this.#parts;
    switch (step) {
      case 'redial':
        return crew.redial(patient as Service, signal);
      case 'reopenDlc':
        return crew.reopenDlc(patient as Service, signal);
      case 'restartMultiplexer':
        return crew.restartMultiplexer(signal);
      case 'resetModule':
        return crew.resetModule(signal);
      case 'reopenLine':
        return crew.reopenLine(signal);
    }
  }
}
