import { CellmuxError, systemClock, type AbortOptions, type Clock, type Port } from '@cellmux/port';
import { AtDialogue } from './at-dialogue.ts';
import { linkLostError } from './cmux-errors.ts';
import type { Multiplexer } from './multiplexer.ts';
import { reachCommandMode } from './reach-command-mode.ts';

/** Options of {@link stopMultiplexer}. `signal` cuts short the wait for queued bytes, and for the module. */
export interface StopOptions extends AbortOptions {
  /** The multiplexer's; default the system's. */
  readonly clock?: Clock | undefined;
}

/**
 * Ends a multiplexer and makes sure that the module is back in AT command mode: what is queued leaves, DISC on each DLC, CLD,
 * DISC on DLCI 0 where CLD is not answered (3GPP TS 27.010 §5.8.2), `AT`, and where that is not answered a blind close-down
 * and `AT` again. Gives the line, ready for the next command. Also for a multiplexer that has ended by itself.
 *
 * Rejects with `ERR_CMUX_NO_ANSWER` (its context says what was seen), `ERR_CMUX_LINK_LOST` (the line is gone), or the
 * signal's reason. The multiplexer is closed and the line free in each case.
 *
 * @example
 * const line = await stopMultiplexer(multiplexer);
 */
export async function stopMultiplexer(multiplexer: Multiplexer, options: StopOptions = {}): Promise<Port> {
  const { signal, clock = systemClock } = options;
  await multiplexer.close({ signal });
  const dialogue = new AtDialogue(multiplexer.released, clock);
  let released = multiplexer.released;
  try {
    await reachCommandMode(dialogue, { signal });
  } catch (error) {
    const isKnown = error instanceof CellmuxError && error.code.startsWith('ERR_CMUX');
    throw isKnown || signal?.aborted === true ? error : linkLostError('stopping the multiplexer', error);
  } finally {
    released = dialogue.release();
  }
  return released;
}
