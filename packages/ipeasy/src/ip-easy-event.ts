/** What `IpEasy.events$` tells. No payload and no secret is ever in an event. */
export type IpEasyEvent =
  /** Leftovers of an earlier run were closed and the sockets configured. */
  | { readonly type: 'prepared'; readonly closedLeftovers: number }
  | { readonly type: 'contextActivated'; readonly cid: number; readonly address: string }
  /** The module activated a context by itself (#SGACTCFG). */
  | { readonly type: 'contextReactivated'; readonly address: string }
  | { readonly type: 'contextDeactivated'; readonly cid: number }
  /** The network took a context away; its sockets end with `ERR_IPEASY_CONTEXT_LOST`. */
  | { readonly type: 'contextLost'; readonly cid: number }
  /** The module was started anew; all sockets end with `ERR_IPEASY_MODULE_RESET`. */
  | { readonly type: 'moduleReset' }
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
  | { readonly type: 'listening'; readonly connId: number; readonly port: number }
  | { readonly type: 'incomingAccepted'; readonly connId: number; readonly port: number }
  | { readonly type: 'incomingRefused'; readonly connId: number; readonly port: number }
  | { readonly type: 'warning'; readonly code: 'WARN_IPEASY_NO_FIREWALL_RULE'; readonly message: string }
  /** A line that belongs to sockets came for a connId that nobody uses. */
  | { readonly type: 'strayIndication'; readonly line: string }
  /** `#SS` could not be asked. */
  | { readonly type: 'statusUnknown'; readonly error: unknown }
  /** An AT port is gone. */
  | { readonly type: 'portLost'; readonly portIndex: number; readonly error: unknown };
