import type { AtClient, DataCall } from '@cellmux/at';
import type { AtLane } from './at-lane.ts';
import { closeConnId, onClosedConnId } from './close-conn-id.ts';
import type { ConnIdUser } from './conn-id-user.ts';
import { dialLine, isIpv4 } from './core/command-lines.ts';
import { parseSocketStatus } from './core/socket-status.ts';
import { dialError, type DialSettings } from './dial-settings.ts';
import { isRefusal } from './ip-easy-error.ts';
import type { Endpoints } from './ip-easy-socket.ts';
import type { Lanes } from './lanes.ts';
import type { SocketSetup } from './socket-setup.ts';
import type { SocketTable } from './socket-table.ts';

/** Name resolution comes on top of the connect time-out of the module. */
const RESOLVE_TIMEOUT_MS = 20_000;

/** What opening a connection needs of the library around it. */
export interface DialHost {
  readonly lanes: Lanes;
  readonly table: SocketTable;
  readonly setup: SocketSetup;
  readonly timeoutMs: number;
  readonly askAddresses: boolean;
}

/** A holder of a connId that is being opened. */
export interface DialledUser extends ConnIdUser {
  opened(): void;
  openedOnline?(call: DataCall): void;
  /** It was not opened. */
  abandoned(): void;
}

/**
 * Takes a connId, makes its holder, and dials. Rejects in the terms of IP Easy; the connId is then free again. With the
 * signal aborted while the module dials, the connection is closed as soon as it has come up.
 */
export async function dialConnId<User extends DialledUser>(
  host: DialHost,
  dial: DialSettings,
  signal: AbortSignal,
  makeUser: (connId: number, lane: AtLane) => User,
): Promise<{ readonly user: User; readonly endpoints: Endpoints }> {
  const { lanes, table, setup } = host;
  const connId = await table.acquire({
    signal,
    whenFull: dial.whenFull,
    prefer: (id) => setup.cidOf(id) === dial.cid,
  });
  let lane: AtLane;
  try {
    lane = dial.mode === 'online' ? lanes.forStream() : lanes.any();
  } catch (error) {
    table.giveBack(connId);
    throw error;
  }
  const release = dial.mode === 'online' ? lane.reserve() : undefined;
  const user = makeUser(connId, lane);
  table.add(user);
  let started = false;
  try {
    const endpoints = await lane.run(
      (at) => {
        started = true;
        return dialNow(host, at, lane, user, dial);
      },
      { signal },
    );
    return { user, endpoints };
  } catch (error) {
    // Where the module refused, it has closed the connId; after a time-out it may still be dialling.
    if (started && !isRefusal(error)) await closeConnId(lanes.near(lane), connId).catch(() => undefined);
    user.abandoned();
    throw dialError(error, dial);
  } finally {
    release?.();
  }
}

async function dialNow(
  { setup, askAddresses, timeoutMs }: DialHost,
  at: AtClient,
  lane: AtLane,
  user: DialledUser,
  dial: DialSettings,
): Promise<Endpoints> {
  const { connId } = user;
  await setup.bind(at, connId, dial.cid, dial.connectTimeoutMs);
  const line = dialLine({ ...dial, connId });
  const dialTimeoutMs = dial.connectTimeoutMs + RESOLVE_TIMEOUT_MS;
  const assumed = { remotePort: dial.port, ...(isIpv4(dial.host) ? { remoteAddress: dial.host } : {}) };
  if (dial.mode === 'online') {
    user.openedOnline?.(await onClosedConnId(at, connId, () => lane.goOnline(line, dialTimeoutMs)));
    return assumed;
  }
  await onClosedConnId(at, connId, () => at.command(line, { timeoutMs: dialTimeoutMs }));
  const endpoints = askAddresses ? await askEndpoints(at, connId, timeoutMs) : undefined;
  user.opened();
  return endpoints ?? assumed;
}

/** Both addresses of an open connection; undefined when the module does not say. */
export async function askEndpoints(at: AtClient, connId: number, timeoutMs: number): Promise<Endpoints | undefined> {
  try {
    const { lines } = await at.command(`AT#SS=${connId}`, { timeoutMs });
    const status = lines.map(parseSocketStatus).find((found) => found?.connId === connId);
    return status?.remoteAddress === undefined ? undefined : status;
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw error;
  }
}
