import type { AtResult } from './gateway-events.ts';

/** Codes of what the module itself answered. */
const ANSWERED = /^ERR_AT_(ERROR|CME|CMS|NO_CARRIER|NO_DIALTONE|NO_ANSWER|BUSY)/;

/** How a command ended, by the result line or the code that an AtClient tells. */
export function atResultOf(result: string): AtResult {
  if (/^(OK|CONNECT)/.test(result)) return 'ok';
  if (result === 'ERR_AT_TIMEOUT') return 'timeout';
  return !result.startsWith('ERR_') || ANSWERED.test(result) ? 'error' : 'lost';
}
