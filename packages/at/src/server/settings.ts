/** A numbered setting with its range: an S-register, or a command such as `E` or `&C`. */
export interface SettingDeclaration {
  readonly minimum: number;
  readonly maximum: number;
  /** Factory value. */
  readonly factory: number;
}

/** Settings by name: `E`, `&C`, `+CMEE`, `S12` … */
export type SettingDeclarations = Readonly<Record<string, SettingDeclaration>>;

/** The values of a profile, by name. */
export type Profile = Readonly<Record<string, number>>;

/** Where profiles are kept: `&W`, `Z`, `&P`. */
export interface ProfileStore {
  /** Undefined: nothing was ever saved there, and the factory values count. */
  load(slot: number): Profile | undefined;
  save(slot: number, profile: Profile): void;
  /** The profile that counts from the next start on. */
  powerUpSlot: number;
}

/** V.250 settings, clause 6, with the values of its recommendations. */
export const V250_SETTINGS: SettingDeclarations = {
  E: { minimum: 0, maximum: 1, factory: 1 },
  V: { minimum: 0, maximum: 1, factory: 1 },
  Q: { minimum: 0, maximum: 2, factory: 0 },
  X: { minimum: 0, maximum: 4, factory: 1 },
  '&C': { minimum: 0, maximum: 2, factory: 1 },
  '&D': { minimum: 0, maximum: 2, factory: 2 },
  '&K': { minimum: 0, maximum: 6, factory: 3 },
  S0: { minimum: 0, maximum: 255, factory: 0 },
  S2: { minimum: 0, maximum: 255, factory: 43 },
  S3: { minimum: 0, maximum: 127, factory: 13 },
  S4: { minimum: 0, maximum: 127, factory: 10 },
  S5: { minimum: 0, maximum: 127, factory: 8 },
  S7: { minimum: 1, maximum: 255, factory: 60 },
  /** Guard time of the escape sequence, 1/50 s. */
  S12: { minimum: 20, maximum: 255, factory: 50 },
  /** A shorter drop of DTR is not seen, 1/100 s; no delay up to 5. */
  S25: { minimum: 0, maximum: 255, factory: 5 },
  '+CMEE': { minimum: 0, maximum: 2, factory: 0 },
};

/** A store in memory, one for each port. */
export function memoryProfiles(): ProfileStore {
  const slots = new Map<number, Profile>();
  return {
    load: (slot) => slots.get(slot),
    save: (slot, profile) => {
      slots.set(slot, profile);
    },
    powerUpSlot: 0,
  };
}

/** The settings of one port, as they are now. */
export class Settings {
  readonly declarations: SettingDeclarations;
  readonly #values = new Map<string, number>();

  constructor(declarations: SettingDeclarations) {
    this.declarations = declarations;
    this.restore({});
  }

  /** 0 for a setting that is not declared. */
  get(name: string): number {
    return this.#values.get(name) ?? 0;
  }

  /** Sets a value; false, and nothing changes, when the setting is unknown or the value out of range. */
  set(name: string, value: number): boolean {
    const declaration = this.declarations[name];
    if (declaration === undefined || !Number.isInteger(value)) return false;
    if (value < declaration.minimum || value > declaration.maximum) return false;
    this.#values.set(name, value);
    return true;
  }

  /** Factory values, with those of a profile over them. */
  restore(profile: Profile): void {
    for (const [name, declaration] of Object.entries(this.declarations)) {
      this.#values.set(name, declaration.factory);
      const saved = profile[name];
      if (saved !== undefined) this.set(name, saved);
    }
  }

  /** All values, for a profile. */
  snapshot(): Profile {
    return Object.fromEntries(this.#values);
  }

  /** Echo of what the host types (E). */
  get echo(): boolean {
    return this.get('E') === 1;
  }
  /** Results as words (V1) or numbers (V0). */
  get verbose(): boolean {
    return this.get('V') === 1;
  }
  /** Results are not printed at all (Q1). Q2 silences only a side that is called. */
  get quiet(): boolean {
    return this.get('Q') === 1;
  }
  /** What is told of a call (X): 0 CONNECT alone, 1 with its text, 2 NO DIALTONE too, 3 BUSY too, 4 both. */
  get x(): number {
    return this.get('X');
  }
  /** How +CME ERROR is shown: 0 plain ERROR, 1 the number, 2 the words. */
  get cmee(): number {
    return this.get('+CMEE');
  }
  /** &C: 0 DCD always on, 1 it follows the carrier, 2 it only winks when a call ends. */
  get dcd(): number {
    return this.get('&C');
  }
  /** &D: 0 DTR ignored, 1 its drop escapes to command mode, 2 and ends the call. */
  get dtr(): number {
    return this.get('&D');
  }
  /** Guard time of the escape sequence. */
  get escapeGuardMs(): number {
    return this.get('S12') * 20;
  }
}
