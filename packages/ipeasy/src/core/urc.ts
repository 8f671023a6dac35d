import { decimal, splitFields, splitList } from './split-fields.ts';

/** An unsolicited result code that concerns sockets. */
export type SocketUrc =
  /** Data waits on a connId, or somebody connects to a listening one (guide §3.2.1.4, §3.2.2.2, §4.2.2). */
  | { readonly type: 'sring'; readonly connId: number; readonly waitingBytes?: number }
  /** A socket closed; which one is said only where `noCarrierMode` of #SCFGEXT2 could be set. */
  | { readonly type: 'noCarrier'; readonly connId?: number; readonly cause?: number }
  /** The listeners are gone with their context. */
  | { readonly type: 'listenerAborted' }
  /** A context came up by itself (#SGACTCFG). */
  | { readonly type: 'contextActivated'; readonly address: string };

/**
 * Reads an unsolicited line. Guides print `SRING: 1`, `SRING : 1` and `+SRING: 1`; modules send the first. Undefined
 * for every line that is none of these.
 */
export function parseSocketUrc(line: string): SocketUrc | undefined {
  const text = line.trim();
  if (/^\+?SRING\s*:/.test(text)) {
    const fields = splitFields(text.replace(/^\+/, ''), 'SRING') ?? [];
    const connId = decimal(fields[0]);
    if (connId === undefined) return undefined;
    const waitingBytes = decimal(fields[1]);
    return { type: 'sring', connId, ...(waitingBytes === undefined ? {} : { waitingBytes }) };
  }
  if (text === 'NO CARRIER') return { type: 'noCarrier' };
  if (text.startsWith('NO CARRIER:')) {
    const [connId, cause] = splitList(text.slice('NO CARRIER:'.length)).map(decimal);
    if (connId === undefined) return undefined;
    return { type: 'noCarrier', connId, ...(cause === undefined ? {} : { cause }) };
  }
  if (/^[#+]S(L|KTL)\s*:\s*ABORTED$/.test(text)) return { type: 'listenerAborted' };
  const address = splitFields(text, '#SGACT')?.[0];
  if (address !== undefined && address !== '') return { type: 'contextActivated', address };
  return undefined;
}
