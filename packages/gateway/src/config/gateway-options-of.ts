import { HE863_AT_PROFILE } from '@cellmux/at';
import { spawn } from 'node:child_process';
import { CellmuxError } from '@cellmux/port';
import { isLoopback } from '../core/is-loopback.ts';
import { usageError } from '../cli/usage-error.ts';
import { defaultControlPath } from '../gateway/control-path.ts';
import type { GatewayOptions } from '../gateway/gateway-options.ts';
import { readSecret } from './read-secret.ts';
import type { Settings } from './settings.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** The options of a gateway for these settings, secrets read. Rejects with `ERR_GATEWAY_USAGE` and `ERR_GATEWAY_LOCAL`. */
export async function gatewayOptionsOf(settings: Settings, env: Env): Promise<GatewayOptions> {
  const { line, atGap, recover = true } = settings;
  if (line === undefined) throw usageError('the gateway needs its line');
  const { passwordFile, pinFile, tokenFile, giveUpAfter, longestPause, captureSize, resetCommand } = settings;
  const password = await readSecret({ what: 'password', file: passwordFile, variable: 'CELLMUX_PASSWORD', env });
  const pin = await readSecret({ what: 'PIN', file: pinFile, variable: 'CELLMUX_PIN', env });
  const token = await readSecret({ what: 'token', file: tokenFile, variable: 'CELLMUX_TOKEN', env });
  for (const key of ['proxy', 'dashboard', 'metrics'] as const) {
    const address = settings[key];
    if (address === undefined || isLoopback(address.host) || (token !== undefined && token !== '')) continue;
    throw usageError(
      `${key} on ${address.host} can be used by everybody who reaches it, and there is no token`,
      'Give --token-file FILE or CELLMUX_TOKEN, or listen on 127.0.0.1.',
    );
  }
  // On loopback whoever can reach it is the machine's own.
  const tokenFor = (key: 'proxy' | 'dashboard' | 'metrics'): string | undefined => {
    const address = settings[key];
    return address === undefined || isLoopback(address.host) ? undefined : token;
  };
  return {
    line,
    baudRate: settings.baud,
    rtscts: settings.rtscts,
    atProfile: atGap === undefined ? undefined : { ...HE863_AT_PROFILE, resultGapMs: atGap },
    apn: settings.apn,
    user: settings.user,
    password,
    pin,
    tun: settings.tun,
    routes: settings.route,
    resolvConf: settings.resolvConf,
    proxy: settings.proxy,
    proxyToken: tokenFor('proxy'),
    forwards: settings.forward,
    incoming: settings.listen,
    firewall: settings.firewall,
    queueLimit: settings.queue,
    dialWaitMs: settings.dialWait,
    atPty: settings.atPty,
    ports: settings.ports,
    control: settings.control === false ? undefined : (settings.control ?? defaultControlPath(env)),
    capture: settings.capture,
    captureSecrets: settings.captureSecrets,
    captureRotation: {
      rotateBytes: captureSize === undefined ? undefined : captureSize * 1024 * 1024,
      keep: settings.captureKeep,
    },
    ping: settings.ping === undefined ? undefined : { host: settings.ping, intervalMs: settings.pingInterval },
    t1Ms: settings.t1,
    keepAliveMs: settings.keepAlive,
    pppEchoMs: settings.pppEcho,
    pollMs: settings.poll,
    recovery: recover && {
      fromStart: settings.retryStart === true,
      ...(giveUpAfter === undefined ? {} : { giveUpAfterMs: giveUpAfter * 1000 }),
      ...(longestPause === undefined ? {} : { longestPauseMs: longestPause * 1000 }),
    },
    resetModule: resetCommand === undefined ? undefined : ({ signal }) => runShell(resetCommand, signal),
    dashboard: settings.dashboard,
    dashboardToken: tokenFor('dashboard'),
    metrics: settings.metrics,
    metricsToken: tokenFor('metrics'),
  };
}

/** How long a command that resets a module may take, ms. */
const RESET_LIMIT_MS = 60_000;

function runShell(command: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, { shell: true, stdio: 'ignore', signal, timeout: RESET_LIMIT_MS });
    const failed = (why: string, cause?: unknown): void => {
      reject(
        new CellmuxError('ERR_GATEWAY_RESET_COMMAND', `the command that resets the module ${why}`, {
          cause,
          hint: 'Run it by hand and see what it says.',
        }),
      );
    };
    child.once('error', (error) => {
      failed('cannot be run', error);
    });
    child.once('exit', (code, by) => {
      if (code === 0) resolve();
      else failed(by === null ? `ended with status ${String(code)}` : `was ended by ${by}`);
    });
  });
}
