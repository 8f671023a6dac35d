import type { OpenRequest } from './open-transport.ts';

/** How long #SH waits for the peer to take what was sent, before it gives up. */
export const SHUTDOWN_WAIT_MS = 10_000;

/** `<cause>` of #SLASTCLOSURE. */
export const CLOSURE = { none: 0, remoteFin: 1, remoteReset: 2, inactivity: 3, network: 4 } as const;

/** `<dir>` of #ST. */
export const DIRECTION = { none: 0, dialer: 1, listener: 2 } as const;

/** What #SD asks for. */
export interface DialRequest extends Omit<OpenRequest, 'timeoutMs' | 'signal'> {
  /** 0: close when the peer closes. 255: stay until the host ends it. */
  readonly closureType: number;
  readonly online: boolean;
}

/** What #SL and #SLUDP ask for. */
export interface ListenRequest {
  readonly transport: 'tcp' | 'udp';
  readonly port: number;
  readonly closureType: number;
}
