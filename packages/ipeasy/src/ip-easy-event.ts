/** What `IpEasy.events$` tells. No payload and no secret is ever in an event. */
export type IpEasyEvent =
  /** Leftovers of an earlier run were closed and the sockets configured. */
  | { readonly type: 'prepared'; readonly closedLeftovers: number }
  | { readonly type: 'contextActivated'; readonly cid: number; readonly address: string }
  | { readonly type: 'contextDeactivated'; readonly cid: number }
  | {
      readonly type: 'socketOpened';
      readonly connId: number;
      readonly host: string;
      readonly port: number;
      readonly portIndex: number;
    }
  | { readonly type: 'socketRefused'; readonly host: string; readonly port: number; readonly error: unknown }
  /** `by`: the peer, this side, or a loss with its error. */
  | {
      readonly type: 'socketClosed';
      readonly connId: number;
      readonly by: 'peer' | 'here' | 'loss';
      readonly error?: unknown;
    }
  /** A line that belongs to sockets came for a connId that nobody uses. */
  | { readonly type: 'strayIndication'; readonly line: string }
  /** An AT port is gone. */
  | { readonly type: 'portLost'; readonly portIndex: number; readonly error: unknown };
