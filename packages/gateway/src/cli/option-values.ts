import { InvalidArgumentError } from 'commander';
import { readSecret, type SecretSources } from '../config/read-secret.ts';
import { FAULT_WORDS, parseFaultSpec, type FaultSpec } from '../core/fault-spec.ts';
import { parseHostPort, type HostPort } from '../core/host-port.ts';
import { parseLineName, type LineName } from '../core/line-name.ts';

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

/** The password of `--password-file`, or CELLMUX_PASSWORD. Rejects with `ERR_GATEWAY_LOCAL`. */
export function readPassword({
  passwordFile,
  env,
}: {
  readonly passwordFile?: string | undefined;
  readonly env: SecretSources['env'];
}): Promise<string | undefined> {
  return readSecret({ what: 'password', file: passwordFile, variable: 'CELLMUX_PASSWORD', env });
}
