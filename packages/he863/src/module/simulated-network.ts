import type { Cancel, Clock } from '@cellmux/port';
import { Subject, type Observable } from 'rxjs';
import type { ActivationOptions, MobileNetwork } from './module-services.ts';

/** +CREG's `<stat>` (3GPP TS 27.007 §7.2). */
export const REGISTRATION = { idle: 0, home: 1, searching: 2, denied: 3, unknown: 4, roaming: 5 } as const;

/** How the network behaves. */
export interface SimulatedNetworkOptions {
  readonly clock: Clock;
  /** Addresses by context number. */
  readonly addresses: Readonly<Record<number, string>>;
  /** How long an activation takes in ms. */
  readonly activationMs: number;
  /** Time from power-on to registration in ms. */
  readonly registrationMs: number;
  /** What `#SGACT` must give; undefined: anything. */
  readonly user: string | undefined;
  readonly password: string | undefined;
}

const NO_NETWORK_SERVICE = 30;
const SIM_PIN_REQUIRED = 11;
const AUTHENTICATION_FAILURE = 149;

/** The mobile network that the virtual module is registered on. */
export class SimulatedNetwork implements MobileNetwork {
  /** Registration, after each change. */
  readonly registration$: Observable<number>;
  readonly #options: SimulatedNetworkOptions;
  readonly #registration$ = new Subject<number>();
  #registration: number = REGISTRATION.idle;
  #attached = true;
  #simReady = false;
  #registrationMs: number;
  #refusals: number[] = [];
  #pending: Cancel | undefined;

  constructor(options: SimulatedNetworkOptions) {
    this.#options = options;
    this.#registrationMs = options.registrationMs;
    this.registration$ = this.#registration$.asObservable();
  }

  /** +CREG's `<stat>` now. */
  get registration(): number {
    return this.#registration;
  }

  /** +CGREG's `<stat>` now. */
  get packetRegistration(): number {
    return this.#attached ? this.#registration : REGISTRATION.idle;
  }

  get isRegistered(): boolean {
    return this.#registration === REGISTRATION.home || this.#registration === REGISTRATION.roaming;
  }

  get isAttached(): boolean {
    return this.#attached && this.isRegistered;
  }

  set attached(attached: boolean) {
    this.#attached = attached;
  }

  /** From now on, how long registration takes. */
  set registrationMs(ms: number) {
    this.#registrationMs = ms;
  }

  /** Power-on, or the SIM has become ready: the search begins. */
  start(simReady: boolean): void {
    this.#pending?.();
    this.#pending = undefined;
    this.#simReady = simReady;
    if (!simReady) this.#register(REGISTRATION.idle);
    else if (this.#registrationMs === 0) this.#register(REGISTRATION.home);
    else {
      this.#register(REGISTRATION.searching);
      this.#pending = this.#options.clock.after(this.#registrationMs, () => {
        this.#register(REGISTRATION.home);
      });
    }
  }

  /** Coverage is lost: back to searching until {@link start}. */
  lose(): void {
    this.#pending?.();
    this.#register(REGISTRATION.searching);
  }

  stop(): void {
    this.#pending?.();
    this.#registration$.complete();
  }

  /** The next activation is refused with this +CME ERROR. */
  refuseNext(cme: number): void {
    this.#refusals.push(cme);
  }

  /** The +CME ERROR that stands in the way of any activation; undefined: nothing does. */
  obstacle(): number | undefined {
    if (!this.#simReady) return SIM_PIN_REQUIRED;
    if (!this.isAttached) return NO_NETWORK_SERVICE;
    return this.#refusals.shift();
  }

  addressOf(cid: number): string {
    return this.#options.addresses[cid] ?? `10.64.0.${cid}`;
  }

  async activate(
    cid: number,
    { user, password, signal }: ActivationOptions = {},
  ): Promise<{ readonly address: string } | { readonly cme: number }> {
    await this.#wait(this.#options.activationMs, signal);
    const obstacle = this.obstacle();
    if (obstacle !== undefined) return { cme: obstacle };
    const wanted = this.#options;
    if (wanted.user !== undefined && (user !== wanted.user || password !== wanted.password)) {
      return { cme: AUTHENTICATION_FAILURE };
    }
    return { address: this.addressOf(cid) };
  }

  /** Nothing is kept for a context that is up. */
  deactivate(cid: number): void {
    void cid;
  }

  #register(stat: number): void {
    if (this.#registration === stat) return;
    this.#registration = stat;
    this.#registration$.next(stat);
  }

  #wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
    if (ms === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        cancel();
        reject(signal?.reason);
      };
      const cancel = this.#options.clock.after(ms, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      if (signal?.aborted === true) onAbort();
      else signal?.addEventListener('abort', onAbort, { once: true });
    });
  }
}
