import type { Cause } from './cause.ts';

/** First match decides; a code is matched by what it begins with. */
const BY_CODE: readonly (readonly [prefix: string, cause: Cause])[] = [
  ['ERR_GATEWAY_REGISTRATION', 'registrationLost'],
  ['ERR_GATEWAY_SIM_LOCKED', 'simLocked'],
  ['ERR_GATEWAY_SIM', 'simError'],
  ['ERR_GATEWAY_LINE_NOT_REOPENED', 'lineLost'],
  ['ERR_GATEWAY_MODULE_SILENT', 'lineSilent'],
  ['ERR_PORT_', 'lineLost'],
  ['ERR_CMUX_REFUSED_BY_MODULE', 'multiplexerRefused'],
  ['ERR_CMUX_DLC_REFUSED', 'portClosed'],
  ['ERR_CMUX_LINK_LOST', 'multiplexerStuck'],
  ['ERR_CMUX_STATE', 'multiplexerStuck'],
  ['ERR_CMUX_NO_ANSWER', 'lineSilent'],
  ['ERR_AT_TIMEOUT', 'portStuck'],
  ['ERR_AT_CLOSED', 'portClosed'],
  ['ERR_AT_LINE_LOST', 'portClosed'],
  ['ERR_PPP_AUTH_', 'accessRefused'],
  ['ERR_PPP_CARRIER_LOST', 'callDropped'],
  ['ERR_PPP_CLOSED_BY_PEER', 'callDropped'],
  ['ERR_PPP_SILENCE', 'callSilent'],
  ['ERR_PPP_', 'dialFailed'],
  ['ERR_IPEASY_AUTH_FAILED', 'accessRefused'],
  ['ERR_IPEASY_SIM', 'simError'],
  ['ERR_IPEASY_NO_NETWORK', 'registrationLost'],
  ['ERR_IPEASY_LINE_LOST', 'portClosed'],
  ['ERR_IPEASY_TIMEOUT', 'portStuck'],
  ['ERR_IPEASY_CONTEXT_LOST', 'contextLost'],
  ['ERR_IPEASY_CONTEXT_NOT_ACTIVE', 'contextLost'],
  ['ERR_IPEASY_', 'activationRefused'],
];

/** +CME ERRORs that are about the SIM: 10 to 18 (3GPP TS 27.007 §9.2.1). */
const isSimCme = (cme: unknown): boolean => typeof cme === 'number' && cme >= 10 && cme <= 18;
/** PIN wanted, PUK wanted, wrong password, PIN2 wanted, PUK2 wanted. */
const LOCKED_CME: readonly unknown[] = [11, 12, 16, 17, 18];
/** No network service, network timeout, emergency calls only. */
const NETWORK_CME: readonly unknown[] = [30, 31, 32];

/** What an error says about what is wrong, by its code, its +CME number, and those of its causes. */
export function causeOf(error: unknown): Cause {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    const { code, context } = at as { code?: unknown; context?: Readonly<Record<string, unknown>> };
    const cme = context?.['cme'];
    if (LOCKED_CME.includes(cme)) return 'simLocked';
    if (isSimCme(cme)) return 'simError';
    if (NETWORK_CME.includes(cme)) return 'registrationLost';
    if (typeof code !== 'string') continue;
    // Why a dial failed is in its cause, where there is one that says more.
    if (code === 'ERR_PPP_DIAL_FAILED' && at.cause instanceof Error && causeOf(at.cause) !== 'unknown') continue;
    const row = BY_CODE.find(([prefix]) => code.startsWith(prefix));
    if (row !== undefined) return row[1];
  }
  return 'unknown';
}
