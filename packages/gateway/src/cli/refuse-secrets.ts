import { Option, type Command } from 'commander';
import { usageError } from './usage-error.ts';

/** Where a secret belongs that somebody gives as an option. */
export type SecretPlaces = Readonly<Record<string, string>>;

/**
 * Options that people try and that every user of the machine could read in the list of processes: refused with what to
 * use instead, and without what was given.
 */
export function refuseSecrets(command: Command, places: SecretPlaces): void {
  for (const [name, place] of Object.entries(places)) {
    const option = new Option(`--${name} [secret]`).hideHelp().argParser(() => {
      throw refusal(name, place);
    });
    command.addOption(option);
    command.on(`option:${name}`, () => {
      throw refusal(name, place);
    });
  }
}

function refusal(name: string, place: string): Error {
  return usageError(`--${name} would show it to every user of this machine`, `Give it by ${place}.`);
}
