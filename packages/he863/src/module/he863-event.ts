/** What a virtual HE863 tells about itself. Never holds a password or a PIN. */
export type He863Event =
  | { readonly type: 'portOpened' | 'portClosed'; readonly port: string }
  | { readonly type: 'multiplexerStarted' | 'multiplexerEnded'; readonly port: string; readonly reason?: string }
  | { readonly type: 'pppStarted' | 'pppEnded'; readonly port: string; readonly reason?: string }
  | { readonly type: 'contextActivated' | 'contextDeactivated' | 'contextLost'; readonly cid: number }
  | { readonly type: 'reset'; readonly reason: string }
  /** A line was closed by a fault; for that time from now on no other will do. */
  | { readonly type: 'lineLost'; readonly port: string; readonly forMs: number }
  | { readonly type: 'fault'; readonly fault: string }
  | { readonly type: 'handlerFailed'; readonly port: string; readonly command: string; readonly error: unknown }
  | { readonly type: 'socket'; readonly connId: number; readonly what: string };
