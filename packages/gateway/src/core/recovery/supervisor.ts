import { backOffMs } from './back-off.ts';
import {
  CAUSES,
  concernsLink,
  SERVICES,
  STEPS,
  strengthOf,
  type Cause,
  type CauseRow,
  type Patient,
  type Service,
  type Step,
} from './cause.ts';

/** Options of {@link Supervisor}. */
export interface SupervisorOptions {
  /** The pause after the first failed attempt, ms. */
  readonly firstPauseMs: number;
  /** The longest pause, ms. */
  readonly longestPauseMs: number;
  /** What worked this long has recovered for good: its next trouble begins with the mildest step again, ms. */
  readonly stableMs: number;
  /** An outage this long is given up, ms; Infinity: never. */
  readonly giveUpAfterMs: number;
  /** Attempts with each step before a stronger one is taken. */
  readonly attempts: Readonly<Record<Step, number>>;
  readonly random: () => number;
}

/** Attempts with each step before a stronger one is taken. */
export const DEFAULT_ATTEMPTS: SupervisorOptions['attempts'] = {
  redial: 3,
  reopenDlc: 2,
  restartMultiplexer: 2,
  resetModule: Infinity,
  reopenLine: Infinity,
};

/** One outage from its beginning to its end. */
export interface Outage {
  readonly id: number;
  /** What was found to be behind it. */
  readonly cause: Cause;
  /** Which services did not work. */
  readonly services: readonly Service[];
  readonly sinceMs: number;
  /** What was tried, in order; the last is what helped. */
  readonly steps: readonly { readonly step: Step; readonly patient: Patient; readonly ok: boolean }[];
}

/** What the supervisor is told. */
export type SupervisorInput =
  | { readonly type: 'broken'; readonly patient: Patient; readonly cause: Cause }
  | { readonly type: 'stepDone'; readonly run: number }
  /** `fatal`: no further attempt can help. */
  | { readonly type: 'stepFailed'; readonly run: number; readonly cause: Cause; readonly fatal?: boolean }
  /** Whether somebody has the service in use: then it is not taken down for the sake of another one. */
  | { readonly type: 'inUse'; readonly service: Service; readonly inUse: boolean }
  /** What was waited for may be there: attempts that wait are made now. */
  | { readonly type: 'hopeful' }
  | { readonly type: 'time' };

/** What the supervisor wants done, or tells. */
export type SupervisorEffect =
  | { readonly type: 'run'; readonly run: number; readonly step: Step; readonly patient: Patient }
  /** A run that has lost its ground: its outcome is of no interest any more. */
  | { readonly type: 'cancel'; readonly run: number }
  | { readonly type: 'outageBegan'; readonly outage: Outage }
  | { readonly type: 'outageEnded'; readonly outage: Outage; readonly durationMs: number }
  | { readonly type: 'gaveUp'; readonly outage: Outage };

/** Where a patient is: fine, waiting for its next attempt, under repair, or (a service) waiting for the link. */
type Condition =
  | { readonly kind: 'works'; readonly sinceMs: number }
  | { readonly kind: 'waits'; readonly untilMs: number; readonly step: Step }
  | { readonly kind: 'repaired'; readonly run: number; readonly step: Step }
  | { readonly kind: 'held' };

class Case {
  readonly patient: Patient;
  condition: Condition = { kind: 'works', sinceMs: -Infinity };
  cause: Cause = 'unknown';
  step: Step = 'redial';
  triesOfStep = 0;
  failures = 0;
  inUse = false;
  outage: MutableOutage | undefined;

  constructor(patient: Patient) {
    this.patient = patient;
  }
}

interface MutableOutage {
  readonly id: number;
  cause: Cause;
  services: readonly Service[];
  sinceMs: number;
  readonly steps: { readonly step: Step; readonly patient: Patient; ok: boolean }[];
  /** Who still is part of it. */
  readonly open: Set<Patient>;
}

/** Outages of services that began this shortly before one of the link are part of it. */
const SAME_TROUBLE_MS = 60_000;
/** The most steps that an outage remembers: the first and then the latest. */
const STEPS_KEPT = 100;

/**
 * Decides what is done about what breaks: which step, when, and when a stronger one. Pure: it is told what happened and
 * what time it is, and says what to run.
 *
 * - Each patient has its own case: a service that is dead is redialled while the others go on.
 * - The first attempt is made at once, the next after a pause that doubles, with jitter, up to a limit.
 * - After so many attempts a step gives way to the next stronger one that its cause allows. A step that concerns the link
 *   is taken for the sake of one service only while no other service works and is in use.
 * - While the link is down services wait for it; when it is back each is set up again at once.
 * - Each outage is one record, whatever number of services and steps belong to it.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #link = new Case('link');
  readonly #services = new Map(SERVICES.map((service) => [service, new Case(service)]));
  readonly #outages = new Set<MutableOutage>();
  #effects: SupervisorEffect[] = [];
  #began: MutableOutage[] = [];
  #nextId = 1;
  #hasGivenUp = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** When `time` is to be told next; undefined while nothing waits. */
  get nextDeadlineMs(): number | undefined {
    let next = Infinity;
    for (const { condition } of this.#cases) if (condition.kind === 'waits') next = Math.min(next, condition.untilMs);
    for (const { sinceMs } of this.#outages) next = Math.min(next, sinceMs + this.#options.giveUpAfterMs);
    return next === Infinity || this.#hasGivenUp ? undefined : next;
  }

  /** Outages that last. */
  get outages(): readonly Outage[] {
    return [...this.#outages].map(snapshot);
  }

  /** True while a patient works, as far as is known. */
  works(patient: Patient): boolean {
    return this.#case(patient).condition.kind === 'works';
  }

  /** What is being tried for a patient, or waited for to be tried; undefined while it works. */
  stepOf(patient: Patient): Step | undefined {
    const { condition } = this.#case(patient);
    if (condition.kind === 'held') return this.stepOf('link');
    return condition.kind === 'works' ? undefined : condition.step;
  }

  /** Takes what happened and gives what follows, in order. */
  handle(input: SupervisorInput, nowMs: number): readonly SupervisorEffect[] {
    if (this.#hasGivenUp) return [];
    this.#effects = [];
    this.#began = [];
    switch (input.type) {
      case 'broken':
        if (input.patient === 'link' || CAUSES[input.cause].ofLink) this.#linkBroken(input.cause, nowMs);
        else this.#serviceBroken(this.#case(input.patient), input.cause, nowMs);
        break;
      case 'stepDone':
        this.#stepDone(input.run, nowMs);
        break;
      case 'stepFailed':
        this.#stepFailed(input.run, input.cause, input.fatal === true, nowMs);
        break;
      case 'inUse':
        this.#case(input.service).inUse = input.inUse;
        break;
      case 'hopeful':
        for (const one of this.#services.values()) {
          // A network that refuses a password refuses it again.
          if (one.condition.kind === 'waits' && one.cause !== 'accessRefused') {
            one.condition = { ...one.condition, untilMs: nowMs };
          }
        }
        break;
      case 'time':
        break;
    }
    this.#runWhatIsDue(nowMs);
    this.#giveUpWhatLastsTooLong(nowMs);
    // Told when everything that is part of them has joined.
    const began = this.#began.map((outage) => ({ type: 'outageBegan', outage: snapshot(outage) }) as const);
    return [...began, ...this.#effects];
  }

  get #cases(): readonly Case[] {
    return [this.#link, ...this.#services.values()];
  }

  #case(patient: Patient): Case {
    return patient === 'link' ? this.#link : (this.#services.get(patient) as Case);
  }

  #serviceBroken(one: Case, cause: Cause, nowMs: number): void {
    if (one.condition.kind !== 'works') {
      this.#refine(one, cause);
      return;
    }
    this.#beginCase(one, cause, one.condition.sinceMs, nowMs);
    this.#join(one, this.#begin(cause, nowMs));
    this.#plan(one, CAUSES[cause], nowMs);
  }

  #linkBroken(cause: Cause, nowMs: number): void {
    const link = this.#link;
    if (link.condition.kind === 'works') {
      this.#beginCase(link, cause, link.condition.sinceMs, nowMs);
      this.#takeLinkDown(cause, nowMs);
      this.#plan(link, CAUSES[cause], nowMs);
      return;
    }
    this.#refine(link, cause);
    const first = CAUSES[cause].first;
    // The line went while the multiplexer was to be restarted: first things first.
    if (strengthOf(first) > strengthOf(link.step)) {
      if (link.condition.kind === 'repaired') this.#effects.push({ type: 'cancel', run: link.condition.run });
      this.#begunWith(link, first);
      link.condition = { kind: 'waits', untilMs: nowMs, step: first };
    }
  }

  /** All services wait for the link from now on; what broke just before was part of the same trouble. */
  #takeLinkDown(cause: Cause, nowMs: number, into?: MutableOutage): void {
    const outage = into ?? this.#mergeRecent(nowMs) ?? this.#begin(cause, nowMs);
    this.#link.outage = outage;
    outage.open.add('link');
    if (CAUSES[cause].depth >= CAUSES[outage.cause].depth) outage.cause = cause;
    for (const one of this.#services.values()) {
      if (one.condition.kind === 'repaired') this.#effects.push({ type: 'cancel', run: one.condition.run });
      one.condition = { kind: 'held' };
      if (one.outage === undefined) this.#join(one, outage);
    }
  }

  /** One outage of all that began a moment ago. */
  #mergeRecent(nowMs: number): MutableOutage | undefined {
    return this.#merge([...this.#outages].filter(({ sinceMs }) => nowMs - sinceMs < SAME_TROUBLE_MS));
  }

  /** One outage of several; the oldest goes on. */
  #merge(outages: readonly MutableOutage[]): MutableOutage | undefined {
    const [first, ...others] = [...outages].sort((a, b) => a.sinceMs - b.sinceMs);
    if (first === undefined) return undefined;
    for (const other of others) {
      first.steps.push(...other.steps);
      for (const patient of other.open) this.#join(this.#case(patient), first);
      this.#outages.delete(other);
      this.#began = this.#began.filter((outage) => outage !== other);
    }
    return first;
  }

  #stepDone(run: number, nowMs: number): void {
    const one = this.#caseOf(run);
    if (one === undefined) return;
    this.#mark(one, true);
    one.condition = { kind: 'works', sinceMs: nowMs };
    if (one.patient === 'link') {
      for (const service of this.#services.values()) {
        if (service.condition.kind !== 'held') continue;
        service.condition = { kind: 'waits', untilMs: nowMs, step: 'redial' };
      }
    }
    this.#leave(one, nowMs);
  }

  #stepFailed(run: number, cause: Cause, fatal: boolean, nowMs: number): void {
    const one = this.#caseOf(run);
    if (one === undefined) return;
    this.#mark(one, false);
    const row: CauseRow = CAUSES[cause];
    if (one.patient !== 'link' && row.ofLink) {
      one.condition = { kind: 'held' };
      this.#linkBroken(cause, nowMs);
      return;
    }
    this.#refine(one, cause);
    if (fatal) {
      if (one.outage !== undefined) this.#giveUp(one.outage);
      return;
    }
    this.#failed(one, row);
    this.#plan(one, row, nowMs);
  }

  /** Counts an attempt that did not help, and takes the next stronger step where it is time. */
  #failed(one: Case, row: CauseRow): void {
    one.failures++;
    one.triesOfStep++;
    // What failed was found to need more than what was tried, or nothing that a stronger step would bring.
    if (strengthOf(row.first) > strengthOf(one.step)) this.#begunWith(one, row.first);
    else if (strengthOf(one.step) > strengthOf(row.last)) {
      // A line that is open again has a multiplexer to be started before anything is reset.
      this.#begunWith(one, one.patient === 'link' ? row.first : row.last);
    } else if (one.triesOfStep >= this.#options.attempts[one.step]) {
      const next = STEPS[strengthOf(one.step) + 1];
      if (next !== undefined && strengthOf(next) <= strengthOf(row.last) && this.#mayRun(one, next)) {
        this.#begunWith(one, next);
      }
    }
  }

  /** The next attempt, after its pause. */
  #plan(one: Case, row: CauseRow, nowMs: number): void {
    const untilMs = nowMs + (one.failures === 0 ? 0 : this.#pauseMs(one, row));
    if (one.patient === 'link' || !concernsLink(one.step)) {
      one.condition = { kind: 'waits', untilMs, step: one.step };
    } else if (this.#mayRun(one, one.step)) {
      this.#handToLink(one, untilMs, nowMs);
    } else {
      // Somebody works on another port meanwhile: what can be done without the link is done.
      one.condition = { kind: 'waits', untilMs, step: 'reopenDlc' };
    }
  }

  /** Whether a step may be taken now: not one that takes away what works and is in use. */
  #mayRun(one: Case, step: Step): boolean {
    if (one.patient === 'link' || !concernsLink(step)) return true;
    return [...this.#services.values()].every(
      (other) => other === one || other.condition.kind !== 'works' || !other.inUse,
    );
  }

  /** A step on the link for the sake of one service, which is set up anew on its new port afterwards. */
  #handToLink(one: Case, untilMs: number, nowMs: number): void {
    const link = this.#link;
    this.#begunWith(link, one.step);
    link.cause = one.cause;
    link.failures = one.failures;
    this.#takeLinkDown(one.cause, nowMs, one.outage);
    link.condition = { kind: 'waits', untilMs, step: one.step };
  }

  #runWhatIsDue(nowMs: number): void {
    for (const one of this.#cases) {
      const { condition } = one;
      if (condition.kind !== 'waits' || condition.untilMs > nowMs) continue;
      const run = this.#nextId++;
      one.condition = { kind: 'repaired', run, step: condition.step };
      this.#remember(one, condition.step);
      this.#effects.push({ type: 'run', run, step: condition.step, patient: one.patient });
    }
  }

  #giveUpWhatLastsTooLong(nowMs: number): void {
    for (const outage of this.#outages) {
      if (nowMs - outage.sinceMs >= this.#options.giveUpAfterMs) this.#giveUp(outage);
    }
  }

  #giveUp(outage: MutableOutage): void {
    if (this.#hasGivenUp) return;
    this.#hasGivenUp = true;
    for (const { condition } of this.#cases) {
      if (condition.kind === 'repaired') this.#effects.push({ type: 'cancel', run: condition.run });
    }
    this.#effects.push({ type: 'gaveUp', outage: snapshot(outage) });
  }

  #caseOf(run: number): Case | undefined {
    return this.#cases.find(({ condition }) => condition.kind === 'repaired' && condition.run === run);
  }

  #beginCase(one: Case, cause: Cause, workedSinceMs: number, nowMs: number): void {
    const row: CauseRow = CAUSES[cause];
    one.cause = cause;
    if (nowMs - workedSinceMs >= this.#options.stableMs) {
      one.failures = 0;
      this.#begunWith(one, row.first);
    } else {
      // It came up and did not stay: the step that brought it up has not helped.
      this.#failed(one, row);
    }
  }

  #begunWith(one: Case, step: Step): void {
    // What is wrong with the link is not mended by less than a step that concerns it.
    one.step = one.patient === 'link' && !concernsLink(step) ? 'restartMultiplexer' : step;
    one.triesOfStep = 0;
  }

  #refine(one: Case, cause: Cause): void {
    one.cause = cause;
    const { outage } = one;
    if (outage === undefined || CAUSES[cause].depth <= CAUSES[outage.cause].depth) return;
    outage.cause = cause;
    const row: CauseRow = CAUSES[cause];
    if (row.isShared === true) this.#merge([...this.#outages].filter((other) => other.cause === cause));
  }

  #pauseMs(one: Case, { pause }: CauseRow): number {
    if (pause !== 'backOff') return pause;
    const { firstPauseMs: firstMs, longestPauseMs: longestMs, random } = this.#options;
    return backOffMs(one.failures, { firstMs, longestMs, random });
  }

  #begin(cause: Cause, nowMs: number): MutableOutage {
    const outage: MutableOutage = {
      id: this.#nextId++,
      cause,
      services: [],
      sinceMs: nowMs,
      steps: [],
      open: new Set(),
    };
    this.#outages.add(outage);
    this.#began.push(outage);
    return outage;
  }

  #join(one: Case, outage: MutableOutage): void {
    one.outage = outage;
    outage.open.add(one.patient);
    const { patient } = one;
    if (patient !== 'link' && !outage.services.includes(patient)) outage.services = [...outage.services, patient];
  }

  #leave(one: Case, nowMs: number): void {
    const { outage } = one;
    one.outage = undefined;
    if (outage === undefined) return;
    outage.open.delete(one.patient);
    if (outage.open.size > 0) return;
    this.#outages.delete(outage);
    this.#effects.push({
      type: 'outageEnded',
      outage: snapshot(outage),
      durationMs: nowMs - outage.sinceMs,
    });
  }

  #remember({ outage, patient }: Case, step: Step): void {
    if (outage === undefined) return;
    if (outage.steps.length >= STEPS_KEPT) outage.steps.splice(1, 1);
    outage.steps.push({ step, patient, ok: false });
  }

  #mark({ outage, patient }: Case, ok: boolean): void {
    const step = outage?.steps.findLast((one) => one.patient === patient);
    if (step !== undefined) step.ok = ok;
  }
}

function snapshot({ id, cause, services, sinceMs, steps }: MutableOutage): Outage {
  return { id, cause, services: [...services], sinceMs, steps: steps.map((step) => ({ ...step })) };
}
