/** A SIM that may ask for a PIN (3GPP TS 27.007 §8.3). */
export class SimCard {
  readonly #pin: string | undefined;
  readonly #present: boolean;
  #unlocked: boolean;
  #attemptsLeft = 3;

  /** @param pin undefined: none is asked for */
  constructor(pin: string | undefined, present = true) {
    this.#pin = pin;
    this.#present = present;
    this.#unlocked = pin === undefined;
  }

  /** What `+CPIN?` shows; undefined without a SIM. */
  get state(): 'READY' | 'SIM PIN' | 'SIM PUK' | undefined {
    if (!this.#present) return undefined;
    if (this.#unlocked) return 'READY';
    return this.#attemptsLeft > 0 ? 'SIM PIN' : 'SIM PUK';
  }

  get isReady(): boolean {
    return this.state === 'READY';
  }

  /** Gives the +CME ERROR of an attempt, undefined when the PIN is right. */
  enter(pin: string): number | undefined {
    if (!this.#present) return 10;
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
