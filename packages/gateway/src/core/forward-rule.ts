import { parseHostPort, type HostPort } from './host-port.ts';

/** A local TCP listener whose connections go on through an IP Easy socket of the module. */
export interface ForwardRule {
  /** Where to listen; port 0 lets the system choose. */
  readonly local: HostPort;
  /** Whom the module connects to. */
  readonly remote: HostPort;
}

/** Reads `[ADDRESS:]PORT:HOST:PORT`; without an address the listener is on 127.0.0.1. */
export function parseForwardRule(text: string): ForwardRule | undefined {
  const match = /^(.*?\d+):((?:\[[^\]]+\]|[^:[\]]+):\d+)$/.exec(text);
  if (match === null) return undefined;
  const local = parseHostPort(match[1] ?? '', { defaultHost: '127.0.0.1', minimumPort: 0 });
  const remote = parseHostPort(match[2] ?? '');
  return local === undefined || remote === undefined ? undefined : { local, remote };
}
