import { CellmuxError, type AbortOptions } from '@cellmux/port';
import { responseLines, type PppDialer } from './ppp-dialer.ts';

/** PDP types of a context (3GPP TS 27.007 §10.1.1). */
export const PDP_TYPES = ['IP', 'IPV6', 'IPV4V6'] as const;
export type PdpType = (typeof PDP_TYPES)[number];

/** What the context to dial must be. */
export interface ContextWanted extends AbortOptions {
  readonly cid: number;
  /** Set the context so; undefined takes it as it is. */
  readonly apn: string | undefined;
  readonly pdpType: PdpType;
  /** Deactivate it where the module's own sockets have it active. */
  readonly take: boolean;
}

/** How long the network may take to deactivate a context: what Telit gives `#SGACT`. */
const DEACTIVATION_MS = 150_000;

/** The responses of a command that not every module knows: none where it is refused. */
async function ask(dialer: PppDialer, line: string, options: AbortOptions): Promise<readonly string[] | undefined> {
  try {
    return responseLines(await dialer.command(line, options));
  } catch (error) {
    const code = (error as { code?: unknown } | undefined)?.code;
    if (code === 'ERR_AT_ERROR' || code === 'ERR_AT_CME') return undefined;
    throw error;
  }
}

/**
 * Makes sure that the context to dial is defined, and set as wanted, and not in use by the module's own sockets, which
 * cannot share it with PPP: it is freed of them first, or refused.
 *
 * Rejects with `ERR_PPP_NO_CONTEXT`, `ERR_PPP_CONTEXT_IN_USE`, and the dialer's errors.
 */
export async function prepareContext(dialer: PppDialer, wanted: ContextWanted): Promise<void> {
  const { cid, apn, pdpType, take, signal } = wanted;
  const options: AbortOptions = signal === undefined ? {} : { signal };
  const active = (await ask(dialer, 'AT#SGACT?', options)) ?? [];
  if (active.some((line) => new RegExp(`^#SGACT: *${cid}, *1`).test(line))) {
    if (!take) throw contextInUse(cid);
    try {
      await dialer.command(`AT#SGACT=${cid},0`, { ...options, timeoutMs: DEACTIVATION_MS });
    } catch (error) {
      signal?.throwIfAborted();
      throw contextInUse(cid, error);
    }
  }
  const defined = await ask(dialer, 'AT+CGDCONT?', options);
  const line = defined?.find((text) => new RegExp(`^\\+CGDCONT: *${cid},`).test(text));
  const [, typeNow, apnNow] = /^\+CGDCONT: *\d+, *"([^"]*)" *, *"([^"]*)"/.exec(line ?? '') ?? [];
  if (apn !== undefined) {
    if (apnNow?.toLowerCase() === apn.toLowerCase() && typeNow === pdpType) return;
    await dialer.command(`AT+CGDCONT=${cid},"${pdpType}","${apn}"`, options);
    return;
  }
  if (defined !== undefined && line === undefined) {
    throw new CellmuxError('ERR_PPP_NO_CONTEXT', `context ${cid} is not defined in the module`, {
      hint: 'Give the APN of the operator, or define the context with AT+CGDCONT.',
      context: { cid },
    });
  }
}

function contextInUse(cid: number, cause?: unknown): CellmuxError {
  const still = cause === undefined ? '' : ', and the module does not deactivate it';
  return new CellmuxError('ERR_PPP_CONTEXT_IN_USE', `context ${cid} is in use by the module's own sockets${still}`, {
    hint: `Deactivate it first with AT#SGACT=${cid},0 (takeContext does), or let sockets use another context.`,
    context: { cid },
    ...(cause === undefined ? {} : { cause }),
  });
}
