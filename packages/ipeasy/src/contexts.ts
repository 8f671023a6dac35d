import { atString, type AtClient } from '@cellmux/at';
import { CellmuxError, checkInteger, checkOneOf, type AbortOptions } from '@cellmux/port';
import { decimal, splitFields } from './core/split-fields.ts';
import { cmeOf, ipEasyError } from './ip-easy-error.ts';
import { setQualityOfService, type QualityOfService } from './quality-of-service.ts';

/** What `defineContext` takes (`+CGDCONT`, 3GPP TS 27.007 §10.1.1). */
export interface ContextDefinition extends AbortOptions {
  /** 1..5. */
  readonly cid: number;
  /** Access point name as the operator gives it; empty asks for the subscription's own. */
  readonly apn: string;
  /** Default `IP`. */
  readonly type?: 'IP' | 'PPP' | undefined;
  /** Default 0.0.0.0: the network gives one. */
  readonly address?: string | undefined;
  /** Data compression: 0 off (default), 1 on, 2 V.42bis. */
  readonly dataCompression?: 0 | 1 | 2 | undefined;
  /** Header compression: 0 off (default), 1 on, 2 RFC 1144, 3 RFC 2507. */
  readonly headerCompression?: 0 | 1 | 2 | 3 | undefined;
  /** Default: what was subscribed. */
  readonly quality?: QualityOfService | undefined;
}

/** A defined context and whether it is active. */
export interface ContextState {
  readonly cid: number;
  readonly isActive: boolean;
  /** While active. */
  readonly address?: string;
}

/** What `activate` takes. */
export interface ActivationParameters extends AbortOptions {
  /** 1..5. */
  readonly cid: number;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
}

/** The network may take this long (AT guide: #SGACT). */
export const ACTIVATION_TIMEOUT_MS = 150_000;

/** `AT+CGDCONT=…` */
export async function defineContext(at: AtClient, definition: ContextDefinition, timeoutMs: number): Promise<void> {
  const { cid, apn, type = 'IP', address = '0.0.0.0', dataCompression = 0, headerCompression = 0 } = definition;
  checkInteger('cid', cid, 1, 5);
  checkOneOf('type', type, ['IP', 'PPP']);
  checkInteger('dataCompression', dataCompression, 0, 2);
  checkInteger('headerCompression', headerCompression, 0, 3);
  const line = `AT+CGDCONT=${cid},"${type}",${atString(apn)},${atString(address)},${dataCompression},${headerCompression}`;
  try {
    await at.command(line, { timeoutMs });
  } catch (error) {
    throw ipEasyError(error, `context ${cid}: defining it`);
  }
  if (definition.quality !== undefined) await setQualityOfService(at, cid, definition.quality, timeoutMs);
}

/** `AT#SGACT=cid,1`; the address, or undefined when the context was active already. */
export async function activate(at: AtClient, parameters: ActivationParameters): Promise<string | undefined> {
  const { cid, user, password } = parameters;
  checkInteger('cid', cid, 1, 5);
  const credentials =
    user === undefined && password === undefined ? '' : `,${atString(user ?? '')},${atString(password ?? '')}`;
  try {
    const { lines } = await at.command(`AT#SGACT=${cid},1${credentials}`, {
      timeoutMs: ACTIVATION_TIMEOUT_MS,
      ...(credentials === '' ? {} : { secret: true as const }),
    });
    return lines.map((line) => splitFields(line, '#SGACT')?.[0]).find((address) => address !== undefined);
  } catch (error) {
    // The module goes on running when the program restarts.
    if (cmeOf(error) === 553) return undefined;
    throw ipEasyError(error, `context ${cid}: activating it`);
  }
}

/** `AT#SGACT=cid,0`. Its sockets close. */
export async function deactivate(at: AtClient, cid: number): Promise<void> {
  checkInteger('cid', cid, 1, 5);
  try {
    await at.command(`AT#SGACT=${cid},0`, { timeoutMs: ACTIVATION_TIMEOUT_MS });
  } catch (error) {
    throw ipEasyError(error, `context ${cid}: deactivating it`);
  }
}

/** `AT#SGACT?`, and for those that are active `AT#CGPADDR=cid`. */
export async function contextStates(at: AtClient, timeoutMs: number): Promise<readonly ContextState[]> {
  const { lines } = await at.command('AT#SGACT?', { timeoutMs });
  const states: ContextState[] = [];
  for (const line of lines) {
    const [cid, state] = (splitFields(line, '#SGACT') ?? []).map(decimal);
    if (cid === undefined || state === undefined) continue;
    states.push({ cid, isActive: state === 1 });
  }
  return states;
}

/** The address of an active context. */
export async function contextAddress(at: AtClient, cid: number, timeoutMs: number): Promise<string> {
  for (const command of ['#CGPADDR', '+CGPADDR']) {
    try {
      const { lines } = await at.command(`AT${command}=${cid}`, { timeoutMs });
      for (const line of lines) {
        const address = splitFields(line, command)?.[1];
        if (address?.includes('.') === true) return address;
      }
    } catch (error) {
      if (cmeOf(error) === undefined && !(error instanceof CellmuxError && error.code === 'ERR_AT_ERROR')) throw error;
    }
  }
  return '0.0.0.0';
}
