import { CellmuxError, checkInteger, checkOneOf, systemClock, type AbortOptions } from '@cellmux/port';
import { hangUp, PppCall } from './ppp-call.ts';
import type { PppDataCall, PppDialer } from './ppp-dialer.ts';
import { PppLink } from './ppp-link.ts';
import type { PppClientOptions } from './ppp-options.ts';
import { PDP_TYPES, prepareContext, type PdpType } from './prepare-context.ts';

/** Options of {@link dialPpp}. */
export interface DialPppOptions extends PppClientOptions, AbortOptions {
  /** The context to dial, 1 to 16; default 1, the only one that HE863 dials. */
  readonly cid?: number;
  /** The access point to set the context to; default: the context stays as it is, and must be defined. */
  readonly apn?: string;
  /** The PDP type that goes with `apn`; default `IP`, with the option `ipv6` `IPV4V6`. */
  readonly pdpType?: PdpType;
  /** Ask the module about the context before dialling; default true. */
  readonly checkContext?: boolean;
  /**
   * Deactivate the context (`AT#SGACT=<cid>,0`) where the module's own sockets have it, which ends them; default false: it is
   * refused with `ERR_PPP_CONTEXT_IN_USE`.
   */
  readonly takeContext?: boolean;
  /** How long the module may take to CONNECT, in ms, 1000 to 600000; default 60000. */
  readonly dialTimeoutMs?: number;
}

/**
 * Dials a context with `ATD*99***<cid>#` and brings PPP up on the call. What fails is hung up before the error is told.
 *
 * Rejects with `ERR_PPP_NO_CONTEXT`, `ERR_PPP_CONTEXT_IN_USE`, `ERR_PPP_DIAL_FAILED` (the dialer's error is the cause),
 * the errors of `PppLink.open`, `ERR_OPTION_RANGE`, and the signal's own reason.
 *
 * @example
 * const call = await dialPpp(new AtClient(port1), { user: 'web', password: 'web' });
 * call.packets$.subscribe((packet) => { … });
 * await call.send(packet);
 * await call.close();
 */
export async function dialPpp(dialer: PppDialer, options: DialPppOptions = {}): Promise<PppCall> {
  const { apn, signal, clock = systemClock } = options;
  const cid = checkInteger('cid', options.cid ?? 1, 1, 16);
  const pdpType = checkOneOf('pdpType', options.pdpType ?? (options.ipv6 ? 'IPV4V6' : 'IP'), PDP_TYPES);
  const dialTimeoutMs = checkInteger('dialTimeoutMs', options.dialTimeoutMs ?? 60_000, 1000, 600_000);
  if (apn !== undefined && !/^[A-Za-z0-9._-]{1,100}$/.test(apn)) {
    throw new CellmuxError('ERR_OPTION_RANGE', 'apn must be 1 to 100 letters, digits, dots, hyphens or underscores', {
      context: { option: 'apn' },
    });
  }
  const abort = signal === undefined ? {} : { signal };
  signal?.throwIfAborted();
  let call: PppDataCall;
  try {
    if (options.checkContext !== false) {
      await prepareContext(dialer, { cid, apn, pdpType, take: options.takeContext ?? false, ...abort });
    }
    call = await dialer.connect(`ATD*99***${cid}#`, { timeoutMs: dialTimeoutMs, ...abort });
  } catch (error) {
    if (signal?.aborted === true || isOurs(error)) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new CellmuxError('ERR_PPP_DIAL_FAILED', `the module does not dial context ${cid}: ${message}`, {
      cause: error,
      hint: 'Check that the SIM is ready and registered, and the APN of the context.',
      context: { cid },
    });
  }
  let link: PppLink | undefined;
  try {
    link = new PppLink(call, { ...options, role: 'client', clock });
    const network = await link.open(abort);
    return new PppCall({ dialer, call, link, clock }, network);
  } catch (error) {
    await link?.close();
    await hangUp(dialer, call, clock);
    throw error;
  }
}

function isOurs(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' && code.startsWith('ERR_PPP_');
}
