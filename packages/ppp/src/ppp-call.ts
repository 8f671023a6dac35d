import { systemClock, type AbortOptions, type Clock } from '@cellmux/port';
import type { Observable } from 'rxjs';
import type { PppDataCall, PppDialer } from './ppp-dialer.ts';
import type { PppEnd } from './ppp-end.ts';
import type { PppLink } from './ppp-link.ts';
import type { PppNetwork } from './ppp-network.ts';

/** How long `NO CARRIER` is waited for after the link has ended, before the call is escaped from. */
const NO_CARRIER_MS = 5000;
/** How long each step of a hang-up may take. */
const STEP_MS = 5000;

/** What a {@link PppCall} is made of. */
export interface PppCallParts {
  readonly dialer: PppDialer;
  readonly call: PppDataCall;
  readonly link: PppLink;
  readonly clock?: Clock;
}

/**
 * A dialled PPP call: the link, and the call below it, which ends with it in order: Terminate-Request, `NO CARRIER`,
 * `ATH`. Whoever ends it, the dialer is in command mode again when {@link ended} resolves, or its line is gone.
 */
export class PppCall implements AsyncDisposable {
  /** The link; its `events$` and `phase$` tell more. */
  readonly link: PppLink;
  /** IP packets received; see `PppLink.packets$`. */
  readonly packets$: Observable<Uint8Array>;
  /** How the call ended, after it was hung up. Never rejects. */
  readonly ended: Promise<PppEnd>;
  readonly #dialer: PppDialer;
  readonly #call: PppDataCall;
  readonly #clock: Clock;
  #network: PppNetwork;

  constructor({ dialer, call, link, clock = systemClock }: PppCallParts, network: PppNetwork) {
    this.#dialer = dialer;
    this.#call = call;
    this.#clock = clock;
    this.#network = network;
    this.link = link;
    this.packets$ = link.packets$;
    link.events$.subscribe((event) => {
      if (event.type === 'networkUp' || event.type === 'networkChanged') this.#network = event.network;
    });
    this.ended = link.ended.then((end) => this.#linkEnded(end));
  }

  /** What was agreed on last. */
  get network(): PppNetwork {
    return this.#network;
  }

  /** Sends an IP packet; see `PppLink.send`. */
  send(packet: Uint8Array): Promise<void> {
    return this.link.send(packet);
  }

  /** Sends a packet or drops it; see `PppLink.trySend`. */
  trySend(packet: Uint8Array): boolean {
    return this.link.trySend(packet);
  }

  /** Asks the far side to wait. */
  pause(): void {
    this.link.pause();
  }

  /** Asks the far side to go on. */
  resume(): void {
    this.link.resume();
  }

  /** Ends the call in order. With an aborted `signal` the peer is not waited for, the module is. Idempotent. */
  async close(options: AbortOptions = {}): Promise<void> {
    await this.link.close(options);
    await this.ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #linkEnded(end: PppEnd): Promise<PppEnd> {
    const said = await hangUp(this.#dialer, this.#call, this.#clock);
    // The link only knows that its port is gone; the call knows what the module said.
    return end.reason === 'carrierLost' && said !== '' ? { ...end, text: said } : end;
  }
}

/**
 * Hangs a call up: waits for the `NO CARRIER` that follows the end of PPP, escapes where it does not come, and sends
 * `ATH`. Gives what the module said. Never rejects: what does not work is left to the dialer's own errors.
 */
export async function hangUp(dialer: PppDialer, call: PppDataCall, clock: Clock): Promise<string> {
  let said = await within(call.ended, NO_CARRIER_MS, clock);
  if (said === undefined) {
    await within(call.escape(), STEP_MS, clock);
    said = await within(call.ended, 0, clock);
  }
  if (said !== undefined) {
    // Command mode. A call that is down already takes it as well.
    await within(dialer.command('ATH', { timeoutMs: STEP_MS }), STEP_MS, clock);
  } else await within(call.close(), STEP_MS, clock);
  return said?.text ?? '';
}

/** The promise's result, or undefined when it rejects or takes too long. */
async function within<T>(promise: Promise<T>, limitMs: number, clock: Clock): Promise<T | undefined> {
  let cancel = (): void => undefined;
  const late = new Promise<undefined>((resolve) => {
    cancel = clock.after(limitMs, () => {
      resolve(undefined);
    });
  });
  try {
    return await Promise.race([promise.catch(() => undefined), late]);
  } finally {
    cancel();
  }
}
