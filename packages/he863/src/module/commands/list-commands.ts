import { V250_SETTINGS, type CommandResult } from '@cellmux/at';
import { MODULE_SETTINGS } from '../module-settings.ts';
import type { Declaration } from './declaration.ts';

/** Commands that every AT server has besides its settings. */
const OF_THE_SERVER = ['Z', 'I', '&F', '&P', '&V', '&W'];

/** `+CLAC`: the commands that there are (3GPP TS 27.007 §8.37). */
export function listCommands(others: readonly Declaration[]): Declaration {
  const name = '+CLAC';
  const settings = [...Object.keys(V250_SETTINGS), ...Object.keys(MODULE_SETTINGS)];
  const names = [...new Set([name, ...OF_THE_SERVER, ...settings, ...others.map((other) => other.name)])].sort();
  return {
    name,
    execute: (context): CommandResult => {
      for (const each of names) context.info(each);
      return 'OK';
    },
    test: '',
  };
}
