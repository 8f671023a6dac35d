import type { AtClient } from '@cellmux/at';
import { hasCode } from '@cellmux/port';
import type { AtLane } from './at-lane.ts';
import { cmeOf } from './ip-easy-error.ts';

const CLOSE_TIMEOUT_MS = 30_000;
/** What modules say to #SD and #SL on a connId that is not closed: operation not allowed, wrong mode. */
const IN_USE: ReadonlySet<number> = new Set([3, 552]);

/** `AT#SH`: closes whatever the connId is doing; OK also when it does nothing. What was lost on the line is said again. */
export async function closeConnId(lane: AtLane, connId: number): Promise<void> {
  const close = (): Promise<unknown> => lane.run((at) => shut(at, connId), { front: true });
  try {
    await close();
  } catch (error) {
    if (!hasCode(error, 'ERR_AT_TIMEOUT')) throw error;
    await close();
  }
}

/**
 * Runs a command that needs a closed connId. Where the module has it in use all the same, because a command to close it
 * was lost on the line, it is closed and the command given once more.
 */
export async function onClosedConnId<T>(at: AtClient, connId: number, command: () => Promise<T>): Promise<T> {
  try {
    return await command();
  } catch (error) {
    const cme = cmeOf(error);
    if (cme === undefined || !IN_USE.has(cme)) throw error;
    await shut(at, connId);
    return command();
  }
}

function shut(at: AtClient, connId: number): Promise<unknown> {
  return at.command(`AT#SH=${connId}`, { timeoutMs: CLOSE_TIMEOUT_MS });
}
