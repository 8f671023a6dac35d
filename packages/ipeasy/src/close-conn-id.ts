import type { AtLane } from './at-lane.ts';

const CLOSE_TIMEOUT_MS = 30_000;

/** `AT#SH`: closes whatever the connId is doing; OK also when it does nothing. */
export async function closeConnId(lane: AtLane, connId: number): Promise<void> {
  await lane.run((at) => at.command(`AT#SH=${connId}`, { timeoutMs: CLOSE_TIMEOUT_MS }), { front: true });
}
