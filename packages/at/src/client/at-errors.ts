import { CellmuxError } from '@cellmux/port';
import { CME_ERRORS, cmeCode } from '../core/cme-errors.ts';
import { CMS_ERRORS, cmsCode } from '../core/cms-errors.ts';
import type { FinalResult } from '../core/result-codes.ts';

const CALL_CODES = {
  'NO CARRIER': 'ERR_AT_NO_CARRIER',
  BUSY: 'ERR_AT_BUSY',
  'NO ANSWER': 'ERR_AT_NO_ANSWER',
  'NO DIALTONE': 'ERR_AT_NO_DIALTONE',
} as const;

/** The error that a final result other than OK is; `shown` is the command as it may be shown. */
export function resultError(shown: string, result: Exclude<FinalResult, { kind: 'OK' }>): CellmuxError {
  switch (result.kind) {
    case 'CME': {
      const isFtp = /^AT#FTP/i.test(shown);
      const cme = cmeCode(result.detail, isFtp ? 'ftp' : 'socket');
      const text = cme === undefined ? result.detail : (CME_ERRORS[cme] ?? result.detail);
      return new CellmuxError(
        'ERR_AT_CME',
        `${shown} was refused: ${text}${cme === undefined ? '' : `, +CME ${cme}`}`,
        {
          context: { command: shown, cme, text, detail: result.detail },
        },
      );
    }
    case 'CMS': {
      const cms = cmsCode(result.detail);
      const text = cms === undefined ? result.detail : (CMS_ERRORS[cms] ?? result.detail);
      return new CellmuxError(
        'ERR_AT_CMS',
        `${shown} was refused: ${text}${cms === undefined ? '' : `, +CMS ${cms}`}`,
        {
          context: { command: shown, cms, text, detail: result.detail },
        },
      );
    }
    case 'OK':
    case 'ERROR':
      return new CellmuxError('ERR_AT_ERROR', `${shown} was answered with ${result.text}`, {
        context: { command: shown },
        hint: 'AT+CMEE=1 makes the module say why.',
      });
    case 'NO CARRIER':
    case 'BUSY':
    case 'NO ANSWER':
    case 'NO DIALTONE':
      return new CellmuxError(CALL_CODES[result.kind], `${shown} was answered with ${result.kind}`, {
        context: { command: shown },
      });
  }
}

export function lineLostError(what: string, cause?: unknown): CellmuxError {
  return new CellmuxError('ERR_AT_LINE_LOST', `${what}: the line below was closed or failed`, { cause });
}

export function clientClosedError(what: string): CellmuxError {
  return new CellmuxError('ERR_AT_CLOSED', `${what}: the AT client was closed`);
}
