import type { AtClient } from '@cellmux/at';
import type { AbortOptions, Clock } from '@cellmux/port';
import { PppLink, type PppEnd, type PppNetwork } from '@cellmux/ppp';
import type { PacketLink } from './packet-host.ts';

/** A PPP call that is up. */
export interface PppCall extends PacketLink {
  readonly network: PppNetwork;
  readonly ended: Promise<PppEnd>;
  close(): Promise<void>;
}

/** How a PPP call is dialled. */
export interface DialPppOptions extends AbortOptions {
  readonly cid: number;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly clock: Clock;
}

/** Dials a context, brings PPP up on the call, and hangs up when that fails. */
export async function dialPpp(
  client: AtClient,
  { cid, user, password, clock, signal }: DialPppOptions,
): Promise<PppCall> {
  const call = await client.connect(`ATD*99***${cid}#`, { signal, timeoutMs: 30_000 });
  const link = new PppLink(call, {
    role: 'client',
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
    clock,
  });
  const close = async (): Promise<void> => {
    await link.close();
    await call.close();
  };
  try {
    const network = await link.open({ signal });
    return { network, packets$: link.packets$, send: (packet) => link.send(packet), ended: link.ended, close };
  } catch (error) {
    await close();
    throw error;
  }
}
