import { InvalidArgumentError } from 'commander';
import { readFile } from 'node:fs/promises';
import { FAULT_WORDS, parseFaultSpec, type FaultSpec } from '../core/fault-spec.ts';
import { parseForwardRule, type ForwardRule } from '../core/forward-rule.ts';
import { parseHostPort, type HostPort } from '../core/host-port.ts';
import { parseLineName, type LineName } from '../core/line-name.ts';
import { localFailure } from '../errors/describe-error.ts';

const LOOPBACK = '127.0.0.1';

/** A whole number within a range, for commander. */
export function integer(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isInteger(value) || value < minimum || value > maximum) {
      throw new InvalidArgumentError(`A whole number from ${minimum} to ${maximum} is allowed.`);
    }
    return value;
  };
}

/** `[HOST:]PORT` to listen on; the host is 127.0.0.1 unless it is given. */
export function listenAddress(text: string): HostPort {
  const address = parseHostPort(text, { defaultHost: LOOPBACK, minimumPort: 0 });
  if (address === undefined) throw new InvalidArgumentError('[HOST:]PORT is allowed; port 0 lets the system choose.');
  return address;
}

/** Where the line is. */
export function lineName(text: string): LineName {
  const line = parseLineName(text);
  if (line === undefined) throw new InvalidArgumentError('A device, tcp:HOST:PORT or virtual is allowed.');
  return line;
}

/** One more `--forward`. */
export function forwardRule(text: string, sofar: readonly ForwardRule[] = []): readonly ForwardRule[] {
  const rule = parseForwardRule(text);
  if (rule === undefined) throw new InvalidArgumentError('[ADDRESS:]PORT:HOST:PORT is allowed.');
  return [...sofar, rule];
}

/** One more `--host NAME=ADDRESS[:PORT]`. */
export function hostEntry(
  text: string,
  sofar: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const match = /^([^\s=]+)=([^\s=]+)$/.exec(text);
  if (match === null) throw new InvalidArgumentError('NAME=ADDRESS or NAME=ADDRESS:PORT is allowed.');
  return { ...sofar, [match[1] ?? '']: match[2] ?? '' };
}

/** `--faults`. */
export function faultSpec(text: string): FaultSpec {
  const spec = parseFaultSpec(text);
  if ('wrong' in spec) throw new InvalidArgumentError(`"${spec.wrong}" is not among ${FAULT_WORDS}.`);
  return spec;
}

/** Where a password may come from. On a command line every user of the machine could read it. */
export interface PasswordSources {
  readonly passwordFile?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The first line of the file, or CELLMUX_PASSWORD; undefined when there is neither. Rejects with `ERR_GATEWAY_LOCAL`. */
export async function readPassword({ passwordFile, env }: PasswordSources): Promise<string | undefined> {
  if (passwordFile === undefined) return env['CELLMUX_PASSWORD'];
  try {
    const text = await readFile(passwordFile, 'utf8');
    return text.split(/\r?\n/, 1)[0] ?? '';
  } catch (error) {
    throw localFailure(`cannot read the password file ${passwordFile}`, error);
  }
}
