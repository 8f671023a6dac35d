/** What a modem that has left data mode says. */
const WORDS = ['NO CARRIER', 'DISCONNECT', 'NO DIALTONE', 'NO ANSWER', 'BUSY', 'ERROR', 'OK'] as const;

/** Longest text looked at: a result code with CR and LF around it, behind a little of a frame that was cut off. */
const WINDOW_BYTES = 64;
/** Octets of a frame may look like a result by chance, so it counts only when nothing follows it for this long. */
const QUIET_MS = 300;
/** Behind the begin of a frame it may be data of a line that has stalled: this long then. */
const QUIET_IN_FRAME_MS = 1000;

/** The final result of a modem, and how long nothing may follow it until it is believed. */
export interface ModemText {
  readonly text: string;
  readonly quietMs: number;
}

/**
 * The final result of a modem at the end of what came behind the last flag, where there is one:
 * `<CR><LF>NO CARRIER<CR><LF>`. Behind the begin of a frame only `NO CARRIER` counts.
 */
export function modemTextAtEnd(pending: Uint8Array): ModemText | undefined {
  if (pending.length < 3) return undefined;
  const last = pending[pending.length - 1];
  if (last !== 0x0d && last !== 0x0a) return undefined;
  let text = '';
  for (const octet of pending.subarray(Math.max(0, pending.length - WINDOW_BYTES))) text += String.fromCharCode(octet);
  const lines = text.split(/[\r\n]+/).filter((line) => line !== '');
  const line = lines.at(-1);
  if (line === undefined) return undefined;
  if (lines.length > 1 || pending.length > WINDOW_BYTES) {
    return line === 'NO CARRIER' ? { text: line, quietMs: QUIET_IN_FRAME_MS } : undefined;
  }
  const isResult = WORDS.some((word) => word === line) || /^\+CM[ES] ERROR: [\x20-\x7e]{1,40}$/.test(line);
  return isResult ? { text: line, quietMs: QUIET_MS } : undefined;
}
