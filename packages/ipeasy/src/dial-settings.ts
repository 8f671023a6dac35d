import { CellmuxError, checkInteger, checkOneOf, type AbortOptions } from '@cellmux/port';
import { dialLine, hostProblem } from './core/command-lines.ts';
import { COMMAND_LINE_LIMIT, CONNECTIONS } from './core/limits.ts';
import { ipEasyError } from './ip-easy-error.ts';
import type { ResolvedOptions } from './ip-easy-options.ts';

/** What `connect` takes. */
export interface ConnectOptions extends AbortOptions {
  /** Name or IPv4 address. */
  readonly host: string;
  /** 1..65535; its decimal digits are fine as well. */
  readonly port: number | string;
  /** Default `tcp`. */
  readonly transport?: 'tcp' | 'udp' | undefined;
  /** Context, 1..5; default that of the options. */
  readonly cid?: number | undefined;
  /** `command` (default): shares an AT port with others; `online`: has one for itself, fastest. TCP only. */
  readonly mode?: 'command' | 'online' | undefined;
  /** UDP only: the module's port, 1..65535; default any. */
  readonly localPort?: number | undefined;
  /** Keeps this side open when the peer has ended; needs firmware that supports closure type 255. Default false. */
  readonly allowHalfOpen?: boolean | undefined;
  /** Overrides that of the options. */
  readonly halfCloseMs?: number | undefined;
  /** Overrides that of the options. */
  readonly whenFull?: 'wait' | 'fail' | undefined;
  /** 1000..120000 ms; default that of the options. */
  readonly connectTimeoutMs?: number | undefined;
  /** TCP only: `setTimeout` from the start, in ms, as `net.connect` has it. */
  readonly timeout?: number | undefined;
}

/** What `createConnection` takes: {@link ConnectOptions}, in the form in which HTTP agents hand it over. */
export interface CreateConnectionOptions extends Omit<ConnectOptions, 'host' | 'port'> {
  readonly host?: string | null | undefined;
  readonly port?: number | string | null | undefined;
}

/** {@link ConnectOptions}, checked and complete. */
export interface DialSettings {
  readonly host: string;
  readonly port: number;
  readonly transport: 'tcp' | 'udp';
  readonly cid: number;
  readonly mode: 'command' | 'online';
  readonly localPort: number;
  readonly closureType: 0 | 255;
  readonly whenFull: 'wait' | 'fail';
  readonly connectTimeoutMs: number;
}

/**
 * @throws CellmuxError `ERR_OPTION_RANGE`, `ERR_IPEASY_HOST` for what is no host name, `ERR_IPEASY_HOST_TOO_LONG` when
 * the command line would be longer than the module takes.
 */
export function checkDial(options: CreateConnectionOptions, defaults: ResolvedOptions): DialSettings {
  const { host, port, transport = 'tcp', localPort = 0, allowHalfOpen = false, mode = 'command' } = options;
  const dial: DialSettings = {
    host: checkHost(host ?? ''),
    port: checkPort(port),
    transport: checkOneOf('transport', transport, ['tcp', 'udp']),
    cid: checkInteger('cid', options.cid ?? defaults.sockets.cid, 1, 5),
    mode: checkOneOf('mode', mode, transport === 'udp' ? ['command'] : ['command', 'online']),
    localPort: checkInteger('localPort', localPort, 0, transport === 'udp' ? 65_535 : 0),
    closureType: allowHalfOpen ? 255 : 0,
    whenFull: checkOneOf('whenFull', options.whenFull ?? defaults.whenFull, ['wait', 'fail']),
    connectTimeoutMs: checkInteger(
      'connectTimeoutMs',
      options.connectTimeoutMs ?? defaults.sockets.connectTimeoutMs,
      1000,
      120_000,
    ),
  };
  const { length } = dialLine({ ...dial, connId: CONNECTIONS });
  if (length > COMMAND_LINE_LIMIT) {
    throw new CellmuxError(
      'ERR_IPEASY_HOST_TOO_LONG',
      `${host}: the command to dial it has ${length} characters, the module takes ${COMMAND_LINE_LIMIT}`,
      {
        hint: 'Use a shorter name for the host, or its address.',
        context: { host, length, limit: COMMAND_LINE_LIMIT },
      },
    );
  }
  return dial;
}

/** Why a dial failed, in the terms of IP Easy. */
export function dialError(error: unknown, { host, port }: DialSettings): unknown {
  const where = `${host}:${port}`;
  const code = (error as { code?: unknown } | undefined)?.code;
  // Older firmware ends a dial that failed with NO CARRIER or a bare ERROR.
  if (code === 'ERR_AT_NO_CARRIER' || code === 'ERR_AT_ERROR') {
    return new CellmuxError('ERR_IPEASY_REFUSED', `${where}: the module could not connect and does not say why`, {
      cause: error,
      hint: 'Check that the context is active, and host and port.',
    });
  }
  if (code === 'ERR_AT_TIMEOUT') {
    return new CellmuxError('ERR_IPEASY_CONNECT_TIMEOUT', `${where}: the module did not answer in time`, {
      cause: error,
      hint: 'Check that the module still answers AT commands.',
    });
  }
  return ipEasyError(error, where);
}

function checkPort(port: number | string | null | undefined): number {
  const isDigits = typeof port === 'string' && /^\d{1,5}$/.test(port);
  return checkInteger('port', isDigits ? Number(port) : (port as number), 1, 65_535);
}

function checkHost(host: string): string {
  const problem = hostProblem(host);
  if (problem === undefined) return host;
  throw new CellmuxError('ERR_IPEASY_HOST', `host ${JSON.stringify(host.slice(0, 80))} ${problem}`, {
    hint: 'Give a name of letters, digits, dots and hyphens (international names in their xn-- form) or an IPv4 address.',
  });
}
