import type { Clock } from '@cellmux/port';
import type { GatewayEvent, GatewayPart } from './gateway-events.ts';
import { within } from './within.ts';

/** A step that takes longer is given up, so that an end always comes. */
const STEP_LIMIT_MS = 15_000;

interface Step {
  readonly what: GatewayPart;
  readonly run: () => Promise<unknown>;
}

/** What was brought up, and how it is taken down again: the last first, each step bounded in time. */
export class Teardown {
  readonly #steps: Step[] = [];
  readonly #clock: Clock;
  readonly #onEvent: (event: GatewayEvent) => void;

  constructor(clock: Clock, onEvent: (event: GatewayEvent) => void) {
    this.#clock = clock;
    this.#onEvent = onEvent;
  }

  /** Something is up now; `run` takes it down. */
  push(what: GatewayPart, run: () => Promise<unknown>): void {
    this.#steps.push({ what, run });
  }

  /** Takes down all that is up, but for what `except` names; what fails is told and does not stop the rest. */
  async run(except?: GatewayPart): Promise<void> {
    const kept = this.#steps.filter(({ what }) => what === except);
    const steps = this.#steps.filter(({ what }) => what !== except);
    this.#steps.splice(0, this.#steps.length, ...kept);
    for (const { what, run } of steps.toReversed()) {
      try {
        await within(run(), STEP_LIMIT_MS, `ending ${what}`, this.#clock);
        this.#onEvent({ type: 'ended', what });
      } catch (error) {
        this.#onEvent({ type: 'endFailed', what, error });
      }
    }
  }
}
