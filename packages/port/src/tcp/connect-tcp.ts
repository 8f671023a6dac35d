import { connect, type Socket } from 'node:net';
import type { PortRole } from '../circuits.ts';
import { systemClock, type Clock } from '../clock.ts';
import { checkInteger } from '../core/check-option.ts';
import type { AbortOptions, Port } from '../port.ts';
import { checkBacklogLimit } from '../machine-limits.ts';
import { socketPort } from './socket-port.ts';
import { reasonOf, tcpError } from './tcp-errors.ts';

/** Options of {@link connectTcp}. */
export interface ConnectTcpOptions extends AbortOptions {
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
  /** Which end of the line this is to be; default `dte`. */
  readonly role?: PortRole;
  /** How long to wait for the connection, 1 to 600000 ms; default 10000. */
  readonly timeoutMs?: number;
  /** Backlog in bytes, 131072 to 2^30; default 262144. */
  readonly backlogLimitBytes?: number;
  readonly clock?: Clock;
}

/**
 * Connects to a TCP server: a terminal server, a virtual module, another cellmux. A connection has no circuits; those
 * that are set are kept and told to nobody.
 *
 * Rejects with `ERR_PORT_NOT_FOUND` when there is nothing to connect to (`context.reason` is the system's code,
 * `ETIMEDOUT` also when `timeoutMs` is over), with `ERR_OPTION_RANGE`, or with the signal's reason.
 */
export async function connectTcp(options: ConnectTcpOptions): Promise<Port> {
  const { host, role = 'dte', signal, clock = systemClock } = options;
  const port = checkInteger('port', options.port, 1, 65_535);
  const timeoutMs = checkInteger('timeoutMs', options.timeoutMs ?? 10_000, 1, 600_000);
  const backlogLimitBytes = checkBacklogLimit(options.backlogLimitBytes);
  signal?.throwIfAborted();
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const socket = connect({ host, port, allowHalfOpen: true });
  await connected(socket, `cannot connect to ${address}`, clock, timeoutMs, signal);
  return socketPort(socket, { name: `tcp:${address}`, role, clock, backlogLimitBytes });
}

async function connected(
  socket: Socket,
  complaint: string,
  clock: Clock,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const fail = (error: unknown): void => {
    socket.destroy(error instanceof Error ? error : new Error('aborted', { cause: error }));
  };
  let reason: { readonly given: unknown } | undefined;
  const onAbort = (): void => {
    reason = { given: signal?.reason };
    fail(reason.given);
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  const cancel = clock.after(timeoutMs, () => {
    fail(Object.assign(new Error(`no answer in ${timeoutMs} ms`), { code: 'ETIMEDOUT' }));
  });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve();
      });
    });
  } catch (error) {
    if (reason !== undefined) throw reason.given;
    throw tcpError('ERR_PORT_NOT_FOUND', complaint, reasonOf(error), error);
  } finally {
    cancel();
    signal?.removeEventListener('abort', onAbort);
  }
}
