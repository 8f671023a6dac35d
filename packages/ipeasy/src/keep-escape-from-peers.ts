import type { AtClient } from '@cellmux/at';
import { isRefusal } from './ip-easy-error.ts';

/**
 * `AT#SKIPESC=1`: without it, the three octets of the escape sequence that suspends a connection also go to its peer.
 * Firmware that has no such command keeps them to itself, or cannot be helped.
 */
export async function keepEscapeFromPeers(at: AtClient, timeoutMs: number): Promise<void> {
  try {
    await at.command('AT#SKIPESC=1', { timeoutMs });
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
}
