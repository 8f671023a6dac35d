import type { SettingDeclarations } from '@cellmux/at';

/** The settings of a port that go into its profiles, besides those of V.250, with the module's factory values. */
export const MODULE_SETTINGS: SettingDeclarations = {
  '&D': { minimum: 0, maximum: 4, factory: 0 },
  '&S': { minimum: 0, maximum: 3, factory: 3 },
  '\\Q': { minimum: 0, maximum: 3, factory: 3 },
  '\\R': { minimum: 0, maximum: 2, factory: 1 },
  L: { minimum: 0, maximum: 3, factory: 0 },
  M: { minimum: 0, maximum: 2, factory: 0 },
  S10: { minimum: 1, maximum: 255, factory: 14 },
  S30: { minimum: 0, maximum: 127, factory: 0 },
  S38: { minimum: 0, maximum: 255, factory: 20 },
  /** 0: the characters of the escape sequence are sent to the peer as well. */
  '#SKIPESC': { minimum: 0, maximum: 1, factory: 0 },
  /** Whole seconds of silence around the escape sequence; 0: S12 decides. */
  '#E2ESC': { minimum: 0, maximum: 10, factory: 0 },
  '+CREG': { minimum: 0, maximum: 2, factory: 0 },
  '+CGREG': { minimum: 0, maximum: 2, factory: 0 },
  '+CGEREP': { minimum: 0, maximum: 2, factory: 0 },
  '#SELINT': { minimum: 0, maximum: 2, factory: 2 },
};
