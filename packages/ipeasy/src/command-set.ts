import type { AtClient } from '@cellmux/at';
import { CellmuxError } from '@cellmux/port';

const users = new WeakMap<AtClient, { readonly set: 'multisocket' | 'legacy'; count: number }>();

/**
 * Notes which family of commands uses an AT port; what it gives ends the use. The two must not be mixed on one module:
 * `#SKTOP` for one drops the context, and with it the sockets of the other (guide §3.2.2.7).
 *
 * @throws CellmuxError `ERR_IPEASY_MIXED_SETS`
 */
export function useCommandSet(at: AtClient, set: 'multisocket' | 'legacy'): () => void {
  const current = users.get(at);
  if (current !== undefined && current.count > 0 && current.set !== set) {
    throw new CellmuxError('ERR_IPEASY_MIXED_SETS', `the AT port is used by the ${current.set} commands`, {
      hint: 'Use either IpEasy or LegacyIpEasy with a module, and close one before the other.',
    });
  }
  const use = current?.set === set ? current : { set, count: 0 };
  use.count++;
  users.set(at, use);
  let isOver = false;
  return () => {
    if (!isOver) use.count--;
    isOver = true;
  };
}

/** The same for several ports: all or none. */
export function useCommandSets(ports: readonly AtClient[], set: 'multisocket' | 'legacy'): () => void {
  const leaves: (() => void)[] = [];
  const leaveAll = (): void => {
    for (const leave of leaves) leave();
  };
  try {
    for (const at of ports) leaves.push(useCommandSet(at, set));
  } catch (error) {
    leaveAll();
    throw error;
  }
  return leaveAll;
}
