/** +CME ERROR: SIM PIN required, SIM PUK required. */
const SIM_ERRORS = { READY: undefined, 'SIM PIN': 11, 'SIM PUK': 12 } as const;

/** A SIM that may ask for a PIN (3GPP TS 27.007 §8.3). */
export class SimCard {
  readonly #pin: string | undefined;
  /** The +CME ERROR of a SIM that is out of order. */
  #failure: number | undefined;
  #unlocked: boolean;
  #attemptsLeft = 3;

  /** @param pin undefined: none is asked for */
  constructor(pin: string | undefined) {
    this.#pin = pin;
    this.#unlocked = pin === undefined;
  }

  /** What `+CPIN?` shows: words, or the +CME ERROR of a SIM that is out of order. */
  get state(): 'READY' | 'SIM PIN' | 'SIM PUK' | number {
    if (this.#failure !== undefined) return this.#failure;
    if (this.#unlocked) return 'READY';
    return this.#attemptsLeft > 0 ? 'SIM PIN' : 'SIM PUK';
  }

  get isReady(): boolean {
    return this.state === 'READY';
  }

  /** The +CME ERROR of a command that needs the SIM; undefined while it is ready. */
  get error(): number | undefined {
    const { state } = this;
    if (typeof state === 'number') return state;
    return SIM_ERRORS[state];
  }

  /** It is out of order from now on. */
  fail(cme: number): void {
    this.#failure = cme;
  }

  /** It works again, and its PIN is asked for anew. */
  heal(): void {
    this.#failure = undefined;
    this.powerCycle();
  }

  /** Gives the +CME ERROR of an attempt, undefined when the PIN is right. */
  enter(pin: string): number | undefined {
    if (this.#failure !== undefined) return this.#failure;
    if (this.#unlocked) return 3;
    if (this.#attemptsLeft === 0) return 12;
    if (pin !== this.#pin) {
      this.#attemptsLeft -= 1;
      return 16;
    }
    this.#attemptsLeft = 3;
    this.#unlocked = true;
    return undefined;
  }

  /** The module is off and on again: the PIN is asked for anew. */
  powerCycle(): void {
    this.#unlocked = this.#pin === undefined;
  }
}
