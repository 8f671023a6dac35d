import { CellmuxError, checkInteger } from '@cellmux/port';
import { isLoopback } from '../core/is-loopback.ts';
import type { GatewayOptions } from './gateway-options.ts';

const RANGES = {
  baudRate: [300, 100_000_000],
  pppCid: [1, 5],
  socketCid: [1, 5],
  registrationLimitMs: [0, 3_600_000],
  t1Ms: [10, 700],
  keepAliveMs: [0, 3_600_000],
  dialWaitMs: [0, 600_000],
  queueLimit: [0, 65_536],
  ftpQueueLimit: [0, 1024],
} as const;

const RECOVERY_RANGES = {
  firstPauseMs: [10, 3_600_000],
  longestPauseMs: [10, 86_400_000],
  stableMs: [0, 86_400_000],
} as const;

/** What answers whoever reaches it, and the option that has its token. */
const GUARDED = { proxy: 'proxyToken', dashboard: 'dashboardToken', metrics: 'metricsToken' } as const;

/**
 * Checks the options before anything starts.
 *
 * @throws CellmuxError `ERR_OPTION_RANGE`, `ERR_OPTION_EXCLUDES`, `ERR_OPTION_TOKEN`
 */
export function checkGatewayOptions(options: GatewayOptions): void {
  checkTokens(options);
  for (const [name, [minimum, maximum]] of Object.entries(RANGES)) {
    const value = options[name as keyof typeof RANGES];
    if (value !== undefined) checkInteger(name, value, minimum, maximum);
  }
  if (options.pppEchoMs !== undefined && options.pppEchoMs !== 0) {
    checkInteger('pppEchoMs', options.pppEchoMs, 100, 3_600_000);
  }
  if (options.pollMs !== undefined && options.pollMs !== 0) checkInteger('pollMs', options.pollMs, 1000, 3_600_000);
  const { rotateBytes, keep } = options.captureRotation ?? {};
  if (rotateBytes !== undefined) checkInteger('rotateBytes', rotateBytes, 4096, Number.MAX_SAFE_INTEGER);
  if (keep !== undefined) checkInteger('keep', keep, 1, 1000);
  if (options.ports !== undefined) {
    const taken = (['proxy', 'forwards', 'incoming', 'atPty', 'tun', 'ping'] as const).find(
      (name) => options[name] !== undefined,
    );
    if (taken !== undefined) {
      throw new CellmuxError(
        'ERR_OPTION_EXCLUDES',
        `ports gives the virtual ports to other programs: ${taken} has none`,
        {
          hint: `Leave ${taken} out, or ports.`,
          context: { option: 'ports', excludes: taken },
        },
      );
    }
  }
  const { recovery } = options;
  if (recovery === undefined || recovery === false) return;
  for (const [name, [minimum, maximum]] of Object.entries(RECOVERY_RANGES)) {
    const value = recovery[name as keyof typeof RECOVERY_RANGES];
    if (value !== undefined) checkInteger(`recovery.${name}`, value, minimum, maximum);
  }
  const { giveUpAfterMs } = recovery;
  if (giveUpAfterMs !== undefined && giveUpAfterMs !== Infinity) {
    checkInteger('recovery.giveUpAfterMs', giveUpAfterMs, 1000, Number.MAX_SAFE_INTEGER);
  }
}

/** Beyond loopback, what has no token could be used by everybody. */
function checkTokens(options: GatewayOptions): void {
  for (const [name, tokenName] of Object.entries(GUARDED) as [keyof typeof GUARDED, (typeof GUARDED)['proxy']][]) {
    const address = options[name];
    const token = options[tokenName];
    if (token === '') {
      throw new CellmuxError('ERR_OPTION_TOKEN', `${tokenName} is empty: everybody could give it`, {
        hint: 'Leave it out, or give a token.',
        context: { option: tokenName },
      });
    }
    if (address === undefined || isLoopback(address.host) || token !== undefined) continue;
    throw new CellmuxError(
      'ERR_OPTION_TOKEN',
      `${name} on ${address.host} could be used by everybody who reaches it, and there is no ${tokenName}`,
      { hint: `Give ${tokenName}, or listen on 127.0.0.1.`, context: { option: name, host: address.host } },
    );
  }
}
