import type { ModuleServices } from '../module/module-services.ts';
import { SOCKET_ERRORS } from './machine/socket-transitions.ts';
import { connectTransport } from './tcp-transport.ts';
import { OpenFailure, type Endpoint, type Transport } from './transport.ts';
import { openUdp } from './udp-transport.ts';

/** How long a name may take to be resolved. */
export const RESOLVE_TIMEOUT_MS = 20_000;

/** Where #SD goes. */
export interface OpenRequest {
  readonly transport: 'tcp' | 'udp';
  readonly port: number;
  /** An address or a name. */
  readonly host: string;
  /** UDP only; 0 for any. */
  readonly localPort: number;
  /** `<connTo>` in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** A connection, and the address that #SS shows for its peer. */
export interface Opened {
  readonly transport: Transport;
  readonly shownRemote: Endpoint;
}

/**
 * Resolves a name and connects.
 *
 * @throws OpenFailure with 558 when there is no such name, and those of {@link connectTransport} and {@link openUdp}.
 */
export async function openTransport(
  { clock, resolver, network }: ModuleServices,
  { transport: kind, host, port: wanted, localPort, timeoutMs, signal }: OpenRequest,
): Promise<Opened> {
  const refusal = network.socketRefusal();
  if (refusal !== undefined) throw new OpenFailure(refusal);
  const tooLong = new AbortController();
  const cancel = clock.after(RESOLVE_TIMEOUT_MS, () => {
    tooLong.abort();
  });
  const either = AbortSignal.any([signal, tooLong.signal]);
  const aborted = new Promise<undefined>((resolve) => {
    either.addEventListener(
      'abort',
      () => {
        resolve(undefined);
      },
      { once: true },
    );
  });
  const resolving = resolver.target(host, wanted, kind, either).catch(() => undefined);
  const target = await Promise.race([resolving, aborted]);
  cancel();
  if (signal.aborted) throw new OpenFailure(SOCKET_ERRORS.remoteDisconnected, signal.reason);
  if (target === undefined) throw new OpenFailure(SOCKET_ERRORS.cannotResolve);
  const { address, port } = target;
  const transport =
    kind === 'udp'
      ? await openUdp({ address, port, localPort })
      : await connectTransport({ address, port, timeoutMs, clock, signal });
  if (signal.aborted) {
    transport.abort();
    throw new OpenFailure(SOCKET_ERRORS.remoteDisconnected, signal.reason);
  }
  return { transport, shownRemote: { address: target.shownAddress, port: target.shownPort } };
}
