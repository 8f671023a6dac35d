import type { JsonValue, NonVolatileMemory } from '../module/module-services.ts';
import {
  CONN_IDS,
  factorySettings,
  type SocketConfiguration,
  type SocketExtendedConfiguration,
  type SocketSettings,
} from './machine/socket-settings.ts';

const CONFIGURATIONS = 'sockets.scfg';
const EXTENDED = 'sockets.scfgext';

/** #SCFG and #SCFGEXT of all connIds, kept in NVM as soon as they are set (guide §3.2.1.2). */
export class StoredSettings {
  readonly #nvm: NonVolatileMemory;
  readonly #binding: readonly number[];
  #settings: SocketSettings;

  constructor(nvm: NonVolatileMemory, binding: readonly number[]) {
    this.#nvm = nvm;
    this.#binding = binding;
    this.#settings = this.#stored();
  }

  configuration(connId: number): SocketConfiguration {
    return this.#settings.configurations[connId - 1] as SocketConfiguration;
  }

  extended(connId: number): SocketExtendedConfiguration {
    return this.#settings.extended[connId - 1] as SocketExtendedConfiguration;
  }

  configure(connId: number, configuration: SocketConfiguration): void {
    const configurations = this.#settings.configurations.with(connId - 1, configuration);
    this.#settings = { ...this.#settings, configurations };
    this.#nvm.set(CONFIGURATIONS, configurations as unknown as JsonValue);
  }

  extend(connId: number, configuration: SocketExtendedConfiguration): void {
    const extended = this.#settings.extended.with(connId - 1, configuration);
    this.#settings = { ...this.#settings, extended };
    this.#nvm.set(EXTENDED, extended as unknown as JsonValue);
  }

  /** Back to factory values, in NVM too. */
  restoreFactory(): void {
    this.#nvm.delete(CONFIGURATIONS);
    this.#nvm.delete(EXTENDED);
    this.reload();
  }

  /** Reads NVM again, as a power-up does. */
  reload(): void {
    this.#settings = this.#stored();
  }

  #stored(): SocketSettings {
    const factory = factorySettings(this.#binding);
    return {
      configurations: merged(factory.configurations, this.#nvm.get(CONFIGURATIONS)),
      extended: merged(factory.extended, this.#nvm.get(EXTENDED)),
    };
  }
}

/** What is stored, field by field where it is a number, over the factory values: a damaged NVM does no harm. */
function merged<T extends object>(factory: readonly T[], stored: JsonValue | undefined): T[] {
  return CONN_IDS.map((_, index) => {
    const values = { ...factory[index] } as Record<string, unknown>;
    const from = Array.isArray(stored) ? (stored[index] as unknown) : undefined;
    if (typeof from === 'object' && from !== null) {
      for (const key of Object.keys(values)) {
        const value = (from as Record<string, unknown>)[key];
        if (typeof value === 'number') values[key] = value;
      }
    }
    return values as T;
  });
}
