import type { CellmuxError } from '@cellmux/port';
import type { AtLane } from './at-lane.ts';

/** What holds a connId: a connection, a listener. It is told what the module says about it. */
export interface ConnIdUser {
  readonly connId: number;
  /** The AT port on which the module tells about it. */
  readonly lane: AtLane;
  /** Context that the connId is bound to. */
  readonly cid: number;
  /** Whether `#SS` may be asked about it: the connId is open, and nobody else uses it at the moment. */
  readonly isSettled: boolean;
  /** Counts everything that was heard of it: the same number for long means silence. */
  readonly activity: number;
  /** SRING. */
  noticeData(waitingBytes: number | undefined): void;
  /** `#SS` says closed, or listening where a connection was. */
  noticeClosed(now: 'closed' | 'listening'): void;
  /** It is lost; `isFree`: and the module has let go of it. */
  fail(error: unknown, options?: { readonly isFree?: boolean }): void;
  /** Lets go of the connId, closing it where it is open. */
  close(): Promise<void>;
}

/** What holders of connIds need of the library around them. */
export interface ConnIdHost {
  /**
   * Finds out with #SS which connIds have closed; resolves when their holders have been told, and never rejects.
   * `suspicious`: the module may have been reset.
   */
  sweep(lane: AtLane, options?: { readonly suspicious?: boolean }): Promise<void>;
  /** An online connection ended with NO CARRIER: its peer's end, or a loss with this error. Never rejects. */
  whyEnded(user: ConnIdUser): Promise<CellmuxError | undefined>;
  /** A port on which a single command about this connId can run now, its own if possible. */
  near(preferred: AtLane): AtLane;
  /** The connId is free. */
  released(user: ConnIdUser): void;
}
