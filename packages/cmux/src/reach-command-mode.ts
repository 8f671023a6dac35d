import type { AbortOptions } from '@cellmux/port';
import type { AtAnswer, AtDialogue } from './at-dialogue.ts';
import { blindCloseDown } from './blind-close-down.ts';
import { noAnswerError } from './cmux-errors.ts';

/** How long one `AT` is waited for, and how often it is tried. */
const PROBE_MS = 400;
const PROBES = 3;
/** How long a module that was freed from an old session is given before AT is tried again. */
const FREED_MS = 300;

/**
 * `AT` until the module answers; where it does not, a close-down that nobody asked for, and `AT` again. Rejects with
 * `ERR_CMUX_NO_ANSWER`, whose context says what was seen instead.
 */
export async function reachCommandMode(dialogue: AtDialogue, { signal }: AbortOptions = {}): Promise<void> {
  let last: AtAnswer | undefined;
  for (const round of ['plain', 'freed']) {
    if (round === 'freed') last = await dialogue.raw(blindCloseDown(), FREED_MS, { signal });
    for (let probe = 0; probe < PROBES; probe++) {
      const answer = await dialogue.command('AT', PROBE_MS, { signal });
      if (answer.result !== 'timeout') return;
      if (answer.octets.length > 0 || last === undefined) last = answer;
    }
  }
  throw noAnswerError('AT', last?.octets ?? new Uint8Array(0));
}
