import { readFile } from 'node:fs/promises';
import { localFailure } from '../errors/describe-error.ts';

/** Where a secret may come from. On a command line every user of the machine could read it. */
export interface SecretSources {
  readonly what: string;
  readonly file?: string | undefined;
  readonly variable: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The first line of the file, or the variable; undefined when there is neither. Rejects with `ERR_GATEWAY_LOCAL`. */
export async function readSecret({ what, file, variable, env }: SecretSources): Promise<string | undefined> {
  if (file === undefined) return env[variable] === '' ? undefined : env[variable];
  try {
    const text = await readFile(file, 'utf8');
    return text.split(/\r?\n/, 1)[0] ?? '';
  } catch (error) {
    throw localFailure(`cannot read the ${what} file ${file}`, error);
  }
}
