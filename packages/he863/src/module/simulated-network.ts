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
  /** How it must be given. */
  readonly authentication: 'any' | 'pap' | 'chap';
}

/** Something is refused so many times more. */
interface Refusal {
  readonly cme: number;
  left: number;
}

const NO_NETWORK_SERVICE = 30;
const AUTHENTICATION_FAILURE = 149;
/** The types of #SGACTAUTH that each network takes. */
const AUTHENTICATION_TYPES: Readonly<Record<SimulatedNetworkOptions['authentication'], readonly number[]>> = {
  any: [0, 1, 2, 3],
  pap: [1, 3],
  chap: [2, 3],
};

/** The mobile network that the virtual module is registered on. */
export class SimulatedNetwork implements MobileNetwork {
  /** Registration, after each change. */
  readonly registration$: Observable<number>;
  readonly #options: SimulatedNetworkOptions;
  readonly #registration$ = new Subject<number>();
  #registration: number = REGISTRATION.idle;
  #attached = true;
  /** What stands in the way of a search: the SIM, or a radio that is off. */
  #hindrance: number | undefined = NO_NETWORK_SERVICE;
  #registrationMs: number;
  readonly #refusedActivations: Refusal[] = [];
  readonly #refusedSockets: Refusal[] = [];
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
  start(): void {
    this.#stopSearch(undefined);
    if (this.#registrationMs === 0) this.#register(REGISTRATION.home);
    else {
      this.#register(REGISTRATION.searching);
      this.#pending = this.#options.clock.after(this.#registrationMs, () => {
        this.#register(REGISTRATION.home);
      });
    }
  }

  /** Not even a search: the radio is off, or the SIM is not ready, which is the +CME ERROR of an activation. */
  idle(cme = NO_NETWORK_SERVICE): void {
    this.#stopSearch(cme);
    this.#register(REGISTRATION.idle);
  }

  /** Nothing is found until {@link start}. */
  lose(): void {
    this.#stopSearch(undefined);
    this.#register(REGISTRATION.searching);
  }

  /** Registration is denied until {@link start}. */
  deny(): void {
    this.#stopSearch(undefined);
    this.#register(REGISTRATION.denied);
  }

  stop(): void {
    this.#pending?.();
    this.#registration$.complete();
  }

  /** The next activations are refused with this +CME ERROR. */
  refuseActivations(cme: number, times: number): void {
    this.#refusedActivations.push({ cme, left: times });
  }

  /** The next sockets that are dialled are refused with this +CME ERROR. */
  refuseSockets(cme: number, times: number): void {
    this.#refusedSockets.push({ cme, left: times });
  }

  /** Forgets what is to be refused. */
  refuseNothing(): void {
    this.#refusedActivations.length = 0;
    this.#refusedSockets.length = 0;
  }

  socketRefusal(): number | undefined {
    return nextRefusal(this.#refusedSockets);
  }

  /** The +CME ERROR that stands in the way of any activation; undefined: nothing does. */
  obstacle(): number | undefined {
    if (this.#hindrance !== undefined) return this.#hindrance;
    return this.isAttached ? undefined : NO_NETWORK_SERVICE;
  }

  addressOf(cid: number): string {
    return this.#options.addresses[cid] ?? `10.64.0.${cid}`;
  }

  async activate(
    cid: number,
    { user, password, authentication, signal }: ActivationOptions = {},
  ): Promise<{ readonly address: string } | { readonly cme: number }> {
    await this.#wait(this.#options.activationMs, signal);
    const obstacle = this.obstacle() ?? nextRefusal(this.#refusedActivations);
    if (obstacle !== undefined) return { cme: obstacle };
    const wanted = this.#options;
    if (wanted.user !== undefined && (user !== wanted.user || password !== wanted.password)) {
      return { cme: AUTHENTICATION_FAILURE };
    }
    const takes = AUTHENTICATION_TYPES[wanted.authentication];
    if (authentication !== undefined && !takes.includes(authentication)) return { cme: AUTHENTICATION_FAILURE };
    return { address: this.addressOf(cid) };
  }

  /** Nothing is kept for a context that is up. */
  deactivate(cid: number): void {
    void cid;
  }

  #stopSearch(hindrance: number | undefined): void {
    this.#pending?.();
    this.#pending = undefined;
    this.#hindrance = hindrance;
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

function nextRefusal(refusals: Refusal[]): number | undefined {
  const [first] = refusals;
  if (first === undefined) return undefined;
  first.left -= 1;
  if (first.left <= 0) refusals.shift();
  return first.cme;
}
