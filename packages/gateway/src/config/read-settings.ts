import { readFile } from 'node:fs/promises';
import { parseDocument } from 'yaml';
import { localFailure } from '../errors/describe-error.ts';
import { usageError } from '../cli/usage-error.ts';
import { flagOf, SETTINGS, variableOf, type SettingKey, type Settings } from './settings.ts';

/** Where settings come from; the first that has a key decides. */
export interface SettingSources {
  /** What the command line says, by key; what it does not say is left out. */
  readonly flags: Readonly<Partial<Record<SettingKey, unknown>>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A file in YAML, and so in JSON as well. */
  readonly configFile?: string | undefined;
}

/** What must never be where others can read it; and where it belongs. */
const SECRETS: Readonly<Record<string, string>> = {
  password: 'passwordFile: FILE, or CELLMUX_PASSWORD in the environment',
  pin: 'pinFile: FILE, or CELLMUX_PIN in the environment',
  token: 'tokenFile: FILE, or CELLMUX_TOKEN in the environment',
};
/** Longer than any sensible configuration; a wrong path may lead to anything. */
const FILE_LIMIT_BYTES = 1024 * 1024;

const KEYS = Object.keys(SETTINGS) as SettingKey[];

/**
 * The settings of flags, environment and configuration file, in this order, each checked. Rejects with
 * `ERR_GATEWAY_USAGE`, naming the key, the value and what is allowed, and with `ERR_GATEWAY_LOCAL` for a file that cannot
 * be read.
 */
export async function readSettings({ flags, env, configFile }: SettingSources): Promise<Settings> {
  const file = configFile === undefined ? {} : await readConfigFile(configFile);
  const settings: Record<string, unknown> = {};
  for (const key of KEYS) {
    const variable = env[variableOf(key)];
    if (flags[key] !== undefined) settings[key] = check(key, flags[key], flagOf(key));
    else if (variable !== undefined && variable !== '') settings[key] = check(key, variable, variableOf(key));
    else if (file[key] !== undefined && file[key] !== null) {
      settings[key] = check(key, file[key], `${key} in ${configFile ?? ''}`);
    }
  }
  return settings;
}

function check(key: SettingKey, value: unknown, source: string): unknown {
  const result = SETTINGS[key].schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const shown =
    JSON.stringify('input' in (issue ?? {}) ? (issue as { input?: unknown }).input : value) ?? String(value);
  throw usageError(`${source}: ${shown} is not allowed: ${issue?.message ?? 'see the help'}`);
}

async function readConfigFile(path: string): Promise<Readonly<Record<string, unknown>>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw localFailure(`cannot read the configuration ${path}`, error);
  }
  if (text.length > FILE_LIMIT_BYTES) throw usageError(`${path} is no configuration: it is longer than 1 MiB`);
  const document = parseDocument(text, { prettyErrors: true });
  const [error] = document.errors;
  if (error !== undefined) {
    const where = error.linePos === undefined ? '' : `:${error.linePos[0].line}:${error.linePos[0].col}`;
    throw usageError(`${path}${where} is neither YAML nor JSON: ${error.message.split(/ at line|\n/, 1)[0] ?? ''}`);
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    throw usageError(`${path} is no configuration: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  if (value === null || value === undefined) return {};
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw usageError(`${path} is no configuration: it wants keys and values, for example \`line: /dev/ttyUSB0\``);
  }
  for (const key of Object.keys(value)) {
    const place = SECRETS[key];
    if (place !== undefined) throw usageError(`${path}: ${key} does not belong into a configuration; give ${place}`);
    if (!Object.hasOwn(SETTINGS, key)) {
      throw usageError(
        `${path}: there is no key ${JSON.stringify(key)}${nearest(key)}; allowed are ${KEYS.join(', ')}`,
      );
    }
  }
  return value as Readonly<Record<string, unknown>>;
}

/** The key that was most likely meant. */
function nearest(key: string): string {
  const plain = (text: string): string => text.toLowerCase().replace(/[^a-z]/g, '');
  const meant = KEYS.find((known) => plain(known) === plain(key) || plain(known) === plain(key).replace(/s$/, ''));
  return meant === undefined ? '' : ` (${meant}?)`;
}
