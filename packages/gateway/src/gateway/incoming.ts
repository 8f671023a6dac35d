import type { Clock } from '@cellmux/port';
import type { IpEasySocket } from '@cellmux/ipeasy';
import { connect } from 'node:net';
import { formatHostPort } from '../core/host-port.ts';
import type { IncomingRule } from '../core/incoming-rule.ts';
import type { GatewayEvent } from './gateway-events.ts';
import { joinStreams } from './join-streams.ts';

/** How long the local server may take to accept, ms. */
const CONNECT_LIMIT_MS = 10_000;

/** Carries a connection that came in over the module on to a local server, both ways, until both have ended. */
export function carryIncoming(
  socket: IpEasySocket,
  { port, to }: IncomingRule,
  { clock, onEvent }: { readonly clock: Clock; readonly onEvent: (event: GatewayEvent) => void },
): void {
  const from = `${socket.remoteAddress ?? '?'}:${socket.remotePort ?? '?'}`;
  const target = formatHostPort(to);
  let isConnected = false;
  const local = connect({ host: to.host, port: to.port, allowHalfOpen: true });
  const cancel = clock.after(CONNECT_LIMIT_MS, () => {
    local.destroy(Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' }));
  });
  local.once('connect', () => {
    isConnected = true;
    cancel();
    onEvent({ type: 'incomingConnected', port, from, target });
    joinStreams(local, socket);
  });
  local.once('error', (error) => {
    cancel();
    if (!isConnected) onEvent({ type: 'incomingFailed', port, from, target, error });
    socket.destroy();
  });
  socket.once('error', () => {
    if (!isConnected) local.destroy();
  });
  socket.once('close', () => {
    cancel();
    if (!isConnected) local.destroy();
  });
}
