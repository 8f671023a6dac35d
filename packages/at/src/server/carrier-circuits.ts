import type { Cancel, Clock, Port } from '@cellmux/port';
import type { Subscription } from 'rxjs';
import type { Settings } from './settings.ts';

/** How long &C2 shows the end of a call. */
const WINK_MS = 1000;

/** What the circuits need from the server. */
export interface CircuitOptions {
  readonly settings: Settings;
  readonly clock: Clock;
  /** DTR went off, for longer than S25 where that counts. */
  readonly onDtrDropped: () => void;
}

/** DCD towards the host per &C, and DTR from it, debounced per S25. */
export class CarrierCircuits {
  readonly #options: CircuitOptions;
  #port: Port | undefined;
  #carrier = false;
  #dcd: boolean | undefined;
  #dtr = true;
  #subscription: Subscription | undefined;
  #debounce: Cancel | undefined;
  #wink: Cancel | undefined;

  constructor(options: CircuitOptions) {
    this.#options = options;
  }

  attach(port: Port): void {
    this.#port = port;
    this.#dtr = port.circuits.dtr;
    this.#dcd = port.circuits.dcd;
    this.#subscription = port.circuits$.subscribe({
      next: ({ dtr }) => {
        this.#onDtr(dtr);
      },
      // A port that fails says so to the reader of its bytes.
      error: () => undefined,
    });
    this.apply();
  }

  detach(): void {
    this.#subscription?.unsubscribe();
    this.#debounce?.();
    this.#wink?.();
    this.#wink = undefined;
    this.#port = undefined;
  }

  /** A call begins or ends; `over` says that it will not go on later. */
  setCarrier(carrier: boolean, over = true): void {
    const ended = this.#carrier && !carrier;
    this.#carrier = carrier;
    if (ended && over && this.#options.settings.dcd === 2) {
      this.#drive(false);
      this.#wink = this.#options.clock.after(WINK_MS, () => {
        this.#wink = undefined;
        this.apply();
      });
    } else {
      this.apply();
    }
  }

  /** Shows what &C asks for now. */
  apply(): void {
    if (this.#wink !== undefined) return;
    this.#drive(this.#options.settings.dcd === 1 ? this.#carrier : true);
  }

  #drive(dcd: boolean): void {
    if (this.#port === undefined || dcd === this.#dcd) return;
    this.#dcd = dcd;
    // A port that ends or whose DCD is not ours (a server on the terminal's end of a cable) goes without.
    this.#port.setCircuits({ dcd }).catch(() => undefined);
  }

  #onDtr(dtr: boolean): void {
    if (dtr === this.#dtr) return;
    this.#dtr = dtr;
    this.#debounce?.();
    this.#debounce = undefined;
    if (dtr) return;
    const hundredths = this.#options.settings.get('S25');
    if (hundredths <= 5) this.#options.onDtrDropped();
    else this.#debounce = this.#options.clock.after(hundredths * 10, this.#options.onDtrDropped);
  }
}
