/** What a modem that has left data mode says. */
const WORDS = ['NO CARRIER', 'DISCONNECT', 'NO DIALTONE', 'NO ANSWER', 'BUSY', 'ERROR', 'OK'] as const;

/** Longest text looked at: a result code with CR and LF around it, behind a little of a frame that was cut off. */
const WINDOW_BYTES = 64;

/**
 * The final result of a modem at the end of what came behind the last flag, where there is one: `<CR><LF>NO CARRIER<CR><LF>`.
 * Octets of a frame may look like it by chance, so it counts only when nothing follows for a while.
 */
export function modemTextAtEnd(pending: Uint8Array): string | undefined {
  if (pending.length < 3) return undefined;
  const last = pending[pending.length - 1];
  if (last !== 0x0d && last !== 0x0a) return undefined;
  let text = '';
  for (const octet of pending.subarray(Math.max(0, pending.length - WINDOW_BYTES))) text += String.fromCharCode(octet);
  const lines = text.split(/[\r\n]+/).filter((line) => line !== '');
  const line = lines.at(-1);
  if (line === undefined) return undefined;
  if (/^\+CM[ES] ERROR: [\x20-\x7e]{1,40}$/.test(line)) return line;
  return WORDS.find((word) => line === word);
}
