import type { GatewayEvent } from '../gateway/gateway-events.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What an event weighs in the log; what is not named here is `info`. */
const LEVEL: Readonly<Partial<Record<GatewayEvent['type'], LogLevel>>> = {
  socketsInUse: 'trace',
  atCommand: 'trace',
  pppEcho: 'trace',
  signal: 'debug',
  stepEnded: 'debug',
  // An outage is told once for good, at its end, with cause and duration.
  outageBegan: 'info',
  outageEnded: 'warn',
  gaveUp: 'error',
  warning: 'warn',
  pingLost: 'warn',
  proxyFailed: 'warn',
  forwardFailed: 'warn',
  incomingFailed: 'warn',
  endFailed: 'warn',
};

export function levelOf(event: GatewayEvent): LogLevel {
  if (event.type === 'ftpEnded' && event.error !== undefined) return 'warn';
  if (event.type === 'moduleInCommandMode' && !event.verified) return 'warn';
  // What IP Easy is told all the time is its own business.
  if (event.type === 'urc' && /^SRING|^NO CARRIER/.test(event.text)) return 'trace';
  return LEVEL[event.type] ?? 'info';
}
