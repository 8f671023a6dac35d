import { SOCKET_ERRORS } from './machine/socket-transitions.ts';
import type { ModuleServices } from '../module/module-services.ts';

const AUTHENTICATION = 'sockets.sgactauth';
const FACTORY_AUTHENTICATION = 1;

/** What {@link EasyContexts} needs to know of the sockets. */
export interface ContextUsers {
  /** Whether #SCFG binds any connId to the context. */
  isBound(cid: number): boolean;
  /** The context is gone: close what works on it. */
  closeSockets(cid: number): void;
}

/** Options of an activation. */
export interface EasyActivation {
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly signal: AbortSignal;
  /** False: it need not be bound to a connId; the old commands know none. Default true. */
  readonly mustBeBound?: boolean | undefined;
}

/** The address of a context that was activated, or the +CME ERROR that says why not. */
export type Activation = { readonly address: string } | { readonly cme: number };

/** The contexts that IP Easy has active (guide §3.2.1.3): at most two of the five that +CGDCONT defines. */
export class EasyContexts {
  readonly #module: ModuleServices;
  readonly #maximumActive: number;
  readonly #users: ContextUsers;
  readonly #active = new Map<number, string>();
  readonly #activating = new Set<number>();
  /** What the host gave last, for activations by the module itself. Never shown. */
  readonly #credentials = new Map<number, Pick<EasyActivation, 'user' | 'password'>>();

  constructor(module: ModuleServices, maximumActive: number, users: ContextUsers) {
    this.#module = module;
    this.#maximumActive = maximumActive;
    this.#users = users;
  }

  /** #SGACTAUTH: 0 none, 1 PAP, 2 CHAP, 3 either. */
  get authentication(): number {
    const stored = this.#module.nvm.get(AUTHENTICATION);
    return typeof stored === 'number' ? stored : FACTORY_AUTHENTICATION;
  }

  set authentication(type: number) {
    this.#module.nvm.set(AUTHENTICATION, type);
  }

  isActive(cid: number): boolean {
    return this.#active.has(cid);
  }

  /** True while it is active or about to be. */
  isUsed(cid: number): boolean {
    return this.#active.has(cid) || this.#activating.has(cid);
  }

  addressOf(cid: number): string | undefined {
    return this.#active.get(cid);
  }

  /** Activates a context; gives its address or the refusal. */
  async activate(cid: number, { user, password, signal, mustBeBound = true }: EasyActivation): Promise<Activation> {
    if (this.#active.has(cid)) return { cme: SOCKET_ERRORS.contextAlreadyActivated };
    if (this.#module.contexts.get(cid) === undefined || (mustBeBound && !this.#users.isBound(cid)))
      return { cme: SOCKET_ERRORS.operationNotAllowed };
    if (this.#module.pppCid === cid || this.#activating.has(cid)) return { cme: SOCKET_ERRORS.stackAlreadyActive };
    if (this.#active.size + this.#activating.size >= this.#maximumActive)
      return { cme: SOCKET_ERRORS.activationFailed };
    this.#credentials.set(cid, { user, password });
    this.#activating.add(cid);
    try {
      const outcome = await this.#module.network.activate(cid, {
        signal,
        authentication: this.authentication,
        ...(user === undefined || user === '' ? {} : { user }),
        ...(password === undefined || password === '' ? {} : { password }),
      });
      if ('cme' in outcome) return outcome;
      this.#active.set(cid, outcome.address);
      this.#module.emit({ type: 'contextActivated', cid });
      return { address: outcome.address };
    } finally {
      this.#activating.delete(cid);
    }
  }

  /** Activates a context again as it was activated last. */
  reactivate(cid: number, signal: AbortSignal): Promise<Activation> {
    return this.activate(cid, { ...this.#credentials.get(cid), signal });
  }

  /** The host gives the context back. Its sockets close. */
  deactivate(cid: number): void {
    if (!this.#active.delete(cid)) return;
    this.#users.closeSockets(cid);
    this.#module.network.deactivate(cid);
    this.#module.emit({ type: 'contextDeactivated', cid });
  }

  /** The network took the context. */
  lost(cid: number): boolean {
    if (!this.#active.delete(cid)) return false;
    this.#users.closeSockets(cid);
    this.#module.emit({ type: 'contextLost', cid });
    return true;
  }

  /** A power cycle. */
  forget(): void {
    this.#credentials.clear();
    this.#active.clear();
  }
}
