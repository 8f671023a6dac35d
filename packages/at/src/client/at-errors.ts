import { CellmuxError } from '@cellmux/port';
import { CME_ERRORS, cmeCode } from '../core/cme-errors.ts';
import { CMS_ERRORS, cmsCode } from '../core/cms-errors.ts';
import { QUEUE_LIMIT_COMMANDS } from '../core/limits.ts';
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

/** The line went away under a command. */
export function lineLost(shown: string, cause?: unknown): CellmuxError {
  return new CellmuxError('ERR_AT_LINE_LOST', `${shown}: the line below was closed or failed`, { cause });
}

/** The client was closed, or is being closed. */
export function clientClosed(shown: string): CellmuxError {
  return new CellmuxError('ERR_AT_CLOSED', `${shown}: the AT client was closed`);
}

/** There is no command mode now. */
export function inDataMode(shown: string): CellmuxError {
  return new CellmuxError('ERR_AT_IN_DATA_MODE', `${shown}: the port is in data mode`, {
    context: { command: shown },
    hint: 'Escape from the call or close it first, or use another port.',
  });
}

/** Too many commands wait. */
export function queueFull(shown: string): CellmuxError {
  return new CellmuxError('ERR_AT_QUEUE_FULL', `${shown}: ${QUEUE_LIMIT_COMMANDS} commands are waiting`, {
    context: { limitCommands: QUEUE_LIMIT_COMMANDS },
    hint: 'Await the commands that were given.',
  });
}

/** No final result came in time. */
export function timedOut(shown: string, timeoutMs: number): CellmuxError {
  return new CellmuxError('ERR_AT_TIMEOUT', `${shown} was not answered within ${timeoutMs} ms`, {
    context: { command: shown, timeoutMs, sent: true },
  });
}

/** The module answers nothing any more, so that the command was not even sent. */
export function notAnswering(shown: string): CellmuxError {
  return new CellmuxError('ERR_AT_TIMEOUT', `${shown} was not sent: the module has stopped answering`, {
    context: { command: shown, sent: false },
    hint: 'Check the line, its speed and that the module is on.',
  });
}

/** CONNECT came to a command that was not meant to make a call. */
export function unexpectedConnect(shown: string): CellmuxError {
  return new CellmuxError('ERR_AT_UNEXPECTED_CONNECT', `${shown} went online; it is being left again`, {
    context: { command: shown },
    hint: 'A command that goes online is sent with connect().',
  });
}
