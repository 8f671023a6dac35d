import { CellmuxError, fromLatin1, toHex } from '@cellmux/port';
import { WAITING_LIMIT } from './core/control-channel.ts';
import type { OpenOutcome } from './core/dlc.ts';

/** What came over the line while an answer was awaited: the end of it, as text where it is text. */
export function describeSeen(octets: Uint8Array): Readonly<Record<string, unknown>> {
  if (octets.length === 0) return { seen: 'nothing' };
  const printable = octets.filter((octet) => octet === 0x0a || octet === 0x0d || (octet >= 0x20 && octet < 0x7f));
  const isText = printable.length * 10 >= octets.length * 8;
  return isText ? { seen: 'text', text: fromLatin1(printable).trim() } : { seen: 'octets', hex: toHex(octets, ' ') };
}

/** N2 tries without an answer. */
export function noAnswerError(what: string, seen: Uint8Array): CellmuxError {
  const evidence = describeSeen(seen);
  const hint =
    evidence['seen'] === 'nothing'
      ? 'Check the line, its speed, and that the module is on.'
      : evidence['seen'] === 'text'
        ? 'The far end sends text: it is in AT command mode, or has restarted.'
        : 'Something arrives, but no frame: check speed and parity, and that both ends use the same option.';
  return new CellmuxError('ERR_CMUX_NO_ANSWER', `${what}: no answer`, { hint, context: evidence });
}

/** DM in answer to SABM. */
export function refusedError(dlci: number): CellmuxError {
  return new CellmuxError('ERR_CMUX_DLC_REFUSED', `the peer refuses DLCI ${dlci} (DM)`, {
    hint: 'The module may have fewer DLCs, or this one is in use.',
    context: { dlci },
  });
}

/** PN brought no agreement on what cannot be done without. */
export function notAgreedError(dlci: number): CellmuxError {
  return new CellmuxError('ERR_CMUX_NOT_AGREED', `the peer does not agree to what DLCI ${dlci} needs`, {
    hint: 'Open it without frameType and convergence: most modules know UIH and layer 1 alone.',
    context: { dlci },
  });
}

/** NSC in answer to a command. */
export function notSupportedError(command: string): CellmuxError {
  return new CellmuxError('ERR_CMUX_NOT_SUPPORTED', `the peer does not know ${command} (NSC)`, {
    context: { command },
  });
}

/** Too many commands of one kind wait for the answer to the one before. */
export function busyError(command: string): CellmuxError {
  return new CellmuxError('ERR_CMUX_BUSY', `${WAITING_LIMIT} ${command} commands wait for their turn already`, {
    hint: 'Await the answer to one before the next: one of a kind is under way at a time for each DLC.',
    context: { command, limit: WAITING_LIMIT },
  });
}

/** The link is over. */
export function linkLostError(what: string, cause?: unknown): CellmuxError {
  return new CellmuxError('ERR_CMUX_LINK_LOST', `${what}: the multiplexer link is lost`, {
    ...(cause === undefined ? {} : { cause }),
    hint: 'Open the line again and start the multiplexer anew.',
  });
}

/** A call that does not fit the state. */
export function stateError(what: string, state: string): CellmuxError {
  return new CellmuxError('ERR_CMUX_STATE', `${what} is not possible while the multiplexer is ${state}`, {
    context: { state },
  });
}

/** How an attempt to open a DLC, or with DLCI 0 the link, failed. */
export function openError(dlci: number, outcome: OpenOutcome, seen: Uint8Array, lineError: unknown): CellmuxError {
  const what = dlci === 0 ? 'starting the multiplexer' : `opening DLCI ${dlci}`;
  switch (outcome) {
    case 'refused':
      return refusedError(dlci);
    case 'notAgreed':
      return notAgreedError(dlci);
    case 'noAnswer':
      return noAnswerError(what, seen);
    default:
      return linkLostError(what, lineError);
  }
}
