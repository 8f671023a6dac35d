import type { PppEndReason } from './session-types.ts';

/** What the peer is told in the Terminate-Request. */
export const TERMINATE_TEXT: Readonly<Record<PppEndReason, string>> = {
  closedHere: 'User request',
  closedByPeer: '',
  authFailed: 'Authentication failed',
  authRefused: 'Authentication is required',
  noAnswer: 'No answer in time',
  loopback: 'Line is looped back',
  noAgreement: 'No agreement on options',
  networkFailed: 'No network protocol',
  carrierLost: '',
  silence: 'Peer not responding',
};
