import { atString, type AtClient } from '@cellmux/at';
import { CellmuxError, checkInteger, checkOneOf, type AbortOptions } from '@cellmux/port';
import { isIpv4 } from './core/command-lines.ts';
import { COMMAND_LINE_LIMIT } from './core/limits.ts';
import { decimal, splitFields } from './core/split-fields.ts';
import { cmeOf, ipEasyError } from './ip-easy-error.ts';
import { qualityCommands, setQualityOfService, type QualityOfService } from './quality-of-service.ts';

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

const DEFINE_CHECK =
  'Check the access point name with the operator; a context that is active must be deactivated before it is changed.';
const ACTIVATE_CHECK =
  'Check that the context is defined, that the module is registered (AT+CGREG?), and access point name, user and password.';
const DEACTIVATE_CHECK = 'Check that no dial-up call uses the context.';

/** `AT+CGDCONT=…` */
export async function defineContext(at: AtClient, definition: ContextDefinition, timeoutMs: number): Promise<void> {
  const { cid, quality } = definition;
  const line = defineLine(definition);
  // What is wrong with the quality is said before anything is changed.
  const qualityLines = quality === undefined ? [] : qualityCommands(cid, quality);
  try {
    await at.command(line, { timeoutMs });
  } catch (error) {
    throw ipEasyError(error, `context ${cid}: defining it`, DEFINE_CHECK);
  }
  await setQualityOfService(at, cid, qualityLines, timeoutMs);
}

function defineLine(definition: ContextDefinition): string {
  const { cid, apn, type = 'IP', address = '0.0.0.0', dataCompression = 0, headerCompression = 0 } = definition;
  checkInteger('cid', cid, 1, 5);
  checkOneOf('type', type, ['IP', 'PPP']);
  checkInteger('dataCompression', dataCompression, 0, 2);
  checkInteger('headerCompression', headerCompression, 0, 3);
  if (address !== '' && !isIpv4(address)) {
    throw new CellmuxError('ERR_OPTION_RANGE', `address must be an IPv4 address, not ${JSON.stringify(address)}`, {
      context: { option: 'address', value: address },
    });
  }
  const short = `AT+CGDCONT=${cid},"${type}",${atString(apn)}`;
  const line = `${short},${atString(address)},${dataCompression},${headerCompression}`;
  const isPlain = address === '0.0.0.0' && dataCompression === 0 && headerCompression === 0;
  // A long access point name leaves no room for what is the default anyway.
  return isPlain && line.length > COMMAND_LINE_LIMIT ? short : line;
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
    throw ipEasyError(error, `context ${cid}: activating it`, ACTIVATE_CHECK);
  }
}

/** `AT#SGACT=cid,0`. Its sockets close. */
export async function deactivate(at: AtClient, cid: number): Promise<void> {
  checkInteger('cid', cid, 1, 5);
  try {
    await at.command(`AT#SGACT=${cid},0`, { timeoutMs: ACTIVATION_TIMEOUT_MS });
  } catch (error) {
    throw ipEasyError(error, `context ${cid}: deactivating it`, DEACTIVATE_CHECK);
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
