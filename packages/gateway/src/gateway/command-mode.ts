import { AtClient } from '@cellmux/at';
import { hasCode, type Clock, type Port } from '@cellmux/port';

/** Tries, each with a second to answer: a module takes a moment to fall back from the multiplexer to AT. */
const ATTEMPTS = 3;
const ATTEMPT_TIMEOUT_MS = 1000;

/** True when the module at the far end of the line answers `AT`. */
export async function answersAt(line: Port, clock: Clock): Promise<boolean> {
  if (line.isClosed) return false;
  const client = new AtClient(line, { clock });
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      try {
        await client.command('AT', { timeoutMs: ATTEMPT_TIMEOUT_MS });
        return true;
      } catch (error) {
        // An ERROR is an answer too. No answer, or one that is none: asked again, up to the limit.
        if (hasCode(error, 'ERR_AT_ERROR') || hasCode(error, 'ERR_AT_CME')) return true;
      }
    }
    return false;
  } finally {
    await client.close();
  }
}
