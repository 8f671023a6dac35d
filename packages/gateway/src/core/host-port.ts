/** A host and a TCP or UDP port. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/**
 * Reads `HOST:PORT`, `[IPV6]:PORT`, and, where a default host is given, `PORT` or `:PORT`; undefined for anything else.
 * `minimumPort` is 0 where the system may choose the port.
 */
export function parseHostPort(
  text: string,
  { defaultHost, minimumPort = 1 }: { defaultHost?: string; minimumPort?: 0 | 1 } = {},
): HostPort | undefined {
  const match = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]*)):)?(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const port = Number(match[3]);
  const host = match[1] ?? (match[2] || defaultHost);
  if (host === undefined || port < minimumPort || port > 65535) return undefined;
  return { host, port };
}

/** `HOST:PORT`, with an IPv6 address in brackets. */
export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
