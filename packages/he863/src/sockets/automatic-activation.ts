import type { Cancel } from '@cellmux/port';
import type { JsonValue, ModuleServices } from '../module/module-services.ts';
import type { EasyContexts } from './easy-contexts.ts';

const STORED = 'sockets.sgactcfg';

/** What #SGACTCFG sets for a context. */
export interface ReactivationSettings {
  /** Attempts: 0 none, up to 15. */
  readonly retry: number;
  /** Seconds between two attempts, 180 to 3600. */
  readonly delay: number;
  /** 1: `#SGACT: <address>` says that it worked. */
  readonly urcmode: number;
}

/** #SGACTCFG of a context that nobody has configured. */
export const FACTORY_REACTIVATION: ReactivationSettings = { retry: 0, delay: 180, urcmode: 0 };

/** #SGACTCFG: a context that the network took is activated again by the module itself. */
export class AutomaticActivation {
  readonly #module: ModuleServices;
  readonly #contexts: EasyContexts;
  readonly #timers = new Map<number, Cancel>();
  readonly #say: (text: string) => void;
  #abort = new AbortController();

  /** `say` tells the hosts. */
  constructor(module: ModuleServices, contexts: EasyContexts, say: (text: string) => void) {
    this.#module = module;
    this.#contexts = contexts;
    this.#say = say;
  }

  settings(cid: number): ReactivationSettings {
    const stored = this.#stored()[cid];
    if (typeof stored !== 'object' || stored === null) return FACTORY_REACTIVATION;
    return { ...FACTORY_REACTIVATION, ...(stored as unknown as ReactivationSettings) };
  }

  configure(cid: number, settings: ReactivationSettings): void {
    this.#module.nvm.set(STORED, { ...this.#stored(), [cid]: { ...settings } });
    if (settings.retry === 0) this.cancel(cid);
  }

  /** The network took the context: begins to try. */
  contextLost(cid: number): void {
    this.#retry(cid, this.settings(cid).retry);
  }

  /** The host has decided otherwise. */
  cancel(cid: number): void {
    this.#timers.get(cid)?.();
    this.#timers.delete(cid);
  }

  /** A power cycle, or the end of the module. */
  stop(): void {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    this.#abort.abort();
    this.#abort = new AbortController();
  }

  #retry(cid: number, left: number): void {
    this.cancel(cid);
    if (left <= 0) return;
    const { delay, urcmode } = this.settings(cid);
    const attempt = async (): Promise<void> => {
      this.#timers.delete(cid);
      const { signal } = this.#abort;
      const outcome = await this.#contexts.reactivate(cid, signal).catch(() => undefined);
      if (signal.aborted) return;
      if (outcome === undefined || 'cme' in outcome) {
        if (!this.#contexts.isActive(cid)) this.#retry(cid, left - 1);
      } else if (urcmode === 1) this.#say(`#SGACT: ${outcome.address}`);
    };
    this.#timers.set(
      cid,
      this.#module.clock.after(delay * 1000, () => void attempt()),
    );
  }

  #stored(): Readonly<Record<string, JsonValue>> {
    const stored = this.#module.nvm.get(STORED);
    return typeof stored === 'object' && stored !== null && !Array.isArray(stored)
      ? (stored as Readonly<Record<string, JsonValue>>)
      : {};
  }
}
