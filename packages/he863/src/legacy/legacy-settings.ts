import type { JsonValue, NonVolatileMemory } from '../module/module-services.ts';
import { FACTORY_CONFIGURATION } from '../sockets/machine/socket-settings.ts';

const STORED = 'legacy.settings';

/** What the old commands keep; #SKTSAV writes it to NVM, #SKTRST forgets it. */
export interface LegacyValues {
  /** #USERID and #PASSW, for #GPRS and #SKTOP. The password is never shown. */
  readonly userId: string;
  readonly password: string;
  /** #PKTSZ in bytes, 0 automatic. */
  readonly packetSize: number;
  /** #DSTO in 100 ms. */
  readonly sendTimeout: number;
  /** #SKTTO in seconds. */
  readonly inactivityTimeout: number;
  /** #SKTCT in 100 ms. */
  readonly connectTimeout: number;
  /** #SKTSET: where #SKTOP goes. */
  readonly socketType: number;
  readonly remotePort: number;
  readonly remoteAddress: string;
  readonly closureType: number;
  readonly localPort: number;
}

/** The old settings of a module that nobody has configured. */
export const FACTORY_LEGACY: LegacyValues = {
  userId: '',
  password: '',
  packetSize: FACTORY_CONFIGURATION.pktSz,
  sendTimeout: FACTORY_CONFIGURATION.txTo,
  inactivityTimeout: FACTORY_CONFIGURATION.maxTo,
  connectTimeout: FACTORY_CONFIGURATION.connTo,
  socketType: 0,
  remotePort: 3333,
  remoteAddress: '',
  closureType: 0,
  localPort: 0,
};

/** The old settings: as they are now, and in NVM. */
export class LegacySettings {
  values: LegacyValues;
  readonly #nvm: NonVolatileMemory;

  constructor(nvm: NonVolatileMemory) {
    this.#nvm = nvm;
    this.values = this.#stored();
  }

  change(values: Partial<LegacyValues>): void {
    this.values = { ...this.values, ...values };
  }

  /** #SKTSAV. */
  save(): void {
    this.#nvm.set(STORED, this.values as unknown as JsonValue);
  }

  /** #SKTRST. */
  restoreFactory(): void {
    this.#nvm.delete(STORED);
    this.values = FACTORY_LEGACY;
  }

  /** Reads NVM again, as a power-up does. */
  reload(): void {
    this.values = this.#stored();
  }

  #stored(): LegacyValues {
    const stored = this.#nvm.get(STORED);
    if (typeof stored !== 'object' || stored === null) return FACTORY_LEGACY;
    const known = Object.entries(FACTORY_LEGACY).map(([key, factory]: [string, string | number]) => {
      const value = (stored as Readonly<Record<string, unknown>>)[key];
      return [key, typeof value === typeof factory ? value : factory];
    });
    return Object.fromEntries(known) as LegacyValues;
  }
}
