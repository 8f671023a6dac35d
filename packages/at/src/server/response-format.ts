import { latin1 } from '@cellmux/port';
import { CME_ERRORS } from '../core/cme-errors.ts';
import { CMS_ERRORS } from '../core/cms-errors.ts';
import { NUMERIC_RESULTS } from '../core/result-codes.ts';
import type { CommandResult } from './command-declaration.ts';
import type { Settings } from './settings.ts';

const NUMBER_OF: ReadonlyMap<string, string> = new Map(Object.entries(NUMERIC_RESULTS).map(([n, text]) => [text, n]));

function characters(settings: Settings): { cr: string; crlf: string } {
  const cr = String.fromCharCode(settings.get('S3'));
  return { cr, crlf: cr + String.fromCharCode(settings.get('S4')) };
}

/** A result code as V, Q, S3 and S4 ask (V.250 §5.7); empty when Q has switched it off. */
export function formatResult(text: string, settings: Settings): Uint8Array {
  if (settings.quiet) return new Uint8Array(0);
  const { cr, crlf } = characters(settings);
  if (settings.verbose) return latin1(`${crlf}${text}${crlf}`);
  const [word = ''] = /^(CONNECT(?= )|.*)/s.exec(text) ?? [];
  const number = NUMBER_OF.get(word);
  return latin1(number === undefined ? `${crlf}${text}${crlf}` : `${number}${cr}`);
}

/** An information response (V.250 §5.7.1). Only the first of a command starts on a fresh line. */
export function formatInformation(text: string, first: boolean, settings: Settings): Uint8Array {
  const { crlf } = characters(settings);
  return latin1(`${first && settings.verbose ? crlf : ''}${text}${crlf}`);
}

/** An unsolicited line: a result code where it is one (`NO CARRIER`, `RING`), else information. */
export function formatUnsolicited(text: string, settings: Settings): Uint8Array {
  return NUMBER_OF.has(text) ? formatResult(text, settings) : formatInformation(text, true, settings);
}

/** What invites the host to type: on a fresh line, and a blank behind it. */
export function formatPrompt(settings: Settings): Uint8Array {
  return latin1(`${characters(settings).crlf}> `);
}

/** The values of X that tell these apart from NO CARRIER (V.250 §6.2.7). */
const TOLD_BY_X: ReadonlyMap<CommandResult, readonly number[]> = new Map<CommandResult, readonly number[]>([
  ['BUSY', [3, 4]],
  ['NO DIALTONE', [2, 4]],
]);

/** The words of a result, as +CMEE and X ask; undefined for one that prints nothing. */
export function resultText(result: CommandResult, { cmee, x }: Settings): string | undefined {
  if (result === 'silent') return undefined;
  if (typeof result === 'string') return TOLD_BY_X.get(result)?.includes(x) === false ? 'NO CARRIER' : result;
  if ('takeOver' in result) return 'OK';
  if (cmee === 0) return 'ERROR';
  const isCms = 'cms' in result;
  const code = isCms ? result.cms : result.cme;
  const words = (isCms ? CMS_ERRORS : CME_ERRORS)[code];
  return `+${isCms ? 'CMS' : 'CME'} ERROR: ${cmee === 2 ? (words ?? code) : code}`;
}

/** What a call begins with: X0 leaves out what stands behind CONNECT (V.250 §6.2.7). */
export function connectResult(text: string, { x }: Settings): string {
  return text === '' || x === 0 ? 'CONNECT' : `CONNECT ${text}`;
}
