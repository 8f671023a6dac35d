import { CellmuxError } from '@cellmux/port';
import type { PppEndReason, PppPhase, SessionEnd } from './core/session-types.ts';

/** How a link ended, and what to do about it. */
export interface PppEnd {
  readonly reason: PppEndReason;
  /** What the peer or the modem said, or what was missing; may be empty. */
  readonly text: string;
  /** The phase in which it began to end. */
  readonly phase: PppPhase;
  /** What a person can do, one sentence; empty where it was asked for. */
  readonly advice: string;
  /** True where dialling again may help without anybody changing anything. */
  readonly isWorthRetrying: boolean;
  /** Octets of the port that came behind the last frame of the link: what a modem says after it has hung up. */
  readonly leftover: Uint8Array;
}

/** What arrived while nothing came of it: told in errors. */
export interface SeenOnTheLine {
  readonly bytesReceived: number;
  readonly framesReceived: number;
  readonly badFrames: number;
}

const CODES: Readonly<Record<PppEndReason, string>> = {
  closedHere: 'ERR_PPP_CLOSED',
  closedByPeer: 'ERR_PPP_CLOSED_BY_PEER',
  authFailed: 'ERR_PPP_AUTH_FAILED',
  authRefused: 'ERR_PPP_AUTH_REFUSED',
  noAnswer: 'ERR_PPP_NO_ANSWER',
  loopback: 'ERR_PPP_LOOPBACK',
  noAgreement: 'ERR_PPP_REFUSED',
  networkFailed: 'ERR_PPP_NETWORK_FAILED',
  carrierLost: 'ERR_PPP_CARRIER_LOST',
  silence: 'ERR_PPP_SILENCE',
};

const RETRY: ReadonlySet<PppEndReason> = new Set<PppEndReason>([
  'closedByPeer',
  'noAnswer',
  'loopback',
  'networkFailed',
  'carrierLost',
  'silence',
]);

/** Makes of a session's end what a person wants to know. */
export function describeEnd(end: SessionEnd, leftover: Uint8Array): PppEnd {
  return { ...end, advice: advice(end), isWorthRetrying: RETRY.has(end.reason), leftover };
}

/** The error of an `open` or `send` that such an end cuts short. */
export function endError(end: PppEnd, name: string, seen: SeenOnTheLine, cause?: unknown): CellmuxError {
  const detail = end.text === '' ? '' : `: ${end.text}`;
  return new CellmuxError(CODES[end.reason], `PPP on ${name} ${SENTENCES[end.reason]}${detail}`, {
    hint: end.reason === 'noAnswer' ? noAnswerAdvice(end, seen) : end.advice,
    context: { isWorthRetrying: end.isWorthRetrying, reason: end.reason, phase: end.phase, message: end.text, ...seen },
    ...(cause === undefined ? {} : { cause }),
  });
}

const SENTENCES: Readonly<Record<PppEndReason, string>> = {
  closedHere: 'was closed',
  closedByPeer: 'was ended by the peer',
  authFailed: 'was refused: name or password are wrong',
  authRefused: 'found no way to authenticate',
  noAnswer: 'got no answer',
  loopback: 'hears itself',
  noAgreement: 'came to no agreement with the peer',
  networkFailed: 'got no IP',
  carrierLost: 'lost the call',
  silence: 'hears nothing more of the peer',
};

function advice({ reason, phase }: SessionEnd): string {
  switch (reason) {
    case 'closedHere':
      return '';
    case 'closedByPeer':
    case 'carrierLost':
      if (phase === 'network') {
        return 'Ended while IP was being set up: check the APN of the context, and user and password of the operator.';
      }
      if (phase === 'authenticate') return 'Ended while authenticating: check user and password with the operator.';
      if (phase === 'establish') return 'Ended at once: check that the SIM is registered and the context has an APN.';
      return 'Dial again; if it keeps ending, check signal and registration.';
    case 'authFailed':
      return 'Check user and password with the operator.';
    case 'authRefused':
      return "Set auth to 'auto', or allow the protocol that the peer asks for.";
    case 'noAnswer':
      return 'Check that the port is in data mode (CONNECT was seen) and the baud rate is right, then dial again.';
    case 'loopback':
      return 'The far end echoes: the modem is in command mode, or the line is looped. Hang up and dial again.';
    case 'noAgreement':
      return 'Leave mru, accm, pfc and acfc at their defaults and try again.';
    case 'networkFailed':
      return 'Check the APN and PDP type of the context, and that the operator lets this SIM use data.';
    case 'silence':
      return 'Dial again; a module that never answers Echo-Requests needs keepAlive left out.';
  }
}

function noAnswerAdvice(end: PppEnd, { bytesReceived, framesReceived, badFrames }: SeenOnTheLine): string {
  if (bytesReceived === 0) {
    return 'Not one octet arrived: check cable, port and baud rate, and that the module is in data mode.';
  }
  if (framesReceived === 0 && badFrames > 0) {
    return 'Only damaged frames arrived: check baud rate and flow control.';
  }
  if (framesReceived === 0) return 'What arrived is not PPP: the module is probably in command mode; dial first.';
  return end.advice;
}
