import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { localFailure } from '../errors/describe-error.ts';
import { formatHostPort, type HostPort } from '../core/host-port.ts';

/** Starts a TCP server listening; resolves with where it listens. Rejects with `ERR_GATEWAY_LOCAL`. */
export async function listen(server: Server, local: HostPort, what: string): Promise<HostPort> {
  try {
    server.listen(local.port, local.host);
    await once(server, 'listening');
  } catch (error) {
    throw localFailure(`${what} cannot listen on ${formatHostPort(local)}`, error);
  }
  const { address, port } = server.address() as AddressInfo;
  return { host: address, port };
}
