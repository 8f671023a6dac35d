import type { Profile, ProfileStore } from '@cellmux/at';
import type { JsonValue, NonVolatileMemory } from './module-services.ts';

/** The profiles of one port in the module's memory: each port has its own. */
export class NvmProfiles implements ProfileStore {
  readonly #nvm: NonVolatileMemory;
  readonly #key: string;

  /** @param dlci 0 for the bare line, 1 to 3 for a virtual port */
  constructor(nvm: NonVolatileMemory, dlci: number) {
    this.#nvm = nvm;
    this.#key = `profiles.${dlci}`;
  }

  load(slot: number): Profile | undefined {
    const saved = this.#nvm.get(`${this.#key}.${slot}`);
    return isProfile(saved) ? saved : undefined;
  }

  save(slot: number, profile: Profile): void {
    this.#nvm.set(`${this.#key}.${slot}`, { ...profile });
  }

  get powerUpSlot(): number {
    const slot = this.#nvm.get(`${this.#key}.powerUp`);
    return typeof slot === 'number' ? slot : 0;
  }

  set powerUpSlot(slot: number) {
    this.#nvm.set(`${this.#key}.powerUp`, slot);
  }
}

function isProfile(value: JsonValue | undefined): value is Profile {
  return (
    typeof value === 'object' && value !== null && Object.values(value).every((entry) => typeof entry === 'number')
  );
}
